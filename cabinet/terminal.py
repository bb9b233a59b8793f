"""A person at a terminal: questions, and secrets that are not shown while they are typed.

Not for the touchscreen. One rule: what is secret is never echoed, never in an argument, and never
quoted back.
"""

import getpass
import sys
from typing import Protocol

MAX_CHARACTERS = 1024


class NobodyThere(Exception):
    """The input ended before everything was answered."""


class Terminal(Protocol):
    """Where a command tells and asks."""

    def tell(self, text: str) -> None: ...

    def ask(self, question: str) -> str: ...

    def secret(self, question: str) -> str: ...


class StandardTerminal:
    """The terminal that the command was started from; without one, lines of standard input."""

    def tell(self, text: str) -> None:
        """Print."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def ask(self, question: str) -> str:
        """A line that may be seen."""
        sys.stdout.write(f"{question}: ")
        sys.stdout.flush()
        return self._line()

    def secret(self, question: str) -> str:
        """A line that may not."""
        if not sys.stdin.isatty():
            return self.ask(question)
        try:
            return getpass.getpass(f"{question} (not shown): ")[:MAX_CHARACTERS].strip()
        except EOFError:
            raise NobodyThere("the input ended; nothing was changed") from None

    def _line(self) -> str:
        line = sys.stdin.readline(MAX_CHARACTERS)
        if not line:
            raise NobodyThere("the input ended; nothing was changed")
        return line.strip()
