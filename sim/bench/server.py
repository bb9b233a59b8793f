"""The bench's web server: one page on the loopback address, its gestures, and a stream of states.

It runs in a thread of the world's process. One rule: it listens to this machine only, and whoever
asks must name it by a loopback name, so that no other page can play the cabinet.
"""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sim.bench.drawing import draw
from sim.bench.gestures import SENSOR_FAULTS, BadGesture, Power, do
from sim.bench.state import state
from sim.bench.words import medicine_name
from sim.cabinet import SimulatedCabinet
from sim.errors import PortBusy, SimulatorError
from sim.happenings import Happening
from sim.medicines import label, medicines, stock
from sim.people import AT_THE_BENCH
from sim.views import Fault

HERE = Path(__file__).parent
MOST_BODY_BYTES = 4096
MOST_STREAMS = 8
BREATH_S = 0.04  # states are sent no more often than this
HEARTBEAT_S = 2.0
START_S = 30.0
LOT, EXPIRES = "SIM2601A", "2037-10-31"  # of a label whose medicine has no stock in the demo

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class _Gate:
    """Refuses what does not come from this machine's own page or a local script, and sets headers.

    A browser sends Origin with every POST of another page, and Host as its address bar has it, so
    that neither a foreign page nor a name that was rebound to the loopback address gets through.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                names = [name for name, _ in own]
                rest = [it for it in message["headers"] if it[0].lower() not in names]
                message = {**message, "headers": [*rest, *own]}
            await send(message)

        refusal = self._refusal(Request(scope))
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await PlainTextResponse(refusal + "\n", 403)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> str | None:
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return f"this bench answers to http://{self._hosts[0]}/ only"
        if request.method == "POST":
            origin = request.headers.get("origin")
            if origin is not None and origin != f"http://{host}":
                return "gestures of another page are refused"
            if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
                return "gestures of another page are refused"
        return None


class Bench:
    """The server of one cabinet's bench; `start` returns when it answers, `stop` when it ended."""

    def __init__(
        self,
        cabinet: SimulatedCabinet,
        power: Power,
        port: int,
        touchscreen_port: int | None = None,
    ) -> None:
        """Takes the port at once (0: any free one); PortBusy when it is taken.

        `touchscreen_port` is where the page's links lead, when it is not as cabinet.toml has it.
        """
        self._cabinet, self._power = cabinet, power
        self._touchscreen_port = touchscreen_port or cabinet.configuration.touchscreen.port
        self._medicines = medicines()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise PortBusy(port) from None
        self.port: int = self._socket.getsockname()[1]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: list[asyncio.Event] = []
        self._ending = False
        self._gesture = threading.Lock()  # gestures come one at a time, as from two hands
        self._page = self._render()
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app(),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
                server_header=False,
            )
        )
        self._thread = threading.Thread(target=self._run, name="bench", daemon=True)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._cabinet.world.observe(self._happened)
        self._thread.start()
        pause, waited = threading.Event(), 0.0
        while not self._server.started:
            if waited > START_S or not self._thread.is_alive():
                raise SimulatorError(f"the bench at {self.address} did not start")
            pause.wait(0.01)
            waited += 0.01

    def stop(self) -> None:
        """End every stream, then the server."""
        self._ending = True
        self._server.should_exit = True
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(START_S)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])
        self._loop = None

    def _happened(self, happening: Happening) -> None:
        self._wake()

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed
                loop.call_soon_threadsafe(self._wake_streams)

    def _wake_streams(self) -> None:
        for stream in self._streams:
            stream.set()

    def _app(self) -> ASGIApp:
        app = Starlette(
            routes=[
                Route("/", self._get_page),
                Route("/state", self._get_state),
                Route("/events", self._get_events),
                Route("/do", self._post_gesture, methods=["POST"]),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ]
        )
        return _Gate(app, self.port)

    def _render(self) -> str:
        setup = self._cabinet.configuration
        kept = stock()
        labels = []
        for drawer in setup.drawer:
            for pocket in drawer.pocket:
                medicine = self._medicines.get(pocket.medicine)
                if medicine is not None:
                    there = kept.get(pocket.id)
                    lot, expires = (there.lot, there.expires) if there else (LOT, EXPIRES)
                    name = f"{medicine.generic} {medicine.strength}"
                    labels.append((name, label(medicine, lot, expires)))
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["medicine"] = lambda code: medicine_name(code, self._medicines)
        return environment.get_template("bench.html").render(
            setup=setup,
            touchscreen=f"http://127.0.0.1:{self._touchscreen_port}/",
            drawing=draw(setup),
            people=AT_THE_BENCH,
            labels=sorted(labels, key=lambda it: it[0].lower()),
            medicines=self._medicines,
            faults=[
                *((fault.name.lower(), fault.value) for fault in Fault),
                *((name, words) for name, (_, words) in SENSOR_FAULTS.items()),
            ],
        )

    def _state(self) -> dict[str, Any]:
        return state(self._cabinet, self._power, self._medicines)

    async def _get_page(self, request: Request) -> Response:
        return HTMLResponse(self._page)

    async def _get_state(self, request: Request) -> Response:
        return JSONResponse(self._state())

    async def _get_events(self, request: Request) -> Response:
        if len(self._streams) >= MOST_STREAMS:
            return PlainTextResponse("too many pages are open at this bench\n", 503)
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        """A state at once, then at each change, and at a heartbeat."""
        woken = asyncio.Event()
        self._streams.append(woken)
        try:
            while not self._ending:
                woken.clear()
                yield f"data: {json.dumps(self._state())}\n\n"
                await asyncio.sleep(BREATH_S)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), HEARTBEAT_S)
        finally:
            self._streams.remove(woken)

    async def _post_gesture(self, request: Request) -> Response:
        try:
            fields = await _fields(request)
            outcome = await run_in_threadpool(self._do, fields)
        except BadGesture as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"done": outcome.done, "words": outcome.words})

    def _do(self, fields: Mapping[str, str]) -> Any:
        with self._gesture:
            outcome = do(self._cabinet, self._power, fields)
        self._wake()
        return outcome


async def _fields(request: Request) -> dict[str, str]:
    """A small form's fields, or a small JSON object's."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise BadGesture(f"more than {MOST_BODY_BYTES} bytes")
    try:
        text = body.decode("utf-8")
        if request.headers.get("content-type", "").startswith("application/json"):
            given = json.loads(text)
        else:
            given = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=16))
    except ValueError:
        raise BadGesture("neither a form nor JSON") from None
    if not isinstance(given, dict):
        raise BadGesture("not an object of fields")
    return {str(name): _text(value) for name, value in given.items()}


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case _:
            raise BadGesture("a field is neither text nor a number")


def serve(
    cabinet: SimulatedCabinet, power: Power, port: int, touchscreen_port: int | None = None
) -> Bench:
    """Start the bench of `cabinet` on 127.0.0.1:`port` in a thread; end it with its `stop()`."""
    bench = Bench(cabinet, power, port, touchscreen_port)
    bench.start()
    return bench
