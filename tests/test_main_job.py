"""The main job through the real parts: browser, controller, SQLCipher file, serial bytes."""

from typing import Any

import pytest

from tests.demo import Demo
from tests.nurse import Nurse

pytestmark = pytest.mark.browser


def test_a_nurse_removes_a_controlled_substance_and_the_ledger_can_prove_it(
    running_demo: Demo, browser: Any
) -> None:
    nurse = Nurse(running_demo, browser.new_page())
    nurse.sees("rest")
    nurse.picture("rest")
    nurse.proves("Amina", then="patients")
    nurse.picture("patients")
    nurse.choose("WHITCOMBE")
    nurse.sees("orders")
    nurse.picture("orders")
    nurse.choose("oxyCODONE")
    nurse.sees("order")
    nurse.picture("order")
    nurse.press("open")
    nurse.sees("opening")
    nurse.pull("D1")
    nurse.sees("count")
    nurse.types("40")
    nurse.picture("count")
    nurse.press("count")
    nurse.sees("take")
    nurse.picture("take")
    assert running_demo.do("take", pocket="D1-1", n="2")["done"]
    assert running_demo.do("push", drawer="D1")["done"]
    nurse.sees("taken")
    nurse.picture("taken")
    nurse.press("removals")
    nurse.sees("removals")
    nurse.choose("oxyCODONE")
    nurse.sees("removal")
    nurse.press("give")
    nurse.sees("give")
    nurse.types("1")
    nurse.picture("give")
    nurse.press("amount")
    nurse.sees("removal")
    nurse.press("waste")
    nurse.sees("waste")
    nurse.types("1")
    nurse.press("amount")
    nurse.sees("witness")
    nurse.picture("witness")
    nurse.proves("Jonas", then="patients")
    nurse.reads("Nothing left open")
    nurse.press("sign_out")
    nurse.sees("rest")
    assert nurse.problems == []

    verified = running_demo.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.endswith("good\n")
    report = running_demo.command("report", "removals", "--format", "csv")
    assert report.returncode == 0, report.stderr
    heading, line = report.stdout.splitlines()
    columns = dict(
        zip(heading.split(","), line.replace('"WHITCOMBE, Edith"', "W").split(","), strict=True)
    )
    assert columns.pop("When")
    assert columns == {
        "Who": "Amina Okafor",
        "Factors": "badge + finger",
        "Patient": "W",
        "Order": "RX-70101",
        "Medicine": "oxyCODONE hydrochloride 5 mg tablet",
        "Taken": "2",
        "Count before": "40",
        "Count after": "38",
        "Given": "1",
        "Wasted": "1",
        "Witness": "Jonas Lindqvist (badge + finger)",
        "Returned": "0",
        "Open": "closed",
    }


def test_a_power_cut_in_the_middle_is_shown_and_healed(running_demo: Demo, browser: Any) -> None:
    nurse = Nurse(running_demo, browser.new_page())
    nurse.sees("rest")  # a badge held up before that is read by nobody
    nurse.proves("Amina", then="patients")
    nurse.choose("WHITCOMBE")
    nurse.choose("oxyCODONE")
    nurse.sees("order")
    nurse.press("open")
    nurse.pull("D1")
    nurse.sees("count")
    assert running_demo.do("cut")["done"]
    nurse.reads("not answering")
    nurse.picture("away")
    assert running_demo.do("restore")["done"]
    nurse.sees("rest")
    assert running_demo.do("push", drawer="D1")["done"]
    nurse.proves("Amina", then="patients")
    nurse.reads("must be counted")
    status = running_demo.command("status")
    assert "Pockets to count: D1-1" in status.stdout
    assert running_demo.command("verify").returncode == 0


def test_a_second_start_goes_on_with_the_same_cabinet_and_world(running_demo: Demo) -> None:
    size = running_demo.command("status").stdout
    assert running_demo.stop() == 0
    running_demo.start()
    again = running_demo.command("status").stdout
    assert size.splitlines()[0] == again.splitlines()[0]
    assert running_demo.command("verify").returncode == 0
