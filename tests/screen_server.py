"""A touchscreen server in a thread of the test, and a client that follows its event stream.

Not a browser. One rule: it is waited for through its own event stream, never by sleeping.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from cabinet.touchscreen.server import Server
from tests.demo import PATIENCE_S

WAIT_S = PATIENCE_S
_KEY = re.compile(r'data-key="([0-9a-f]+)\.([0-9]+)"')
_ELEMENT = re.compile(r"<[^>]*>")


@contextlib.contextmanager
def running(socket_path: Path, launch_file: Path | None = None, port: int = 0) -> Iterator[Server]:
    """A server, on a port of its own unless told; it must stop by itself when told to."""
    server = Server(socket_path, port, launch_file)
    thread = threading.Thread(target=lambda: asyncio.run(server.run_both()))
    thread.start()
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        assert not thread.is_alive(), "the touchscreen did not stop"


def played(play: Coroutine[None, None, None]) -> None:
    """Run a coroutine in a thread: a browser test of the same process may hold this one's loop."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, play).result(WAIT_S)


class Client:
    """A browser's side of the wire: cookies, Origin, and the form fields of the page shown."""

    def __init__(self, server: Server, **headers: str) -> None:
        self.origin = f"http://127.0.0.1:{server.port}"
        self.http = httpx.Client(base_url=self.origin, headers=headers, timeout=WAIT_S)

    def page(self) -> str:
        """The page as it is now."""
        answer = self.http.get("/")
        assert answer.status_code == 200, answer.text
        return answer.text

    def until(self, number: int) -> str:
        """The page once the screen `number` is shown; 0 is the one without a controller."""
        with self.http.stream("GET", "/events") as stream:
            assert stream.status_code == 200
            for line in stream.iter_lines():
                if line == f"id: {number}":
                    return self.page()
        raise AssertionError(f"the stream ended before screen {number}")

    def press(
        self, page: str, button: str, text: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Press `button` on `page`."""
        found = _KEY.search(page)
        assert found is not None
        fields = {"line": found[1], "number": found[2], "button": button, "text": text}
        return self.post(fields, headers)

    def post(self, fields: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
        """Post these fields as a form of ours."""
        return self.http.post(
            "/press", data=fields, headers={"Origin": self.origin, **(headers or {})}
        )

    def close(self) -> None:
        """Leave."""
        self.http.close()


def words(page: str) -> str:
    """What a page says, without its markup."""
    return " ".join(_ELEMENT.sub(" ", page).split())
