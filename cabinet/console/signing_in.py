"""Signing in at the console: a challenge signed and pasted back, or number, PIN and code typed.

Not for what a session does (`program.py`). One rule: what is secret is not echoed, not even how
long it is, and nothing of it is kept after it was sent.
"""

import asyncio
from typing import TypeVar

from cabinet.console import text
from cabinet.console.connection import Connection, NotAnswering
from cabinet.console.keys import CONTROL_C, ENTER
from cabinet.console.line import Line
from cabinet.console_messages import (
    MAX_SECRET_CHARS,
    MAX_SIGNATURE_CHARS,
    Begin,
    Challenge,
    Denied,
    Ended,
    Prove,
    Respond,
    SignedIn,
    Way,
)

END = "-----END SSH SIGNATURE-----"
BEGIN = "-----BEGIN SSH SIGNATURE-----"
TYPED_WITHIN_S = 120.0
BACKSPACES = ("\x08", "\x7f")
M = TypeVar("M")


class Over(Exception):
    """The session, or the way to one, is over: words for the technician."""


class SigningIn:
    """One line's; it holds nothing between two sign-ins."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def chosen(self, ways: tuple[Way, ...]) -> Way:
        """The way to sign in, where there is more than one."""
        if len(ways) < 2:
            return ways[0] if ways else "certificate"
        self._line.say(
            "",
            "c  with your SSH key and its certificate",
            "p  with your staff number, your PIN and the code of your app",
        )
        while (key := (await self._line.key()).lower()) not in ("c", "p"):
            if key == CONTROL_C:
                raise Over("Stopped.")
        return "certificate" if key == "c" else "code"

    async def by(self, way: Way, connection: Connection) -> SignedIn:
        """Sign in, or prove it again; raises Over."""
        if way == "code":
            return await self._typed_in(connection)
        connection.say(Begin())
        challenge = await self._hear(connection, Challenge)
        self._line.say(
            "",
            "On your own laptop run this, with your key's certificate for KEY-cert.pub:",
            "",
            *(f"  {line}" for line in text.quoted(challenge.text)[:-1]),
            f"  {text.quoted(challenge.text)[-1]} |",
            f"  ssh-keygen -Y sign -n {text.plain(challenge.namespace)} -f KEY-cert.pub",
            "",
            f"Then paste here what it prints. {challenge.within_s // 60} minutes; Ctrl-C stops.",
        )
        try:
            async with asyncio.timeout(challenge.within_s):
                signature = await self._pasted()
        except TimeoutError:
            raise Over("The time for this challenge is over.") from None
        self._line.say("Checking...")
        connection.say(Respond(signature))
        return await self._hear(connection, SignedIn)

    async def _typed_in(self, connection: Connection) -> SignedIn:
        """Staff number, PIN and code; what is secret is not shown, not even how long it is."""
        self._line.say("")
        try:
            async with asyncio.timeout(TYPED_WITHIN_S):
                staff_id = await self._field("Staff number: ", shown=True)
                pin = await self._field("PIN: ")
                code = await self._field("Code of your app: ")
        except TimeoutError:
            raise Over("The time to sign in is over.") from None
        self._line.say("Checking...")
        connection.say(Prove(staff_id, pin, code))
        return await self._hear(connection, SignedIn)

    async def _field(self, label: str, *, shown: bool = False) -> str:
        """A short line."""
        self._line.write(label)
        typed = ""
        while (key := await self._line.key()) != ENTER:
            if key == CONTROL_C:
                raise Over("Stopped.")
            if key in BACKSPACES and typed:
                typed = typed[:-1]
                self._line.write("\b \b" if shown else "")
            elif len(key) == 1 and " " <= key <= "~" and len(typed) < MAX_SECRET_CHARS:
                typed += key
                self._line.write(key if shown else "")
        self._line.say("")
        return typed.strip()

    async def _hear(self, connection: Connection, kind: type[M]) -> M:
        message = await self._line.or_lost(connection.next())
        if isinstance(message, Denied | Ended):
            raise Over(message.words)
        if not isinstance(message, kind):
            raise NotAnswering
        return message

    async def _pasted(self) -> str:
        """The signature's lines, from the first to the last; what is around them is dropped."""
        kept: list[str] = []
        size, told = 0, False
        while True:
            row = (await self._row()).strip()
            if row == BEGIN:
                kept, size = [], 0
            elif not kept:
                if row and not told:  # once: what is pasted wrongly has many lines
                    self._line.say(f"Paste the block that begins with {BEGIN}")
                    told = True
                continue
            kept.append(row)
            size += len(row) + 1
            if size > MAX_SIGNATURE_CHARS:
                raise Over("That is too long for a signature.")
            if row == END:
                return "\n".join(kept) + "\n"

    async def _row(self) -> str:
        """One line as it is typed, shown as dots every few characters: it is long and no secret."""
        typed: list[str] = []
        while (key := await self._line.key()) != ENTER:
            if key == CONTROL_C:
                raise Over("Stopped.")
            if key in BACKSPACES:
                typed = typed[:-1]
            elif len(key) == 1 and " " <= key <= "~":
                typed.append(key)
        self._line.write(".")
        return "".join(typed)
