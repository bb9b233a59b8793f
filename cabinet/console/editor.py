"""Editing a command line on a VT100: prompt_toolkit over our own line, and nothing it could leak.

Not for what a command does. One rule: prompt_toolkit sees only keystrokes that `keys.py` let
through, and sends only sequences that a VT100 has; it opens no editor, asks the terminal nothing
(`line.py` asks for its size), and starts no thread.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO, cast

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts import CompleteStyle

from cabinet.console import commands
from cabinet.console.line import Line
from cabinet.console.text import COLUMNS, ROWS

PROMPT = "service> "


class Interrupted(Exception):
    """Ctrl-C. (KeyboardInterrupt itself would end the event loop.)"""


class _Keyboard(Input):
    """The line's keystrokes as prompt_toolkit takes them."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._pressed: list[KeyPress] = []
        self._parser = Vt100Parser(self._pressed.append)

    def fileno(self) -> int:
        raise NotImplementedError("the line is read by nobody else")

    def typeahead_hash(self) -> str:
        return "line"

    def read_keys(self) -> list[KeyPress]:
        for key in self._line.take():
            self._parser.feed(key)
        return self._taken()

    def flush_keys(self) -> list[KeyPress]:
        self._parser.flush()
        return self._taken()

    def _taken(self) -> list[KeyPress]:
        pressed = list(self._pressed)
        self._pressed.clear()
        return pressed

    @property
    def closed(self) -> bool:
        return self._line.lost.is_set()

    def raw_mode(self) -> AbstractContextManager[None]:
        return _as_it_is()

    def cooked_mode(self) -> AbstractContextManager[None]:
        return _as_it_is()

    def attach(self, input_ready_callback: Callable[[], None]) -> AbstractContextManager[None]:
        return self._heard_by(input_ready_callback)

    def detach(self) -> AbstractContextManager[None]:
        return self._heard_by(None)

    @contextmanager
    def _heard_by(self, callback: Callable[[], None] | None) -> Iterator[None]:
        before, self._line.on_keys = self._line.on_keys, callback
        if callback is not None:  # for what was typed ahead, or a line that is lost already
            asyncio.get_running_loop().call_soon(callback)
        try:
            yield
        finally:
            self._line.on_keys = before


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


class _Nowhere:
    """What prompt_toolkit's output asks of a file; what is written goes to the line instead."""

    encoding = "ascii"

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        raise AssertionError("what is printed goes to the line")

    def flush(self) -> None:
        """There is nothing."""


class _VT100(Vt100_Output):
    """prompt_toolkit's output without what came after the VT100."""

    def __init__(self, line: Line, size: Callable[[], Size]) -> None:
        super().__init__(cast(TextIO, _Nowhere()), size, term="vt100", enable_cpr=False)
        self._line = line

    def flush(self) -> None:
        text, self._buffer = "".join(self._buffer), []
        if text:
            self._line.write(text)

    def get_default_color_depth(self) -> ColorDepth:
        return ColorDepth.DEPTH_1_BIT

    def enable_bracketed_paste(self) -> None:
        """A VT100 has none."""

    def disable_bracketed_paste(self) -> None:
        """A VT100 has none."""

    def hide_cursor(self) -> None:
        """A VT100's cursor is always there."""

    def show_cursor(self) -> None:
        """A VT100's cursor is always there."""

    def ask_for_cpr(self) -> None:
        """The terminal is asked nothing: an answer that does not come would be waited for."""


class _Words(Completer):
    """Completes commands and their arguments."""

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        text = document.text_before_cursor
        typed = len(text.rpartition(" ")[2])
        for word in commands.completions(text):
            yield Completion(word, -typed)


class Editor:
    """Asks for one command line after the other; its history ends with it."""

    def __init__(self, line: Line) -> None:
        self.rows, self.columns = ROWS, COLUMNS
        keyboard = _Keyboard(line)
        clear_typeahead(keyboard)  # of a session before
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            history=InMemoryHistory(),
            completer=_Words(),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            color_depth=ColorDepth.DEPTH_1_BIT,
            mouse_support=False,
            enable_suspend=False,
            enable_open_in_editor=False,
            enable_system_prompt=False,
            reserve_space_for_menu=0,
            interrupt_exception=Interrupted,
            input=keyboard,
            output=_VT100(line, lambda: Size(rows=self.rows, columns=self.columns)),
        )

    def above(self) -> None:
        """Make room for lines above the one that is being typed, which comes back below them."""
        if self._session.app.is_running:
            self._session.app.renderer.erase()
            self._session.app.invalidate()

    async def ask(self) -> str:
        """A command line; raises Interrupted for Ctrl-C, EOFError when the line is lost."""
        return await self._session.prompt_async(handle_sigint=False, set_exception_handler=False)
