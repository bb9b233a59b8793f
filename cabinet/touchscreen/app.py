"""The touchscreen's addresses: the page, a press, the event stream, the launch, and static files.

Not for what a press means, and not for what every request must be (`guard.py`). One rule: what was
typed goes to the controller and nowhere else, and only the bound browser sees a screen.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from cabinet.messages import MAX_TEXT_CHARS
from cabinet.touchscreen.binding import Binding
from cabinet.touchscreen.connection import Connection
from cabinet.touchscreen.errors import BadPress, NotAnswering
from cabinet.touchscreen.guard import MAX_BODY_BYTES, Guard
from cabinet.touchscreen.pages import Pages, away

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEARTBEAT_S = 10.0
MAX_STREAMS = 4  # a browser opens six connections to one address; presses need theirs
MAX_BUTTON_CHARS = 256
MAX_NUMBER_DIGITS = 18  # fits the 64 bits a message's number has
FORM_FIELDS = ("line", "number", "button", "text")
OLD = "The screen had changed; nothing was done."
UNANSWERED = "The cabinet did not answer. Read the screen before you press again."
FORM_TYPE = "application/x-www-form-urlencoded"


class Touchscreen:
    """The handlers, over one connection to the controller and one bound browser."""

    def __init__(self, connection: Connection, binding: Binding) -> None:
        self._connection, self._binding = connection, binding
        self._pages = Pages(demo=not binding.by_launch_only)
        self._static = {
            file.name: (file.read_bytes(), MEDIA_TYPES[file.suffix])
            for file in sorted(STATIC.iterdir())
            if file.suffix in MEDIA_TYPES
        }
        self._notice = ""  # for the page after a press without script, shown once
        self._streams: list[object] = []
        self._closing = False

    def close(self) -> None:
        """End the event streams, so that the server can stop."""
        self._closing = True
        self._connection.ring()

    def routes(self) -> list[Route]:
        """Every address there is."""
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/press", self.press, methods=["POST"]),
            Route("/events", self.events, methods=["GET"]),
            Route("/launch", self.launch, methods=["GET"]),
            Route("/static/{name}", self.static, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """The screen as it is now."""
        cookie = ""
        if not self._is_bound(request):
            opens_window = request.headers.get("sec-fetch-dest", "document") == "document"
            if self._binding.by_launch_only or (self._binding.bound and not opens_window):
                return self._refused()
            cookie = self._binding.bind()
        notice, self._notice = self._notice, ""
        return self._with_cookie(self._screen(notice), cookie)

    async def press(self, request: Request) -> Response:
        """A press; with script the answer is the next page, without it the way there."""
        if not self._is_bound(request):
            return self._refused()
        try:
            line, number, button, text = _fields(request, await _body(request))
        except BadPress as error:
            return HTMLResponse(self._pages.plain("Not a press", str(error), "Go on"), 400)
        notice = await self._pressed(line, number, button, text)
        if request.headers.get("x-screen") == "script":
            return self._screen(notice)
        self._notice = notice
        return RedirectResponse("/", 303)

    async def _pressed(self, line: str, number: int, button: str, text: str) -> str:
        if line != self._connection.line:  # drawn before the controller was last reached
            return OLD
        try:
            answer = await self._connection.press(number, button, text)
        except NotAnswering:
            return UNANSWERED
        match answer.outcome:
            case "done":
                return ""
            case "old":
                return OLD
            case "refused":
                return answer.words

    async def events(self, request: Request) -> Response:
        """A stream that says when there is something new to fetch."""
        if not self._is_bound(request):
            return self._refused()
        return StreamingResponse(self._stream(request), media_type="text/event-stream")

    async def _stream(self, request: Request) -> AsyncIterator[str]:
        stream, seen = object(), -1
        self._streams.append(stream)
        if len(self._streams) > MAX_STREAMS:
            del self._streams[0]
            self._connection.ring()
        try:
            yield "retry: 1000\n\n"
            while not self._closing:
                bell = self._connection.bell  # before looking, so that no change is missed
                if stream not in self._streams or not self._is_bound(request):
                    yield "event: elsewhere\ndata: 1\n\n"
                    return
                if self._connection.revision != seen:
                    seen = self._connection.revision
                    shown = self._connection.shown
                    number = shown.screen.number if shown is not None else 0
                    yield f"id: {number}\nevent: changed\ndata: {seen}\n\n"
                else:
                    yield "event: beat\ndata: 1\n\n"
                await _rung(bell)
        finally:
            if stream in self._streams:
                self._streams.remove(stream)

    async def launch(self, request: Request) -> Response:
        """Bind the browser that has the token; go on by a page, as a redirect loses the cookie."""
        cookie = self._binding.launch(request.query_params.get("token", ""))
        if not cookie:
            return self._refused()
        page = self._pages.plain("Cabinet", "The cabinet's screen is starting.", "Go on", "/")
        return self._with_cookie(HTMLResponse(page), cookie)

    async def static(self, request: Request) -> Response:
        """A file of the page's own."""
        content, media_type = self._static.get(request.path_params["name"], (b"", ""))
        if not media_type:
            return Response("There is nothing here.", 404, media_type="text/plain")
        return Response(content, media_type=media_type)

    def _is_bound(self, request: Request) -> bool:
        return self._binding.is_bound(request.cookies.get(self._binding.cookie_name, ""))

    def _screen(self, notice: str) -> HTMLResponse:
        connection = self._connection
        shown = connection.shown or away(connection.reached)
        page = self._pages.screen(shown, connection.line, connection.revision, notice)
        return HTMLResponse(page)

    def _refused(self) -> HTMLResponse:
        if self._binding.by_launch_only:
            text = "This screen belongs to the cabinet's own browser. Start that browser again."
            return HTMLResponse(self._pages.plain("Not this browser", text), 403)
        text = "This screen is open in another window."
        page = self._pages.plain("Open elsewhere", text, "Use it in this window")
        return HTMLResponse(page, 403)

    def _with_cookie(self, response: Response, cookie: str) -> Response:
        if cookie:
            name = self._binding.cookie_name
            response.set_cookie(name, cookie, httponly=True, samesite="strict", path="/")
        return response


def create_app(touchscreen: Touchscreen, port: int) -> ASGIApp:
    """The guarded application."""
    return Guard(Starlette(routes=touchscreen.routes()), port)


async def _rung(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            await bell.wait()
    except TimeoutError:
        return  # nothing changed: time for a heartbeat


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE:
        raise BadPress("A press is sent as a form.")
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise BadPress(f"A press has at most {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect as error:
        raise BadPress("The press did not arrive whole.") from error
    return body


def _fields(request: Request, body: bytes) -> tuple[str, int, str, str]:
    """(line, number, button, text) of a press; the errors never quote what was sent."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=len(FORM_FIELDS),
        )
    except ValueError:
        raise BadPress("A press is sent as a form.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or not set(fields) <= set(FORM_FIELDS):
        raise BadPress("A press has the fields line, number, button and text, each once.")
    number, button, text = (fields.get(name, "") for name in FORM_FIELDS[1:])
    if not (number.isascii() and number.isdecimal() and len(number) <= MAX_NUMBER_DIGITS):
        raise BadPress("A press says which screen it is on.")
    if not 0 < len(button) <= MAX_BUTTON_CHARS:
        raise BadPress("A press says which button it is.")
    if len(text) > MAX_TEXT_CHARS:
        raise BadPress(f"At most {MAX_TEXT_CHARS} characters can be typed.")
    return fields.get("line", ""), int(number), button, text
