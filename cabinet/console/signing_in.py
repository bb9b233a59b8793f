"""Signing in at the console: a challenge signed and pasted back, or number, PIN and code typed.

Not for what a session does (`program.py`). One rule: what is secret is not echoed, not even how
long it is, and nothing of it is kept after it was sent.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cabinet.console import text
from cabinet.console.connection import Connection
from cabinet.console.keys import CONTROL_C, ENTER
from cabinet.console.line import Line, Stopped
from cabinet.console_messages import (
    MAX_PHRASE_CHARS,
    MAX_SECRET_CHARS,
    MAX_SIGNATURE_CHARS,
    Begin,
    Challenge,
    Denied,
    Prove,
    Respond,
    SignedIn,
    ToConsole,
    Way,
)

END = "-----END SSH SIGNATURE-----"
BEGIN = "-----BEGIN SSH SIGNATURE-----"
TYPED_WITHIN_S = 120.0
BACKSPACES = ("\x08", "\x7f")
CHOOSE = "Press c for your key and certificate, p for number, PIN and code. Ctrl-C stops."
CHECKING = "Still checking, some seconds more. Ctrl-C stops."
M = TypeVar("M")


class Over(Exception):
    """The session, or the way to one, is over: words for the technician."""


class NotProved(Exception):
    """It was not accepted, or not in time: words for the technician. A session goes on."""


class SigningIn:
    """One line's; it holds nothing between two sign-ins."""

    def __init__(self, line: Line, unasked: Callable[[ToConsole], None]) -> None:
        """`unasked` takes what the controller says by itself meanwhile; it may raise Over."""
        self._line, self._unasked = line, unasked

    async def chosen(self, ways: tuple[Way, ...]) -> Way:
        """The way to sign in, where there is more than one."""
        if len(ways) < 2:
            return ways[0] if ways else "certificate"
        self._line.say(
            "",
            "c  with your SSH key and its certificate",
            "p  with your staff number, your PIN and the code of your app",
        )
        key = await self._line.pressed(("c", "C", "p", "P", CONTROL_C), lambda: CHOOSE)
        if key == CONTROL_C:
            raise Stopped
        return "certificate" if key in "cC" else "code"

    async def by(self, way: Way, connection: Connection) -> SignedIn:
        """Sign in, or prove it again; raises NotProved, Stopped, and Over where a session ended."""
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
            async with asyncio.timeout(challenge.within_s) as within:
                signature = await self._pasted(lambda: _left_s(within))
        except TimeoutError:
            raise NotProved("The time for this challenge is over.") from None
        self._line.say("", "Checking...")
        connection.say(Respond(signature))
        return await self._hear(connection, SignedIn, CHECKING)

    async def _typed_in(self, connection: Connection) -> SignedIn:
        """Staff number, PIN and code; what is secret is not shown, not even how long it is."""
        self._line.say("")
        try:
            async with asyncio.timeout(TYPED_WITHIN_S) as within:
                staff_id = await self._field("Staff number: ", within, shown=True)
                pin = await self._field("PIN or passphrase: ", within, most=MAX_PHRASE_CHARS)
                code = await self._field("Code of your app: ", within)
        except TimeoutError:
            raise NotProved("The time to sign in is over.") from None
        self._line.say("Checking...")
        connection.say(Prove(staff_id, pin, code))
        return await self._hear(connection, SignedIn, CHECKING)

    async def _field(
        self,
        label: str,
        within: asyncio.Timeout,
        *,
        shown: bool = False,
        most: int = MAX_SECRET_CHARS,
    ) -> str:
        """A short line; it is asked for again, and how long, until something is typed."""
        while not (typed := await self._short(label, shown=shown, most=most)):
            self._line.say(f"{text.span(_left_s(within))} more. Ctrl-C stops.")
        return typed

    async def _short(self, label: str, *, shown: bool, most: int) -> str:
        self._line.write(label)
        typed = ""
        while (key := await self._line.key()) != ENTER:
            if key == CONTROL_C:
                raise Stopped
            if key in BACKSPACES and typed:
                typed = typed[:-1]
                self._line.write("\b \b" if shown else "")
            elif len(key) == 1 and " " <= key <= "~" and len(typed) <= most:
                typed += key
                self._line.write(key if shown else "")
        self._line.say("")
        if len(typed) > most:  # the beginning alone is not what they typed
            self._line.say(f"At most {most} characters.")
            return ""
        return typed.strip()

    async def _hear(self, connection: Connection, kind: type[M], words: str = "") -> M:
        """The next message of this kind; where it takes, a key is answered with `words`."""
        while True:
            waited, line = connection.next(), self._line
            message = await (
                line.or_stopped(waited, lambda: words) if words else line.or_lost(waited)
            )
            if isinstance(message, kind):
                return message
            if isinstance(message, Denied):
                raise NotProved(message.words)
            self._unasked(message)

    async def _pasted(self, left_s: Callable[[], float]) -> str:
        """The signature's lines, from the first to the last; what is around them is dropped."""
        kept: list[str] = []
        size, told = 0, False
        while True:
            row = (await self._row()).strip()
            if row == BEGIN:
                kept, size = [], 0
            elif not kept:
                if not row:
                    left = text.span(left_s())
                    self._line.say(f"Waiting for the signature: {left} more. Ctrl-C stops.")
                elif not told:  # once: what is pasted wrongly has many lines
                    self._line.say("", f"Paste the block that begins with {BEGIN}")
                    told = True
                continue
            kept.append(row)
            size += len(row) + 1
            if size > MAX_SIGNATURE_CHARS:
                raise NotProved("That is too long for a signature.")
            if row == END:
                return "\n".join(kept) + "\n"

    async def _row(self) -> str:
        """One line as it is typed, shown as a dot from its first key: it is long and no secret."""
        typed: list[str] = []
        shown = False
        while (key := await self._line.key()) != ENTER:
            if key == CONTROL_C:
                raise Stopped
            if not shown:
                self._line.write(".")
                shown = True
            if key in BACKSPACES:
                typed = typed[:-1]
            elif len(key) == 1 and " " <= key <= "~":
                typed.append(key)
        return "".join(typed)


def _left_s(within: asyncio.Timeout) -> float:
    when = within.when()
    assert when is not None
    return when - asyncio.get_running_loop().time()
