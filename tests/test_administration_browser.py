"""Administration and enrolment in a real browser, at the demo's sensor, which answers in bytes."""

import json
from typing import Any

import pytest

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
    admin.badge("Jonas")  # his badge is asked for a finger as everybody's is
    admin.sees("finger")
    running_demo.do("touch", finger=person("Jonas").fingers[0])
    admin.sees("rest")
    running_demo.do("lift")
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


def test_somebody_enrols_again_with_a_new_code_badge_pin_and_two_fingers(
    running_demo: Demo, browser: Any
) -> None:
    admin, amina = Nurse(running_demo, browser.new_page()), person("Amina")
    admin.sees("rest")
    admin.proves("Ingrid", then="menu")
    admin.press("people")
    admin.sees("people")
    find(admin, "okafor")
    admin.press("edit:again")
    admin.sees("edit_again")
    admin.picture("enrol-again")
    admin.press("enrol_again:pin")
    admin.sees("check_person")
    admin.picture("check-again")
    admin.press("save_change")
    admin.sees("code")
    admin.picture("code")
    code = admin.page.locator(".content").inner_text().split()[0].replace("-", "")
    admin.press("menu")
    admin.press("sign_out")
    admin.sees("rest")
    admin.press("have_code")
    admin.sees("code_entry")
    admin.types(code.lower())
    admin.press("code")
    admin.reads("Ask a charge nurse, a pharmacist or an administrator")
    admin.picture("nobody-stands-by")
    admin.press("cancel")
    admin.sees("rest")
    admin.proves("Samuel", then="menu")
    admin.press("enrolling")
    admin.sees("enrolling")
    admin.types(code.lower())
    admin.picture("enrolling")
    admin.press("stand_by")
    admin.sees("enrol_badge")
    admin.badge("Amina")
    admin.sees("enrol_pin")
    admin.types(amina.pin)
    admin.press("new_pin")
    admin.sees("enrol_pin_again")
    admin.types(amina.pin)
    admin.press("same_pin")
    for finger, last in zip(
        amina.fingers, ("a finger of the other hand", "Enrolled."), strict=True
    ):
        admin.sees("enrol_finger")
        admin.picture(f"enrol-{finger.split(':')[-1]}")
        for words in ("Good, 1 of 3", "Good, 2 of 3", last):
            places(admin, finger, words)
    admin.sees("rest")
    running_demo.do("lift")
    admin.proves("Amina", then="patients")
    admin.press("sign_out")
    admin.sees("rest")
    assert admin.problems == []


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
