"""Break-glass and lock-out through the real parts: browser, controller, SQLCipher file, bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.demo import PATIENCE_S, Demo, make, until
from tests.nurse import Nurse

pytestmark = pytest.mark.browser


def test_two_people_break_glass_and_a_pharmacist_judges_what_was_taken(
    running_demo: Demo, browser: Any
) -> None:
    nurse = Nurse(running_demo, browser.new_page())
    nurse.sees("rest")
    nurse.proves("Amina", then="patients")
    nurse.press("menu")
    nurse.sees("menu")
    nurse.press("emergency")
    nurse.sees("emergency")
    nurse.picture("emergency")
    nurse.press("break_glass")
    nurse.sees("begin")
    nurse.press("begin:break_glass:patient_in_danger")
    nurse.sees("witness")
    nurse.reads("Break-glass for 60 minutes")
    nurse.picture("break-glass-second-person")
    nurse.proves("Jonas", then="patients")
    nurse.reads("BREAK-GLASS until")
    nurse.picture("break-glass")
    nurse.choose("WHITCOMBE")
    nurse.sees("orders")
    nurse.choose_action("Without an order")
    nurse.sees("override_why")
    nurse.press("override_why:emergency")
    nurse.sees("override_search")
    nurse.types("hydr")
    nurse.press("find")
    nurse.reads("Type at least 5 letters of its name.")
    nurse.picture("override-search-refused")
    nurse.types("omor")  # what was typed is there still
    nurse.picture("override-search")
    nurse.press("find")
    nurse.sees("override_found")
    nurse.picture("override-found")
    nurse.choose("HYDROmorphone")
    nurse.sees("override")
    nurse.picture("override")
    nurse.press("open_override")
    nurse.sees("opening")
    nurse.pull("D2")
    nurse.sees("count")
    nurse.types("25")
    nurse.press("count")
    nurse.sees("take")
    assert running_demo.do("take", pocket="D2-1", n="1")["done"]
    assert running_demo.do("push", drawer="D2")["done"]
    nurse.sees("taken")
    nurse.press("home")
    nurse.sees("patients")
    nurse.press("menu")
    nurse.sees("menu")
    nurse.press("emergency")
    nurse.sees("emergency")
    nurse.choose("End: Break-glass")
    nurse.reads("Break-glass is over")
    nurse.press("menu")
    nurse.sees("menu")
    nurse.press("sign_out")
    nurse.sees("rest")

    nurse.proves("Henry", then="patients")
    nurse.reads("waiting for a verdict")
    nurse.press("menu")
    nurse.sees("menu")
    nurse.press("reviews")
    nurse.sees("reviews")
    nurse.choose("Break-glass")
    nurse.sees("review")
    nurse.reads("Amina Okafor")
    nurse.picture("review")
    nurse.press("justified")
    nurse.sees("reviews")
    nurse.reads("Nothing waits for a verdict")
    assert nurse.problems == []
    assert running_demo.command("verify").returncode == 0


@pytest.fixture
def strict_demo(tmp_path: Path, demo_template: Path) -> Iterator[Demo]:
    """The demo of a site that locks a PIN at the third wrong one: a tenth takes minutes."""
    rules = "\n[rules]\ndelay_from_try = 2\nlock_at_try = 3\n"
    strict = make(tmp_path / "demo", demo_template, rules)
    strict.start()
    try:
        yield strict
    finally:
        strict.kill()


def test_wrong_pins_lock_out_a_pharmacist_releases_and_a_second_badge_locks_the_screen(
    strict_demo: Demo, browser: Any
) -> None:
    nurse = Nurse(strict_demo, browser.new_page())
    nurse.sees("rest")
    until(lambda: nurse.is_read("Jonas"))
    nurse.press("use_pin")
    for _ in range(2):
        nurse.sees("pin")
        nurse.types("13572468")
        nurse.press("pin")
    nurse.sees("rest")
    nurse.reads("Too many wrong tries")
    nurse.badge("Jonas")
    nurse.reads("Too many wrong tries")
    nurse.picture("slowed-down")
    nurse.proves("Amina", then="patients")
    until(lambda: nurse.is_read("Rosa"))
    nurse.press("cancel")
    nurse.sees("locked")
    nurse.picture("locked")
    assert not nurse.says("Amina") and not nurse.says("WHITCOMBE")
    nurse.proves("Amina", then="patients")
    nurse.press("sign_out")
    until(lambda: nurse.is_read("Jonas"), within_s=2 * PATIENCE_S)  # 30 s after the second
    nurse.press("use_pin")
    nurse.sees("pin")
    nurse.types("13572468")
    nurse.press("pin")
    nurse.reads("Use your finger, or ask a pharmacist to release it")
    nurse.picture("locked-out")
    strict_demo.do("unplug", device="fingerprint")
    nurse.reads("finger sensor does not answer")
    nurse.badge("Jonas")
    nurse.reads("Locked after too many wrong tries")
    strict_demo.do("plug", device="fingerprint")
    until(lambda: not nurse.says("finger sensor does not answer"))
    nurse.proves("Henry", then="patients")
    nurse.press("menu")
    nurse.sees("menu")
    nurse.press("locked")
    nurse.choose("Jonas")
    nurse.reads("may try again")
    assert nurse.problems == []
    assert strict_demo.command("verify").returncode == 0
