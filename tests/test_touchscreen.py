"""The touchscreen over HTTP: what it shows, what it sends on, and whom it refuses."""

import asyncio
import contextlib
import logging
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabinet.messages import Answer, Button, Keypad, Live, Row, Rows, Screen, Words, encode
from cabinet.touchscreen.app import MAX_STREAMS, OLD, UNANSWERED
from cabinet.touchscreen.binding import LAUNCH_MODE
from cabinet.touchscreen.connection import Connection
from cabinet.touchscreen.errors import LaunchFileError, NotAnswering, PortError
from cabinet.touchscreen.guard import HEADERS, MAX_BODY_BYTES
from cabinet.touchscreen.server import Server
from tests.screen_peer import ScreenPeer
from tests.screen_server import WAIT_S, Client, played, running, words

pytestmark = pytest.mark.real_time
PIN = "48151623"
SIGN_IN = Screen(
    41,
    "pin",
    "Sign in",
    (Keypad("Your PIN", Button("pin", "OK", "primary"), 8, secret=True),),
    (Button("cancel", "Cancel", "quiet"),),
)
LATER = Screen(42, "patients", "My patients", (Words("Nobody here"),))


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[ScreenPeer]:
    peer = ScreenPeer(tmp_path / "screen.sock", SIGN_IN)
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def server(peer: ScreenPeer) -> Iterator[Server]:
    with running(peer.path) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    client = Client(server)
    client.page()
    yield client
    client.close()


# --- what is shown and what is sent -------------------------------------------------------------


def test_page_shows_the_controllers_screen(client: Client) -> None:
    said = words(client.until(41))
    assert "Sign in" in said and "Your PIN" in said and "14:05" in said


def test_press_reaches_the_controller_whole_and_leads_back_to_the_page(
    client: Client, peer: ScreenPeer
) -> None:
    answer = client.press(client.until(41), "pin", PIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    press = peer.press()
    assert (press.number, press.button, press.text) == (41, "pin", PIN)


def test_press_by_script_is_answered_with_the_next_page(client: Client, peer: ScreenPeer) -> None:
    page = client.until(41)
    answer = client.press(page, "pin", PIN, {"X-Screen": "script"})
    assert answer.status_code == 200 and 'data-key="' in answer.text


def test_press_on_an_old_screen_does_nothing_and_says_so_once(
    client: Client, peer: ScreenPeer
) -> None:
    page = client.until(41)
    peer.show(LATER)
    client.until(42)
    client.press(page, "pin", PIN)
    assert peer.press().number == 41  # the controller decides, by the number
    assert OLD in words(client.page())
    assert OLD not in words(client.page())


def test_press_drawn_before_a_reconnect_is_old_whatever_its_number(
    client: Client, peer: ScreenPeer
) -> None:
    page = client.until(41)
    peer.drop()
    peer.greetings.get(timeout=WAIT_S)
    peer.greetings.get(timeout=WAIT_S)
    client.until(41)
    client.press(page, "pin", PIN)
    assert OLD in words(client.page())
    assert peer.presses.empty()


def test_words_of_a_refusal_are_shown_unless_the_screen_says_them(
    client: Client, peer: ScreenPeer
) -> None:
    peer.reply = lambda press: Answer(press.id, "refused", "Drawer 4 is open. Close it first.")
    client.press(client.until(41), "pin")
    assert "Drawer 4 is open. Close it first." in words(client.page())
    said = Words("Not opened. Drawer 4 is open. Close it first.", "strong", "refusal")
    peer.show(Screen(43, "order", "Order", (said,)))
    client.press(client.until(43), "open")
    assert words(client.page()).count("Drawer 4 is open") == 1


def test_a_note_with_a_name_in_bold_is_one_sentence(client: Client, peer: ScreenPeer) -> None:
    said = Words("Wasted: 1 tablet of oxyCODONE 5 mg.", "strong", "success")
    peer.show(Screen(43, "home", "My patients", (said, Rows((), ""))))
    assert "<span>Wasted: 1 tablet of <b>oxyCODONE</b> 5 mg.</span></p>" in client.until(43)


def test_names_with_markup_are_shown_as_text(client: Client, peer: ScreenPeer) -> None:
    bad = "<script>alert(1)</script>"
    row = Row('x" onclick="alert(1)', bad, (bad,), bad, why_not="")
    peer.show(
        Screen(44, "patients", bad, (Rows((row,), bad, bad), Words(bad)), (Button("b", bad),)),
        Live(bad, bad),
    )
    page = client.until(44)
    assert "<script>alert" not in page and '" onclick=' not in page
    assert page.count("&lt;script&gt;") >= 6


# --- without a controller -----------------------------------------------------------------------


def test_page_heals_by_itself_when_the_controller_comes_and_goes(
    client: Client, peer: ScreenPeer
) -> None:
    client.until(41)
    peer.stop()
    assert "The cabinet is not answering" in words(client.until(0))
    peer.screen = LATER
    peer.start()
    assert "Nobody here" in words(client.until(42))


def test_page_before_the_first_screen_says_that_the_cabinet_is_starting(tmp_path: Path) -> None:
    with running(tmp_path / "nobody.sock") as server:
        client = Client(server)
        assert "The cabinet is starting" in words(client.page())
        client.close()


def test_press_without_a_controller_says_that_nothing_is_known(
    client: Client, peer: ScreenPeer
) -> None:
    page = client.until(41)
    peer.reply = lambda press: peer.stop()
    client.press(page, "pin", PIN)
    assert UNANSWERED in words(client.page())


def test_late_answer_costs_the_line_and_is_never_taken_for_another_press(
    peer: ScreenPeer,
) -> None:
    first: list[int] = []

    async def play() -> None:
        connection = Connection(peer.path, answer_s=0.2)
        following = asyncio.create_task(connection.run())
        await _shown(connection, True)
        line = connection.line
        peer.reply = lambda press: None
        with pytest.raises(NotAnswering):
            await connection.press(41, "pin", PIN)
        await _shown(connection, False)
        await _shown(connection, True)
        assert connection.line != line
        peer.reply, connection._answer_s = peer.by_number, WAIT_S
        answer = await connection.press(41, "pin", PIN)
        first.append(answer.id)
        following.cancel()

    played(play())
    assert first == [2]


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x02{}",
        b'\x00\x00\x00\x0e{"type":"what"}',
        b"\x00\x00\x00\x08half",
    ],
    ids=["a frame too long", "not a message", "an unknown message", "half a frame"],
)
def test_garbled_or_stalled_controller_is_dropped_and_met_again(
    peer: ScreenPeer, bytes_sent: bytes
) -> None:
    async def play() -> None:
        connection = Connection(peer.path, greeting_s=0.2)
        following = asyncio.create_task(connection.run())
        await _shown(connection, True)
        peer.send(bytes_sent)
        await _shown(connection, False)
        await _shown(connection, True)
        following.cancel()

    played(play())


async def _shown(connection: Connection, is_shown: bool) -> None:
    async with asyncio.timeout(WAIT_S):
        while (connection.shown is not None) is not is_shown:
            await connection.bell.wait()


def test_answer_to_no_press_is_ignored(client: Client, peer: ScreenPeer) -> None:
    client.until(41)
    peer.send(encode(Answer(999, "done")))
    peer.show(LATER)
    assert "Nobody here" in words(client.until(42))


# --- attacks ------------------------------------------------------------------------------------


def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/", "/static/screen.js", "/static/nothing.js", "/nowhere", "/launch"):
        answer = client.http.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy


def test_page_has_no_inline_script_or_style_and_nothing_from_outside(client: Client) -> None:
    page = client.until(41)
    assert "style=" not in page and "<style" not in page and "javascript:" not in page
    assert "//" not in page.replace("<!doctype html>", "")
    assert page.count("<script") == page.count('<script src="/static/screen.js" defer></script>')


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", ""])
def test_dns_rebinding_ends_at_the_host_header(client: Client, host: str) -> None:
    assert client.http.get("/", headers={"Host": host}).status_code in (400, 421)


def test_two_host_headers_are_refused(server: Server) -> None:
    host = f"127.0.0.1:{server.port}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n".encode())
        assert line.recv(4096).split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_press_from_another_page_is_refused(
    client: Client, peer: ScreenPeer, headers: dict[str, str]
) -> None:
    assert client.press(client.until(41), "pin", PIN, headers).status_code == 403
    assert peer.presses.empty()


def test_press_without_an_origin_is_refused(client: Client, peer: ScreenPeer) -> None:
    fields = {"number": "41", "button": "pin"}
    assert client.http.post("/press", data=fields).status_code == 403
    assert peer.presses.empty()


def test_picture_on_another_page_cannot_take_the_screen_away(
    server: Server, client: Client
) -> None:
    thief = Client(server)
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Dest": "image",
    }
    assert thief.http.get("/", headers=headers).status_code == 403
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}
    assert thief.http.get("/", headers=headers).status_code == 403
    thief.close()
    assert "Sign in" in words(client.until(41))


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_get_and_post_are_spoken(client: Client, method: str) -> None:
    assert client.http.request(method, "/").status_code == 405


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/", "/x"])
def test_no_other_file_is_served(client: Client, path: str) -> None:
    assert client.http.get(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        "number=41&button=pin&text=" + "1" * 65,
        "number=-1&button=pin",
        "number=9999999999999999999&button=pin",
        "number=%D9%A1&button=pin",
        "number=41&button=",
        "number=41",
        "number=41&button=pin&button=cancel",
        "number=41&button=pin&other=1",
        "number=41&button=pin&text=%ff%fe",
        "",
        "&&&&",
    ],
)
def test_what_is_not_a_press_is_refused(client: Client, peer: ScreenPeer, body: str) -> None:
    client.until(41)
    headers = {"Origin": client.origin, "Content-Type": "application/x-www-form-urlencoded"}
    assert client.http.post("/press", content=body, headers=headers).status_code == 400
    assert peer.presses.empty()


def test_large_body_is_refused_before_it_is_read(client: Client, peer: ScreenPeer) -> None:
    assert client.post({"text": "1" * MAX_BODY_BYTES}).status_code == 413
    parts = (b"1" * 1024 for _ in range(8))  # sent in pieces, without saying how long it is
    headers = {"Origin": client.origin, "Content-Type": "application/x-www-form-urlencoded"}
    assert client.http.post("/press", content=parts, headers=headers).status_code == 400
    assert peer.presses.empty()


def test_form_in_another_encoding_is_refused(client: Client, peer: ScreenPeer) -> None:
    headers = {"Origin": client.origin, "Content-Type": "text/plain"}
    answer = client.http.post("/press", content="number=41&button=pin", headers=headers)
    assert answer.status_code == 400 and peer.presses.empty()


def test_typed_pin_is_in_no_log_no_address_and_no_page(
    client: Client, peer: ScreenPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = client.until(41)
    answers = [client.press(page, "pin", PIN), client.press(page, "pin", PIN * 9)]
    peer.reply = lambda press: peer.stop()
    answers.append(client.press(page, "pin", PIN))
    for answer in answers:
        assert PIN not in answer.text and PIN not in str(answer.headers)
    assert PIN not in client.page()
    ours = [entry for entry in caplog.records if not entry.name.startswith(("httpx", "httpcore"))]
    assert all(PIN not in entry.getMessage() for entry in ours)


# --- one browser --------------------------------------------------------------------------------


def test_newest_window_has_the_screen_and_the_former_is_told(
    server: Server, client: Client, peer: ScreenPeer
) -> None:
    page = client.until(41)
    with client.http.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 1000"
        newer = Client(server)
        newer.page()
        assert "event: elsewhere" in list(lines)
    refused = client.press(page, "pin", PIN)
    assert refused.status_code == 403
    assert "This screen is open in another window" in words(refused.text)
    assert client.http.get("/events").status_code == 403
    assert peer.presses.empty()
    newer.press(newer.until(41), "pin", PIN)
    assert peer.press().text == PIN
    newer.close()


def test_cookie_is_strict_and_out_of_scripts_reach(server: Server) -> None:
    client = Client(server)
    cookie = client.http.get("/").headers["set-cookie"].lower()
    client.close()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert f"cabinet-screen-{server.port}=" in cookie


def test_kiosks_browser_is_bound_by_a_token_that_works_once(
    peer: ScreenPeer, tmp_path: Path
) -> None:
    launch_file = tmp_path / "launch.html"
    with running(peer.path, launch_file) as server:
        assert stat.S_IMODE(launch_file.stat().st_mode) == LAUNCH_MODE
        kiosk, other = Client(server), Client(server)
        assert kiosk.http.get("/").status_code == 403
        assert kiosk.http.get("/events").status_code == 403
        assert kiosk.http.get("/launch?token=guessed").status_code == 403
        address = _address(launch_file)
        cross_site = {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        }
        answer = kiosk.http.get(address, headers=cross_site)
        assert answer.status_code == 200 and "url=/" in answer.text
        assert "Sign in" in words(kiosk.until(41))
        assert other.http.get(address).status_code == 403  # used up
        assert "Sign in" in words(kiosk.until(41))
        assert _address(launch_file) != address
        other.http.get(_address(launch_file))
        assert "Sign in" in words(other.until(41))
        assert kiosk.http.get("/").status_code == 403  # a new launch ends the former
        kiosk.close()
        other.close()


def _address(launch_file: Path) -> str:
    return launch_file.read_text().partition("url=")[2].partition('"')[0]


def test_launch_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "launch.html"
    with pytest.raises(LaunchFileError, match=r"missing/launch\.html"):
        Server(tmp_path / "screen.sock", 0, missing)


def test_port_in_use_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(PortError, match=f"port {server.port} on 127.0.0.1"):
        Server(tmp_path / "screen.sock", server.port, None)


def test_streams_are_bounded_and_the_oldest_is_told(client: Client) -> None:
    client.until(41)
    with contextlib.ExitStack() as streams:
        begun = []
        for _ in range(MAX_STREAMS + 1):
            stream = streams.enter_context(client.http.stream("GET", "/events"))
            begun.append(stream.iter_lines())
            assert next(begun[-1]) == "retry: 1000"
        assert "event: elsewhere" in list(begun[0])


def test_no_answer_waits_for_a_delayed_acknowledgement(server: Server) -> None:
    assert server.listener.proto == socket.IPPROTO_TCP  # or asyncio leaves Nagle's delay on
