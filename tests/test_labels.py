"""Scanned labels: read whole and rightly, or they say nothing; no string of bytes ends anything."""

import csv
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cabinet import labels
from cabinet.events import CodeSeen
from sim.medicines import DEMO, stock


def with_check(digits: str) -> str:
    """Thirteen digits and the check digit of GS1 General Specifications 7.9."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits))
    return f"{digits}{-total % 10}"


def test_a_label_gives_medicine_lot_and_expiry() -> None:
    gtin = with_check("0039999910011")
    seen = CodeSeen("9999910011", "LOT7", "2031-03-31")
    assert labels.read(f"]d201{gtin}1731033110LOT7") == seen
    assert labels.read(f"]C101{gtin}1731033110LOT7") == seen
    assert labels.read(f"01{gtin}10LOT7\x1d17310331") == seen


def test_a_day_of_00_is_the_last_of_its_month() -> None:
    gtin = with_check("0039999910011")
    assert labels.read(f"]d201{gtin}17280200").expires == "2028-02-29"


def test_another_check_digit_says_nothing() -> None:
    gtin = with_check("0039999910011")
    wrong = f"{gtin[:-1]}{(int(gtin[-1]) + 1) % 10}"
    assert labels.read(f"]d201{wrong}17310331") == CodeSeen("")


def test_a_label_that_says_one_thing_twice_says_nothing() -> None:
    one, other = with_check("0039999910011"), with_check("0039999910021")
    assert labels.read(f"]d201{one}01{other}17310331") == CodeSeen("")
    assert labels.read(f"]d201{one}1731033117320331") == CodeSeen("")


@pytest.mark.parametrize("day", ["310231", "311331", "319900"])
def test_a_date_there_is_not_says_nothing(day: str) -> None:
    assert labels.read(f"]d201{with_check('0039999910011')}17{day}") == CodeSeen("")


def test_a_gtin_that_is_no_us_drugs_is_no_medicine() -> None:
    assert labels.read(f"]d201{with_check('0401234567890')}17310331").ndc == ""


@pytest.mark.parametrize("text", ["", "]", "]d2", "]Q3", "\x1d", "01", "]d201", "https://x"])
def test_what_is_no_label_says_nothing(text: str) -> None:
    assert labels.read(text) == CodeSeen("")


codes = st.text(alphabet="0123456789\x1d]()CdQ217", max_size=60)
whole = st.from_regex(r"(\]d2|\]C1)?01[0-9]{14}17[0-9]{6}10[0-9A-Z\x1d]{0,22}", fullmatch=True)
parts = st.from_regex(
    r"(\]d2)?(17[0-9]{6}|11[0-9]{6}|10[0-9A-Z]{0,5}\x1d|3[0-9]{9}|24[0-9]{3}|8[0-9]{11})*",
    fullmatch=True,
)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60) | codes | whole | parts)
@example("]")
def test_whatever_is_scanned_is_read_or_says_nothing(text: str) -> None:
    seen = labels.read(text)
    assert seen.ndc == "" or (len(seen.ndc) == 10 and seen.ndc.isdigit())
    if seen.expires:
        assert date.fromisoformat(seen.expires).isoformat() == seen.expires


def test_every_medicine_of_the_demo_has_a_label_that_is_its_own() -> None:
    with (DEMO / "formulary.csv").open(encoding="utf-8", newline="") as file:
        listed = [row["ndc"].replace("-", "") for row in csv.DictReader(file)]
    assert len(set(listed)) == len(listed)
    for code in listed:
        assert labels.read(f"]d201{with_check(f'003{code}')}17310331").ndc == code


def test_every_shelf_of_the_demo_expires_on_a_day_that_a_calendar_has() -> None:
    for shelf in stock().values():
        assert date.fromisoformat(shelf.expires).isoformat() == shelf.expires
