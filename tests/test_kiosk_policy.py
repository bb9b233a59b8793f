"""The kiosk's policy on the real Chromium: it reaches the touchscreen, and nothing else.

The policy only counts in /etc, so the browser runs where /etc/chromium, /run and the network are
its own: that needs root. What it reached is what a server on loopback was asked for.
"""

import contextlib
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SYSTEMD = Path(__file__).parent.parent / "systemd"
ALLOWED, OTHER = 8080, 8099
STARTS_WITHIN_S = 120.0  # six browsers at once, on a busy machine
LATER_S = 3.0  # after the allowed pages came, how long forbidden ones would have time
MUST_COME = {f"{ALLOWED}/launch", f"{ALLOWED}/page"}
LAUNCH = Path("/run/cabinet-touchscreen/launch.html")
ELSEWHERE = LAUNCH.with_name("other.html")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("unshare"),
        reason="needs root and unshare, to give Chromium an /etc of its own",
    ),
    pytest.mark.skipif(
        not shutil.which("chromium"), reason="chromium is not installed: apt-get install chromium"
    ),
]


def test_the_policy_lets_chromium_to_the_touchscreen_and_nowhere_else(tmp_path: Path) -> None:
    reached = _reached(tmp_path, policy=True)
    assert reached == MUST_COME


def test_without_the_policy_the_same_browser_goes_everywhere(tmp_path: Path) -> None:
    everywhere = {f"{ALLOWED}/{what}" for what in ("launch", "page", "data", "file", "name")}
    assert _reached(tmp_path, policy=False) == {*everywhere, f"{OTHER}/page"}  # so they could be


def _reached(folder: Path, *, policy: bool) -> set[str]:
    """Which pages Chromium came to, out of a sandbox of its own."""
    command = ["unshare", "--mount", "--net", "--propagation", "private", sys.executable]
    told = subprocess.run(
        [*command, "-m", "tests.test_kiosk_policy", str(folder), "policy" if policy else ""],
        cwd=SYSTEMD.parent,
        capture_output=True,
        text=True,
        timeout=2 * STARTS_WITHIN_S,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    return set(told.stdout.split())


# --- inside the sandbox -------------------------------------------------------------------------


def _pages() -> dict[str, str]:
    """What is asked for -> where it should end, were it allowed."""
    here = f"http://127.0.0.1:{ALLOWED}"
    return {
        f"file://{LAUNCH}": f"{ALLOWED}/launch",
        f"{here}/page": f"{ALLOWED}/page",
        f"http://127.0.0.1:{OTHER}/page": f"{OTHER}/page",
        f"http://localhost:{ALLOWED}/name": f"{ALLOWED}/name",
        f"file://{ELSEWHERE}": f"{ALLOWED}/file",
        f"data:text/html,<meta http-equiv=refresh content='0;url={here}/data'>": f"{ALLOWED}/data",
    }


def _prepare(folder: Path, policy: str) -> None:
    """An /etc/chromium and a /run that only this process and its children see."""
    etc = folder / "chromium"
    shutil.copytree("/etc/chromium", etc)
    managed = etc / "policies" / "managed"
    managed.mkdir(parents=True, exist_ok=True)
    if policy:
        shutil.copy(SYSTEMD / "chromium-policy.json", managed / "cabinet.json")
    for mount in (("-t", "tmpfs", "none", "/run"), ("--bind", str(etc), "/etc/chromium")):
        subprocess.run(["mount", *mount], check=True)
    LAUNCH.parent.mkdir()
    for file, page in ((LAUNCH, "launch"), (ELSEWHERE, "file")):
        to = f"http://127.0.0.1:{ALLOWED}/{page}"
        file.write_text(f'<meta http-equiv="refresh" content="0;url={to}">')


@contextlib.contextmanager
def _listening(asked: set[str]) -> Iterator[None]:
    """Servers on loopback that note what they are asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.add(f"{self.connection.getsockname()[1]}{self.path}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any, **__: Any) -> None:
            """Nothing."""

    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", p), Handler) for p in (ALLOWED, OTHER)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    for server in servers:
        server.shutdown()


def _browse(asked: set[str], must_come: set[str]) -> None:
    """Show every page in a browser of its own, until these came and the rest had their time."""
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--incognito", "--no-first-run"]
    browsers = []
    try:
        for number, page in enumerate(_pages()):
            home = f"/run/browser{number}"
            command = ["chromium", *flags, f"--user-data-dir={home}", page]
            environment = {**os.environ, "HOME": "/run"}
            quiet = subprocess.DEVNULL
            browsers.append(
                subprocess.Popen(
                    command, env=environment, stdout=quiet, stderr=quiet, start_new_session=True
                )
            )
        _wait(lambda: asked >= must_come, STARTS_WITHIN_S)
        _wait(lambda: asked >= set(_pages().values()), LATER_S)
    finally:
        for browser in browsers:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()


def _wait(so: Callable[[], bool], within_s: float) -> None:
    """Until it is so, or the time is over."""
    waiting, end = threading.Event(), time.monotonic() + within_s
    while not so() and time.monotonic() < end:
        waiting.wait(0.1)


def _loopback_up() -> None:
    """A new network has its loopback down; netdevice(7)."""
    import fcntl
    import socket
    import struct

    set_flags, up, running = 0x8914, 0x1, 0x40
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", up | running)
        fcntl.ioctl(any_socket, set_flags, request)


def _main(folder: str, policy: str) -> None:
    _loopback_up()
    _prepare(Path(folder), policy)
    asked: set[str] = set()
    with _listening(asked):
        _browse(asked, MUST_COME if policy else set(_pages().values()))
    print("\n".join(sorted(page for page in asked if "favicon" not in page)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
