"""What is left out of a line of logs, and that nothing gets out of it raw."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet.redaction import MAX_LINE_CHARS, known_names, name_parts, redact
from tests.test_service import NEVER, proof
from tests.ward import Ward

PLAIN = re.compile(r"[ -~]*")
NAMES = name_parts(["Hope Franklin", "Oluwaseun Bankole-Featherstonehaugh", "Zoë Ångström"])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "INFO cabinet.controller: ready: 12 entries",
            "INFO cabinet.controller: ready: 12 entries",
        ),
        ("PIN 73910264 was typed", "PIN [number] was typed"),
        ("PIN 7391 0264, 73-91-02-64", "PIN [number], [number]"),
        ("record 9400117 of FRANKLIN, Hope", "record [number] of [name], [name]"),
        ("Bankole-Featherstonehaugh's bed", "[name]-[name]'s bed"),
        ("ZOË ångström", "[name] [name]"),
        ("born 1942-03-17", "born [date]"),
        ("N-2041 came", "N-[number] came"),
        ("KeyError: 'Jane Doe'", "KeyError: [quoted]"),
        ('unexpected "allergy: latex" here', "unexpected [quoted] here"),
        ("'unended quote of a name", "[quoted]"),
        (
            'File "/opt/cabinet/cabinet/cli.py", line 12',
            'File "/opt/cabinet/cabinet/cli.py", line 12',
        ),
        ("hash " + "3f" * 32, "hash [hex]"),
        ("$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA", "[secret]"),
        ("AGE-SECRET-KEY-1QQQ age1qqq", "[secret] [secret]"),
        ("key " + "Aa1+" * 20, "key [secret]"),
        ("usb 1-1.4: device not accepting address 5, error -71",) * 2,
    ],
)
def test_what_may_be_of_somebody_is_left_out(line: str, shown: str) -> None:
    assert redact(line, NAMES) == shown


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b[2J\x1b[H",
        "\x1b]0;owned\x07",
        "\x1b]52;c;cm0gLXJm\x1b\\",
        "\x1bPq#0\x1b\\",
        "\x9b31m",
        "\x1b[6n",
        "\r\nservice> ",
        "\x00\x07\x08\x7f",
        "\u202egnp.exe",
        "\x1b" * 50,
    ],
)
def test_attack_escape_sequences_in_a_log_reach_no_terminal(attack: str) -> None:
    assert PLAIN.fullmatch(redact(f"before{attack}after"))


def test_attack_a_megabyte_without_a_newline_is_one_short_line() -> None:
    for piece in ("A", "'", '"', "\x1b[", "1 ", "-1", "a'", "\x1b]", "$1$"):
        assert len(redact(piece * (1_000_000 // len(piece)))) <= MAX_LINE_CHARS


@given(st.text(max_size=400))
def test_whatever_is_logged_is_one_plain_line_and_stays_as_it_is(text: str) -> None:
    once = redact(text, NAMES)
    assert PLAIN.fullmatch(once) and len(once) <= MAX_LINE_CHARS
    assert not re.search(r"\d{4}", once)


def test_everybody_whom_the_cabinet_knows_is_left_out() -> None:
    ward = Ward(NEVER, stocked=False)
    ward.do(proof())
    names = known_names(ward.state)
    for person in ward.state.people.values():
        assert person.details is not None
        assert redact(f"x {person.name} y", names) == "x [name] [name] y"
    for patient in ward.state.patients.values():
        assert "[name], [name]" in redact(f"of {patient.name}", names)
    assert "Okafor" not in redact("Sam Okafor came", names)
