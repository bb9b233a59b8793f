"""The bench: the cabinet's physical side as a page that a person plays.

It acts only on the simulated world, beyond the wires, and shows only what is physical there: never
what the cabinet believes, so that a count stays blind.
"""

from sim.bench.gestures import Power
from sim.bench.server import Bench, serve

__all__ = ["Bench", "Power", "serve"]
