"""A supervisor beside a sign-in without the finger sensor, through the real parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.demo import Demo, make, person, until
from tests.nurse import Nurse

pytestmark = pytest.mark.browser

SETTINGS = """
[fingers]
supervisor = true

[timings]
factor_within_s = 60
"""
WITHOUT = "Without the finger sensor a supervisor stands by"


@pytest.fixture
def supervised_demo(tmp_path: Path, demo_template: Path) -> Iterator[Demo]:
    """The demo of a site that wants a supervisor while the sensor is down."""
    supervised = make(tmp_path / "demo", demo_template, SETTINGS)
    supervised.start()
    try:
        yield supervised
    finally:
        supervised.kill()


def by_pin(nurse: Nurse, given: str) -> None:
    """Badge and PIN."""
    until(lambda: nurse.is_read(given, "pin"))
    nurse.types(person(given).pin)
    nurse.press("pin")


def test_a_nurse_works_on_without_the_sensor_when_the_charge_nurse_stands_by_and_a_nurse_may_not(
    supervised_demo: Demo, browser: Any
) -> None:
    nurse = Nurse(supervised_demo, browser.new_page())
    nurse.sees("rest")
    supervised_demo.do("unplug", device="fingerprint")
    nurse.reads("finger sensor does not answer")
    by_pin(nurse, "Amina")
    nurse.sees("witness")
    nurse.reads(WITHOUT)
    nurse.reads("Amina Okafor")
    nurse.picture("supervisor")
    assert not nurse.says("WHITCOMBE")
    assert nurse.page.locator("#screen .bar button").all_inner_texts() == ["Cancel"]
    by_pin(nurse, "Jonas")
    nurse.sees("witness")
    nurse.reads("This person may not witness here")
    nurse.picture("supervisor-refused")
    assert not nurse.says("WHITCOMBE")
    nurse.press("dismiss")
    nurse.sees("rest")
    by_pin(nurse, "Amina")
    nurse.sees("witness")
    by_pin(nurse, "Rosa")
    nurse.sees("patients")
    nurse.reads("Amina Okafor")
    nurse.choose("WHITCOMBE")
    nurse.choose("oxyCODONE")
    nurse.sees("order")
    nurse.press("open")
    nurse.pull("D1")
    nurse.sees("count")
    nurse.types("40")
    nurse.press("count")
    nurse.sees("take")
    assert supervised_demo.do("take", pocket="D1-1", n="2")["done"]
    assert supervised_demo.do("push", drawer="D1")["done"]
    nurse.sees("taken")
    nurse.press("sign_out")
    nurse.sees("rest")
    assert nurse.problems == []

    assert supervised_demo.command("verify").returncode == 0
    report = supervised_demo.command("report", "proofs", "--format", "csv")
    rows = [line.split(",") for line in report.stdout.splitlines()]
    supervised = {row[0]: row[rows[0].index("Supervised")] for row in rows[1:]}
    assert (supervised["Amina Okafor"], supervised["Rosa Delgado"]) == ("1", "0")
