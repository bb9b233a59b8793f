"""The project's figures, each measured against its baseline in one interleaved run.

To add figures: write a file here with a function that returns a list of `Figure`, measuring its
baseline in turn with the thing itself (`interleaved` in figures.py does), and add a line to SOURCES
in __main__.py. Not for passing or failing: a figure over its bound is printed as OVER.
"""
