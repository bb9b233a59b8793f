"""`cabinet console`: who is at the line, from the banner over the sign-in to the last command.

Not for what is answered. One rule: whatever happens on the line or at the controller ends in the
banner again, with nothing of a session left.
"""

import asyncio
import signal
import termios
from pathlib import Path

from cabinet.console import commands, text
from cabinet.console.connection import Connection, NotAnswering
from cabinet.console.editor import Editor, Interrupted
from cabinet.console.keys import CONTROL_C, ENTER
from cabinet.console.line import Line, LineLost, Stopped
from cabinet.console.signing_in import NotProved, Over, SigningIn
from cabinet.console_messages import (
    MAX_NOTE_CHARS,
    Admitted,
    Answer,
    Banner,
    Block,
    Command,
    Denied,
    Ended,
    Leave,
    Seen,
    SignedIn,
    Stop,
    ToConsole,
    Way,
    Write,
)

SIGN_IN, TRY_AGAIN = "Press Enter to sign in.", "Press Enter to try again."
WATCHING = "Watching. Enter stops."
WAITING = "Waiting for the cabinet's answer, half a minute at most."
MORE = "-- more: Space, or q to stop --"
WIPED = "\r\x1b[K"  # the line that said so
ANSWER_S = 30.0
SIZE_WITHIN_S = 0.5  # at the sign-in: many terminals never say it, and a late one is heard too
ASKED_SIZE_WITHIN_S = 5.0


class Console:
    """One line, as long as it is there."""

    def __init__(self, line: Line, path: Path) -> None:
        self._line, self._path = line, path
        self._editor = Editor(line)
        self._asked = 0
        self._signing_in = SigningIn(line, self._unasked)
        self._way: Way = "certificate"

    async def serve(self) -> None:
        """Until the line is lost."""
        while not self._line.lost.is_set():
            try:
                await self._visit()
            except LineLost:
                return

    async def _visit(self) -> None:
        try:
            connection, banner = await Connection.to(self._path)
        except NotAnswering:
            self._line.say("", f"The cabinet does not answer. {TRY_AGAIN}")
            await self._enter(TRY_AGAIN)
            return
        try:
            await self._greeted(connection, banner)
        except (Over, NotProved) as over:
            self._line.say(*text.wrapped(str(over), self._editor.columns))
        except Stopped:
            self._line.say("Stopped.")
        except (NotAnswering, TimeoutError):
            self._line.say("", "The cabinet does not answer any more: the session is over.")
        finally:
            await connection.close()

    async def _greeted(self, connection: Connection, banner: Banner) -> None:
        named = (text.plain(banner.cabinet), text.plain(f"{banner.state}; {banner.clock}"))
        said = ["", *named]
        if banner.sign_in:
            said += text.wrapped(banner.sign_in, text.COLUMNS)
        self._line.say(*said, SIGN_IN)
        await self._enter(SIGN_IN)
        self._line.say("", *named)  # again, for who plugged in after it was said
        self._editor = Editor(self._line)  # with a history of its own
        await self._measure(SIZE_WITHIN_S)
        self._way = await self._signing_in.chosen(banner.ways)
        signed = await self._signing_in.by(self._way, connection)
        await self._welcome(connection, signed)
        while True:
            await self._command(connection)

    async def _enter(self, words: str) -> None:
        """Whatever noise comes before it."""
        self._line.forget()
        await self._line.pressed((ENTER,), lambda: words)

    async def _welcome(self, connection: Connection, signed: SignedIn) -> None:
        minutes, idle = signed.lasts_s // 60, signed.idle_s // 60
        self._line.say(
            "",
            f"Signed in: {text.plain(signed.name)}. {minutes} min; {idle} min without a command.",
        )
        if signed.admit_s:
            self._line.say(
                "Now a pharmacist must let you in at the touchscreen:",
                "Tasks, Let a technician in. Ctrl-C stops waiting.",
            )
            await self._admitted(connection, signed.admit_s)
            self._line.say("You are let in.")
        self._line.say("help lists the commands.")

    async def _admitted(self, connection: Connection, within_s: int) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + within_s

        def waiting() -> str:
            left = text.span(end_s - loop.time())
            return f"Waiting for a pharmacist to let you in: {left} more. Ctrl-C stops."

        try:
            message = await self._line.or_stopped(connection.next(), waiting)
        except Stopped:
            connection.say(Leave())
            raise
        if isinstance(message, Ended):
            raise Over(message.words)
        if not isinstance(message, Admitted):
            raise NotAnswering

    # --- commands -------------------------------------------------------------------------------

    async def _command(self, connection: Connection) -> None:
        typed = await self._asked_for(connection)
        self._fit()
        line = commands.parse(typed)
        if line.problem:
            self._line.say(*text.wrapped(line.problem, self._editor.columns), "= unknown")
        elif line.command in commands.LOCAL:
            await self._local(connection, line)
        elif line.command and await self._confirmed(connection, line):
            await self._send(connection, line)

    async def _confirmed(self, connection: Connection, line: commands.Line) -> bool:
        """Whether the person means it, where it acts."""
        words = commands.COMMANDS[line.command].confirm
        if not words:
            return True
        said = " ".join((line.command, *line.arguments))
        self._line.say(*text.wrapped(f"{said}: {words} Type yes to go on.", self._editor.columns))
        if (await self._asked_for(connection)).strip() == "yes":
            return True
        self._line.say("Not done.", "= failed")
        return False

    async def _asked_for(self, connection: Connection) -> str:
        """A line that was typed, unless the session ends; what is told meanwhile is above it."""
        asked = asyncio.ensure_future(self._editor.ask())
        heard = asyncio.ensure_future(connection.next())
        try:
            while not asked.done():
                await asyncio.wait((asked, heard), return_when=asyncio.FIRST_COMPLETED)
                if heard.done():  # first, as it may be the session's end
                    self._editor.above()
                    self._unasked(heard.result())
                    heard = asyncio.ensure_future(connection.next())
            return asked.result()
        except Interrupted:
            return ""
        except EOFError:
            raise LineLost from None
        finally:
            for task in (asked, heard):
                task.cancel()
            await asyncio.gather(asked, heard, return_exceptions=True)

    def _unasked(self, message: ToConsole) -> None:
        """What the controller says by itself."""
        if isinstance(message, Ended):
            raise Over(message.words)
        if isinstance(message, Seen):
            self._line.say(*text.wrapped(message.line, self._editor.columns))
        elif isinstance(message, Block):
            self._line.say(*(text.plain(line) for line in message.lines))
        elif isinstance(message, SignedIn):  # whose wait was stopped
            self._line.say(f"Extended: {message.lasts_s // 60} min.")
        elif isinstance(message, Denied):
            self._line.say(*text.wrapped(message.words, self._editor.columns))
        elif not isinstance(message, Admitted):
            raise NotAnswering

    async def _local(self, connection: Connection, line: commands.Line) -> None:
        match line.command:
            case "help":
                name = line.arguments[0] if line.arguments else ""
                await self._page(text.fitted(commands.helped(name), self._editor.columns))
            case "size" if not line.arguments:
                measured = await self._measure(ASKED_SIZE_WITHIN_S)
                self._line.say(f"{self._editor.rows} rows, {self._editor.columns} columns.")
                self._line.say("= ok" if measured else "= failed")
            case "size":
                self._resize(*line.arguments)
            case "extend":
                await self._extend(connection)
            case _:
                connection.say(Leave())
                ended = await self._line.or_lost(connection.hear(Ended))
                raise Over(ended.words)

    async def _extend(self, connection: Connection) -> None:
        """Prove it again; whatever comes of it, the session goes on."""
        try:
            signed = await self._signing_in.by(self._way, connection)
        except (NotProved, Stopped) as error:
            words = str(error) or "Stopped."
            self._line.say(*text.wrapped(words, self._editor.columns), "= failed")
        else:
            self._line.say(f"Extended: {signed.lasts_s // 60} min.", "= ok")

    async def _measure(self, within_s: float) -> bool:
        """Ask the terminal how large it is; whether it said so in time."""
        told = await self._line.ask_size(within_s)
        self._fit()
        return told

    def _fit(self) -> None:
        """What the terminal said of its size, if it did."""
        told = self._line.take_size()
        if told is not None:
            rows, columns = told
            self._editor.rows = min(max(rows, text.LEAST_ROWS), text.MOST_ROWS)
            self._editor.columns = min(max(columns, text.LEAST_COLUMNS), text.MOST_COLUMNS)

    def _resize(self, rows: str, columns: str) -> None:
        sizes = [int(it) if it.isascii() and it.isdecimal() else 0 for it in (rows, columns)]
        fits = (
            text.LEAST_ROWS <= sizes[0] <= text.MOST_ROWS
            and text.LEAST_COLUMNS <= sizes[1] <= text.MOST_COLUMNS
        )
        if not fits:
            self._line.say(
                f"{text.LEAST_ROWS} to {text.MOST_ROWS} rows, "
                f"{text.LEAST_COLUMNS} to {text.MOST_COLUMNS} columns.",
                "= failed",
            )
            return
        self._editor.rows, self._editor.columns = sizes
        self._line.say("= ok")

    async def _send(self, connection: Connection, line: commands.Line) -> None:
        self._asked += 1
        if line.command == commands.NOTE:
            connection.say(Write(self._asked, line.text[:MAX_NOTE_CHARS]))
        else:
            connection.say(Command(self._asked, line.command, line.arguments))
        answer = await self._answer(connection)
        if line.json:
            self._line.say("", text.as_json(answer))  # on a line of its own
            connection.say(Stop())
            return
        await self._page(text.lines(answer, self._editor.columns), f"= {answer.outcome}")
        if line.command == "watch" and answer.outcome == "ok":
            await self._watch(connection)

    async def _answer(self, connection: Connection) -> Answer:
        async with asyncio.timeout(ANSWER_S):
            while True:
                message = await self._line.or_lost(connection.next(), WAITING)
                if isinstance(message, Answer) and message.id == self._asked:
                    return message
                self._unasked(message)

    async def _watch(self, connection: Connection) -> None:
        """Lines as they come, until Enter."""
        heard = asyncio.ensure_future(connection.next())
        key = asyncio.ensure_future(self._line.pressed((ENTER, CONTROL_C), lambda: WATCHING))
        try:
            while True:
                await asyncio.wait((heard, key), return_when=asyncio.FIRST_COMPLETED)
                if heard.done():
                    message = heard.result()
                    self._unasked(message)
                    heard = asyncio.ensure_future(connection.next())
                if key.done():
                    key.result()
                    connection.say(Stop())
                    return
        finally:
            heard.cancel()
            key.cancel()

    async def _page(self, lines: list[str], last: str = "") -> None:
        """Lines, a screen at a time; whoever types on sees no more of them."""
        room = self._editor.rows - 2
        for start in range(0, len(lines), room):
            self._line.say(*lines[start : start + room])
            if start + room < len(lines):
                self._line.write(MORE)
                key = await self._line.key()
                self._line.write(WIPED)
                if key not in (" ", ENTER, "q", "Q", CONTROL_C):
                    self._line.put_back(key)  # it begins a command
                if key not in (" ", ENTER):
                    break
        if last:
            self._line.say(last)


async def _run(device: str, path: Path) -> None:
    line = Line(device)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    serving = asyncio.ensure_future(Console(line, path).serve())
    stopping = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
    finally:
        serving.cancel()
        stopping.cancel()
        await asyncio.gather(serving, stopping, return_exceptions=True)
        line.close()


def serve(device: str, path: Path) -> None:
    """Serve the line at `device` until it is lost, or SIGTERM; raises OSError."""
    try:
        asyncio.run(_run(device, path))
    except termios.error as error:
        raise OSError(error.args[0], f"is not a serial line: {error.args[1]}", device) from None
