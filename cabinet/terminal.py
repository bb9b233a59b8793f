"""A person at a terminal: questions, and secrets that are not shown while they are typed.

Not for the touchscreen. One rule: what is secret is never echoed, never in an argument, and never
quoted back.
"""

import getpass
import sys
from typing import Protocol

MAX_CHARACTERS = 1024
CLEAR = "\x1b[2J\x1b[3J\x1b[H"  # ECMA-48: erase the page; xterm: and what scrolled off; then home


class NobodyThere(Exception):
    """The input ended before everything was answered."""


class Terminal(Protocol):
    """Where a command tells and asks."""

    def tell(self, text: str) -> None: ...

    def ask(self, question: str) -> str: ...

    def secret(self, question: str) -> str: ...

    def show_once(self, title: str, secret: str) -> None: ...


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

    def show_once(self, title: str, secret: str) -> None:
        """Show a secret to one person, and wipe it off the screen when they have it."""
        if not sys.stdin.isatty():
            self.tell(f"{title}: {secret}")
            return
        self.ask(f"{title}. Press Enter to see it")
        self.ask(f"\n    {secret}\n\nWrite it down, then press Enter")
        self.tell(CLEAR)

    def _line(self) -> str:
        line = sys.stdin.readline(MAX_CHARACTERS)
        if not line:
            raise NobodyThere("the input ended; nothing was changed")
        return line.strip()
