"""The software's version, as records and the command line say it."""

VERSION = "0.1.0"
