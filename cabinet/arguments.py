"""How a command line's words are read, beyond what argparse knows.

One rule: what is wrong with a word is said in few words; argparse lists every number of a range.
"""

import argparse
from collections.abc import Callable


def whole(least: int, most: int) -> Callable[[str], int]:
    """What argparse reads a number by, and what it says of another: in few words."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number")
        if not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not from {least} to {most}")
        return int(text)

    return read
