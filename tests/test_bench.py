"""The bench as a person, a script and an attacker meet it: a real server, a real browser."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from auth.pins import check_usable
from cabinet.configuration import load
from sim.bench import Bench, serve
from sim.bench.drawing import draw
from sim.bench.gestures import GESTURES
from sim.bench.words import describe
from sim.cabinet import SimulatedCabinet
from sim.errors import PortBusy
from sim.happenings import Happening, Kind
from sim.medicines import DEMO, medicines
from sim.people import NEWCOMER
from tests.demo import PATIENCE_S, until

pytestmark = pytest.mark.real_time
LOCK, LIGHT, BEEPER = 16, 17, 27  # D1's, and the cabinet's


class Switch:
    """The controller's power, as a test sees it."""

    def __init__(self) -> None:
        self.on = True

    def cut(self) -> None:
        self.on = False

    def restore(self) -> None:
        self.on = True

    def is_on(self) -> bool:
        return self.on


@pytest.fixture(name="cabinet")
def _cabinet(tmp_path: Path) -> Iterator[SimulatedCabinet]:
    cabinet = SimulatedCabinet(tmp_path, load(DEMO / "cabinet.toml"), stock={"D1-1": 40})
    cabinet.start()
    yield cabinet
    cabinet.stop()


@pytest.fixture(name="switch")
def _switch() -> Switch:
    return Switch()


@pytest.fixture(name="bench")
def _bench(cabinet: SimulatedCabinet, switch: Switch) -> Iterator[Bench]:
    bench = serve(cabinet, switch, 0)
    yield bench
    bench.stop()


@pytest.fixture(name="still", scope="module")
def _still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bench for the tests that leave everything as it was."""
    folder = tmp_path_factory.mktemp("still")
    cabinet = SimulatedCabinet(folder, load(DEMO / "cabinet.toml"))
    cabinet.start()
    bench = serve(cabinet, Switch(), 0)
    yield bench
    assert cabinet.world.events == ()
    bench.stop()
    cabinet.stop()


def ask(
    bench: Bench, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", bench.port, timeout=PATIENCE_S)
    connection.request(method, path, body or None, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data, answer.headers


def do(bench: Bench, **fields: Any) -> tuple[int, dict[str, Any]]:
    kind = {"Content-Type": "application/json"}
    status, data, _ = ask(bench, "POST", "/do", json.dumps(fields).encode(), kind)
    return status, json.loads(data)


# --- for scripts ---


def test_every_gesture_is_a_plain_post(bench: Bench, cabinet: SimulatedCabinet) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, data, _ = ask(bench, "POST", "/do", b"action=pull&drawer=D1", form)
    assert (status, json.loads(data)["done"]) == (200, False)
    for fields in (
        {"action": "badge", "badge": "0049137025"},
        {"action": "touch", "finger": "amina:right-index"},
        {"action": "lift"},
        {"action": "scan", "text": "hello"},
        {"action": "pry", "drawer": "D1"},
        {"action": "take", "pocket": "D1-1", "n": 2},
        {"action": "put", "pocket": "D1-1"},
        {"action": "take", "pocket": "D1-1"},
        {"action": "part", "medicine": "OXYC-5-TAB", "n": 2},
        {"action": "push", "drawer": "D1", "fully": False},
        {"action": "pull", "drawer": "D1"},
        {"action": "unplug", "device": "badge"},
        {"action": "plug", "device": "badge"},
        {"action": "fault", "drawer": "D2", "fault": "switch_cut"},
        {"action": "fault", "drawer": "D2", "fault": "switch_cut", "on": False},
        {"action": "cut"},
        {"action": "restore"},
    ):
        status, answer = do(bench, **fields)
        assert (status, answer["done"]) == (200, True), (fields, answer)
        assert answer["words"]
    assert cabinet.world.tablets("D1-1") == {"OXYC-5-TAB": 38}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"action": "dance"},
        {"action": "pull"},
        {"action": "pull", "drawer": "D9"},
        {"action": "pull", "drawer": "D1", "gently": "yes"},
        {"action": "take", "pocket": "D1-1", "n": "-1"},
        {"action": "touch", "finger": "nobody:thumb"},
        {"action": "fault", "drawer": "D1", "fault": "gremlins"},
        {"action": "pull", "drawer": ["D1"]},
    ],
)
def test_a_gesture_that_is_none_is_refused_in_words(still: Bench, fields: dict[str, Any]) -> None:
    status, answer = do(still, **fields)
    assert status == 400
    assert answer["error"]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[1]", b"{", b"x" * 5000])
def test_a_body_that_is_no_small_form_is_refused(still: Bench, body: bytes) -> None:
    status, _, _ = ask(still, "POST", "/do", body, {"Content-Type": "application/json"})
    assert status == 400


def test_the_state_shows_what_is_physical(bench: Bench, cabinet: SimulatedCabinet) -> None:
    cabinet.world.pry("D1")
    state = json.loads(ask(bench, "GET", "/state")[1])
    assert state["drawers"]["D1"]["open"]
    assert state["drawers"]["D1"]["tablets"]["D1-1"][0]["count"] == 40
    assert state["events"][0]["words"] == "D1: the drawer slid open"


def test_cutting_the_power_kills_the_controller_and_not_the_world(
    bench: Bench, cabinet: SimulatedCabinet, switch: Switch
) -> None:
    cabinet.world.pry("D1")
    do(bench, action="cut")
    assert not switch.is_on()
    assert cabinet.world.drawer("D1").is_open
    do(bench, action="restore")
    assert switch.is_on()


def test_a_controller_that_ended_by_itself_is_started_by_restoring_the_power(
    bench: Bench, switch: Switch
) -> None:
    switch.on = False
    assert do(bench, action="restore")[1]["done"]
    assert switch.is_on()


# --- for attackers ---


@pytest.mark.parametrize("path", ["/", "/state", "/events", "/static/bench.js"])
def test_a_name_rebound_to_the_loopback_address_is_refused(still: Bench, path: str) -> None:
    assert ask(still, "GET", path, headers={"Host": f"evil.example:{still.port}"})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_page_cannot_play_the_cabinet(still: Bench, headers: dict[str, str]) -> None:
    status, _, _ = ask(still, "POST", "/do", b"action=pry&drawer=D1", headers)
    assert status == 403
    state = json.loads(ask(still, "GET", "/state")[1])
    assert not state["drawers"]["D1"]["open"]


def test_the_page_may_load_nothing_from_elsewhere(still: Bench) -> None:
    status, page, headers = ask(still, "GET", "/")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    for inline in (b"<style", b"style=", b"onclick", b"javascript:", b"<script>"):
        assert inline not in page


def test_a_path_out_of_the_static_folder_leads_nowhere(still: Bench) -> None:
    for path in ("/static/../server.py", "/static/..%2fserver.py", "/static/"):
        assert ask(still, "GET", path)[0] in (400, 404, 405)


def test_a_busy_port_is_said_plainly(cabinet: SimulatedCabinet, switch: Switch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortBusy, match="in use"):
            serve(cabinet, switch, other.getsockname()[1])


# --- for people ---


@pytest.fixture(name="page")
def _page(bench: Bench, browser: Any) -> Iterator[Page]:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(bench.address)
    yield page
    context.close()
    assert complaints == []


def test_the_newcomer_of_the_bench_is_nobody_yet_and_has_all_that_an_enrolment_asks_for(
    page: Page, cabinet: SimulatedCabinet
) -> None:
    listed = (DEMO / "people.csv").read_text()
    for mark in (NEWCOMER.staff_id, NEWCOMER.family, NEWCOMER.badge):
        assert mark not in listed
    check_usable(NEWCOMER.pin, (NEWCOMER.staff_id, NEWCOMER.badge))
    page.get_by_role("button", name=NEWCOMER.name).click()
    expect(page.locator("#events li").first).to_contain_text(NEWCOMER.name)
    page.get_by_role("button", name=f"{NEWCOMER.given}: left index").click()
    expect(page.locator("#finger-name")).to_have_text(f"{NEWCOMER.given}'s left index")
    assert cabinet.world.view().finger == NEWCOMER.fingers[1]
    lowest = page.locator(".person").last.bounding_box()
    below = page.locator(".timeline").bounding_box()
    assert lowest is not None and below is not None
    assert lowest["y"] + lowest["height"] < below["y"], "no card is behind what happened"


def test_a_person_plays_a_removal_at_the_picture(
    page: Page, bench: Bench, cabinet: SimulatedCabinet, switch: Switch
) -> None:
    world = cabinet.world
    expect(page.locator("#hint")).to_contain_text("Hold a badge")
    page.get_by_role("button", name="Amina Okafor").click()
    expect(page.locator("#events li").first).to_contain_text("Amina Okafor")
    page.get_by_role("button", name="Amina: right index").click()
    expect(page.locator("#finger-name")).to_have_text("Amina's right index")
    page.get_by_role("button", name="Fingerprint sensor").click()
    expect(page.locator("#finger-name")).to_have_text("fingerprint")

    drawer = page.locator("[data-drawer=D1]")
    front = page.get_by_role("button", name="D1 Drawer 1")
    front.click()
    expect(page.locator("#said")).to_have_text("D1 is latched and does not move")
    world.output(LIGHT, True)
    world.output(LOCK, True)
    expect(drawer).to_contain_class("released lit")
    world.output(LOCK, False)

    box = page.locator("[data-drawer=D1] .handle").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 5)  # dragged down: pulled
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 80)
    page.mouse.up()
    expect(drawer).to_contain_class("released lit open")
    page.get_by_role("button", name="Take one from D1-1").click()
    expect(drawer.locator(".count")).to_have_text("39")
    expect(drawer.locator(".pill")).to_have_count(39)
    page.get_by_role("button", name="Take one from D1-1").press("Enter")
    expect(page.locator("#hands")).to_contain_text("2 oxyCODONE 5 mg")
    page.get_by_role("button", name="Give 1").click()
    expect(page.locator("#hands")).to_contain_text("1 oxyCODONE 5 mg")
    page.keyboard.press("1")  # the drawer's key: pushed shut
    expect(drawer).not_to_contain_class("open")
    expect(drawer).not_to_contain_class("released")
    assert world.tablets("D1-1") == {"OXYC-5-TAB": 38}
    assert not page.evaluate("document.documentElement.scrollHeight > innerHeight")


def test_mischief_and_power_show_as_they_happen(
    page: Page, cabinet: SimulatedCabinet, switch: Switch
) -> None:
    page.get_by_role("button", name="Pry open").click()
    expect(page.locator("[data-drawer=D1]")).to_contain_class("released open")
    page.get_by_role("button", name="badge plugged in").click()
    expect(page.get_by_role("button", name="badge unplugged")).to_be_visible()
    cabinet.world.output(BEEPER, True)
    expect(page.locator("#beeper")).to_contain_class("on")
    page.get_by_role("button", name="Cut the power").click()
    expect(page.locator("body")).to_contain_class("dark")
    assert not switch.is_on()  # the mains go last
    page.get_by_role("button", name="Restore the power").click()
    expect(page.locator("body")).not_to_contain_class("dark")
    until(switch.is_on)  # the devices have power first


def test_the_page_says_when_the_simulator_is_gone(page: Page, bench: Bench) -> None:
    expect(page.locator("#hint")).to_contain_text("Hold a badge")

    def says_so() -> bool:
        page.evaluate("heard = 1")  # its last word was long ago, and so is each that follows
        return "Not connected" in page.locator("#hint").inner_text()

    until(says_so)


# --- drawing and words ---


def test_the_picture_has_what_the_configuration_has_and_nothing_overlaps_when_shut() -> None:
    configuration = load(DEMO / "cabinet.toml")
    drawing = draw(configuration)
    assert [it.setup.id for it in reversed(drawing.drawers)] == [
        it.id for it in configuration.drawer
    ]
    for one in drawing.drawers:
        assert one.x + one.width <= drawing.width
        assert one.y + one.travel + one.height <= drawing.height
        for other in drawing.drawers:
            apart = (
                one is other
                or one.x + one.width <= other.x
                or other.x + other.width <= one.x
                or one.y + one.height <= other.y
                or other.y + other.height <= one.y
            )
            assert apart, (one.setup.id, other.setup.id)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_happening_has_its_words(kind: Kind) -> None:
    words = describe(
        Happening(1, 0.0, kind, "D1", "D1-1", "OXYC-5-TAB", 1, "amina:right-index"), medicines()
    )
    assert words
    assert "None" not in words


def test_the_table_of_gestures_is_complete() -> None:
    assert {"badge", "touch", "lift", "scan", "pull", "push", "take", "put", "pry"} < set(GESTURES)
    assert {"cut", "restore", "unplug", "plug"} < set(GESTURES)
