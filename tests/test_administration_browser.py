"""Administration and enrolment in a real browser, at the demo's sensor, which answers in bytes."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.fingerprint_sensor import template_of
from tests import demo
from tests.demo import Demo, person, until
from tests.nurse import SCREEN_MS, Nurse

pytestmark = pytest.mark.browser
LIFTED_MS = 1000  # as a person does; the sensor looks a few times a second
LOOKS, LOOK_MS = 30, 100  # for what the sensor makes of a finger


def test_an_administrator_finds_changes_and_suspends_somebody(
    running_demo: Demo, browser: Any
) -> None:
    admin = Nurse(running_demo, browser.new_page())
    admin.sees("rest")
    admin.proves("Ingrid", then="menu")
    admin.picture("menu-administrator")
    admin.press("people")
    admin.sees("people")
    admin.picture("people")
    find(admin, "lindq")
    admin.press("edit")
    admin.sees("edit")
    admin.picture("edit")
    admin.press("edit:groups")
    admin.sees("edit_groups")
    admin.press("set_group:H")
    admin.reads("YES")
    admin.picture("edit-groups")
    admin.press("check_change")
    admin.sees("check_person")
    admin.reads("A B C D E → A B C D E H")
    admin.picture("check-person")
    admin.press("save_change")
    admin.reads("Jonas Lindqvist: changed.")
    admin.press("edit")
    admin.press("edit:expiry")
    admin.sees("edit_expiry")
    admin.types("31122031")
    admin.picture("edit-expiry")
    admin.press("set_end")
    admin.reads("Never → 31-Dec-2031")
    admin.press("save_change")
    admin.sees("person")
    admin.press("stop_person")
    admin.sees("stop_person")
    admin.picture("stop-person")
    admin.press("stop_person:inquiry")
    admin.sees("check_person")
    admin.press("save_change")
    admin.reads("Jonas Lindqvist: suspended.")
    admin.press("people")
    admin.press("menu")
    admin.press("sign_out")
    admin.sees("rest")
    admin.proves("Jonas", then="rest")  # his badge is asked for a finger as everybody's is
    assert admin.problems == []


def find(admin: Nurse, typed: str) -> None:
    """The person's page, by a part of the name."""
    admin.press("find_person")
    admin.sees("find_person")
    admin.types(typed)
    admin.picture("find-person")
    admin.press("find_people")
    admin.sees("people")
    admin.choose("")
    admin.sees("person")
    admin.picture("person")


def test_rights_to_override_take_a_second_administrator_at_the_screen(
    running_demo: Demo, browser: Any
) -> None:
    admin = Nurse(running_demo, browser.new_page())
    admin.sees("rest")
    admin.proves("Ingrid", then="menu")
    admin.press("people")
    admin.sees("people")
    find(admin, "okafor")
    admin.press("edit")
    admin.press("edit:override")
    admin.sees("edit_override")
    admin.press("set_override:A")
    admin.press("check_change")
    admin.reads("A second administrator must approve this, here and now.")
    admin.picture("check-approval")
    admin.press("save_change")
    admin.sees("witness")
    admin.reads("Ingrid Solberg")
    admin.picture("approve")
    admin.proves("Samuel", then="person")
    admin.reads("Amina Okafor: changed.")
    admin.press("people")
    admin.press("menu")
    admin.press("sign_out")
    admin.sees("rest")
    assert admin.problems == []
    report = running_demo.command("report", "access", "--format", "json")
    rows = json.loads(report.stdout)
    assert next(it for it in rows if it["Person"] == "Amina Okafor")["Override groups"] == "A"


@pytest.fixture
def keeping_demo(tmp_path: Path, demo_template: Path) -> Iterator[Demo]:
    """The demo at a site that keeps copies of fingers."""
    running = demo.make(tmp_path / "demo", demo_template)
    file = running.folder / "cabinet.toml"
    file.write_text(f"{file.read_text()}\n[fingers]\ncopies = true\n")
    running.start()
    try:
        yield running
    finally:
        running.kill()


def test_somebody_enrols_again_lets_a_copy_be_kept_and_is_loaded_into_a_replaced_sensor(
    keeping_demo: Demo, browser: Any
) -> None:
    """A new code, badge, PIN and two fingers; then two people load what the old sensor held."""
    admin = Nurse(keeping_demo, browser.new_page())
    admin.sees("rest")
    admin.proves("Ingrid", then="menu")
    code = new_code(admin)
    admin.press("have_code")
    admin.sees("code_entry")
    admin.types(code)
    admin.press("code")
    admin.reads("Ask a charge nurse, a pharmacist or an administrator")
    admin.picture("nobody-stands-by")
    admin.press("cancel")
    admin.sees("rest")
    admin.proves("Samuel", then="menu")
    admin.press("enrolling")
    admin.sees("enrolling")
    admin.types(code)
    admin.picture("enrolling")
    admin.press("stand_by")
    admin.sees("enrol_badge")
    gives_all(admin, "Amina")
    amina = person("Amina")
    proves_by_finger(admin, "Amina")

    until(lambda: copies(keeping_demo) == len(amina.fingers))
    assert keeping_demo.do("fit_sensor")["done"]
    admin.reads("Another finger sensor is fitted")
    by_pin(admin, "Ingrid", then="menu")
    admin.press("sensor")
    admin.sees("sensor")
    admin.picture("sensor-another")
    admin.press("load_fingers")
    admin.sees("witness")
    admin.reads("2, of 1 person")
    admin.picture("sensor-approve")
    by_pin(admin, "Samuel", then="sensor")
    admin.reads("All fingers that could be loaded are.")
    admin.picture("sensor-loaded")
    admin.reads("Enrols again: no copy was kept")
    admin.press("menu")
    admin.sees("menu")
    admin.picture("menu-sensor")
    admin.press("sign_out")
    admin.sees("rest")
    for finger in amina.fingers:
        proves_by_finger(admin, "Amina", finger)
    assert admin.problems == []
    nowhere_plain(keeping_demo)


def test_a_new_pin_alone_is_chosen_at_the_screen_and_the_old_finger_goes_on(
    running_demo: Demo, browser: Any
) -> None:
    admin = Nurse(running_demo, browser.new_page())
    admin.sees("rest")
    admin.proves("Ingrid", then="menu")
    code = new_code(admin, "enrol_again:secret")
    admin.proves("Samuel", then="menu")
    admin.press("enrolling")
    admin.sees("enrolling")
    admin.types(code)
    admin.press("stand_by")
    admin.sees("enrol_badge")
    admin.picture("new-pin-badge")
    admin.badge("Amina")
    admin.sees("enrol_prove")
    admin.picture("new-pin-finger")
    running_demo.do("touch", finger=person("Amina").fingers[0])
    admin.sees("enrol_pin")
    running_demo.do("lift")
    admin.picture("new-pin")
    for page, button in (("enrol_pin", "new_pin"), ("enrol_pin_again", "same_pin")):
        admin.sees(page)
        admin.types(person("Amina").pin)
        admin.press(button)
    admin.reads("Your new PIN or passphrase works from now on.")
    admin.picture("new-pin-works")
    proves_by_finger(admin, "Amina")
    assert admin.problems == []


def nowhere_plain(running: Demo) -> None:
    """No template lies in a file of the cabinet, its logs or an export of everything."""
    export = running.command("export", str(running.folder / "out"), "--with-attachments")
    assert export.returncode == 0, export.stderr
    files = [it for it in running.folder.parent.rglob("*") if it.is_file()]
    assert any("attachments" in it.parts for it in files)
    for finger in person("Amina").fingers:
        inside = template_of(finger)[102:117]  # whole groups of base64
        for told in (inside, inside.hex().encode(), base64.b64encode(inside)):
            assert not [it for it in files if told in it.read_bytes()]


def new_code(admin: Nurse, anew: str = "enrol_again:pin") -> str:
    """The administrator has Amina enrol again, or reset; her code as it is typed."""
    admin.press("people")
    admin.sees("people")
    find(admin, "okafor")
    admin.press("edit:again")
    admin.sees("edit_again")
    admin.picture("enrol-again")
    admin.press(anew)
    admin.sees("check_person")
    admin.picture("check-again")
    admin.press("save_change")
    admin.sees("code")
    admin.picture("code")
    shown = str(admin.page.locator(".content").inner_text())
    admin.press("menu")
    admin.press("sign_out")
    admin.sees("rest")
    return shown.split()[0].replace("-", "").lower()


def gives_all(admin: Nurse, given: str) -> None:
    """Badge, PIN twice, yes to a copy, and two fingers."""
    newcomer = person(given)
    admin.badge(given)
    admin.sees("enrol_pin")
    admin.types(newcomer.pin)
    admin.press("new_pin")
    admin.sees("enrol_pin_again")
    admin.types(newcomer.pin)
    admin.press("same_pin")
    admin.sees("enrol_copies")
    admin.picture("enrol-copies")
    admin.press("copies")
    for finger, last in zip(
        newcomer.fingers, ("a finger of the other hand", "Enrolled."), strict=True
    ):
        admin.sees("enrol_finger")
        admin.picture(f"enrol-{finger.split(':')[-1]}")
        for words in ("Good, 1 of 3", "Good, 2 of 3", last):
            places(admin, finger, words)
    admin.sees("rest")
    admin.demo.do("lift")


def proves_by_finger(admin: Nurse, given: str, finger: str = "") -> None:
    """In by a finger, and out again."""
    admin.proves(given, then="patients", finger=finger)
    admin.press("sign_out")
    admin.sees("rest")


def by_pin(admin: Nurse, given: str, then: str) -> None:
    """Badge and PIN, while the sensor is another one."""
    until(lambda: admin.is_read(given, "pin"))
    admin.types(person(given).pin)
    admin.press("pin")
    admin.sees(then)


def copies(running: Demo) -> int:
    """The copies of fingers that the cabinet keeps, as `cabinet retention` counts them."""
    told = running.command("retention").stdout
    line = next(it for it in told.splitlines() if it.startswith("template:"))
    return int(line.split()[1])


def places(admin: Nurse, finger: str, words: str) -> None:
    """Lift, and place the finger, until the screen says these words."""

    def said() -> bool:
        admin.demo.do("lift")
        admin.page.wait_for_timeout(LIFTED_MS)
        admin.demo.do("touch", finger=finger)
        for _ in range(LOOKS):
            if admin.page.get_by_text(words).first.is_visible():
                return True
            admin.page.wait_for_timeout(LOOK_MS)
        return False

    until(said, SCREEN_MS / 100)  # with room for a finger that was not seen to be lifted
