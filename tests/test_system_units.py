"""What the fixed units gather: journal, network; and what the console makes of logs."""

import json
from typing import Any

import pytest

from cabinet import system_answers, system_units
from cabinet.system_answers import LogsWanted, NotAnAnswer, Told

NOW_S = 1_790_000_000


def entry(
    message: Any, unit: str = "cabinet-controller.service", ago_s: int = 60, **more: Any
) -> str:
    """A line of journalctl's JSON."""
    when = str((NOW_S - ago_s) * 1_000_000)
    return json.dumps(
        {"__REALTIME_TIMESTAMP": when, "MESSAGE": message, "_SYSTEMD_UNIT": unit, **more}
    )


@pytest.fixture
def journal(mocker: Any) -> Any:
    """The journal's entries, ours and the kernel's."""
    told: dict[tuple[str, ...], list[str]] = {system_units.OF_OURS: [], system_units.OF_KERNEL: []}
    mocker.patch.object(system_units, "_said", lambda command, _: "\n".join(told[command]))
    return told


def test_lines_of_the_journal_are_told_by_unit_in_order_and_redacted(journal: Any) -> None:
    journal[system_units.OF_OURS] += [
        entry("ready: 7 entries", ago_s=10),
        entry("PIN 73910264", "cabinet-console@ttyUSB0.service", ago_s=30),
        entry("Started it.", "init.scope", ago_s=20),
        entry("first\nsecond\x1b[2J", "cabinet-gateway.service", ago_s=40),
    ]
    journal[system_units.OF_KERNEL] += [entry("usb 1-1: gone", "", 5, _TRANSPORT="kernel")]
    told = system_units.logs()
    assert told.outcome == "ok"
    assert [row[1:] for row in told.rows] == [
        ("gateway", "first"),
        ("gateway", "second"),
        ("console", "PIN [number]"),
        ("system", "Started it."),
        ("controller", "ready: 7 entries"),
        ("kernel", "usb 1-1: gone"),
    ]
    assert system_answers.decode(system_answers.encode(told)) == told


def test_attack_entries_of_the_journal_that_are_none(journal: Any) -> None:
    journal[system_units.OF_OURS] += [
        "",
        "{",
        "[" * 10_000,
        "null",
        json.dumps({"__REALTIME_TIMESTAMP": "x", "MESSAGE": "a"}),
        json.dumps({"__REALTIME_TIMESTAMP": None}),
        entry(None),
        entry([27, 91, 50, 74, 300, "x", 65]),
        entry({"a": 1}),
        entry("\n" * 1_000_000),
        entry("A" * 1_000_000),
        entry("x", "cabinet-../../etc.service"),
    ]
    told = system_units.logs()
    assert system_answers.decode(system_answers.encode(told)) == told
    assert {row[1] for row in told.rows} <= set(system_answers.UNITS)
    assert all(len(row[2]) <= 300 and row[2].isprintable() for row in told.rows)


def test_more_lines_than_an_answer_holds_are_the_newest(journal: Any) -> None:
    journal[system_units.OF_OURS] += [
        entry('"\\' * 300, ago_s=5000 - number) for number in range(5000)
    ]
    told = system_units.logs()
    assert len(told.rows) == system_answers.MOST_ROWS
    assert len(system_answers.encode(told)) <= system_answers.MAX_ANSWER_BYTES
    assert told.rows[-1][0] == str(NOW_S - 1)


def test_a_journal_that_cannot_be_read_is_a_failure(journal: Any) -> None:
    assert system_units.logs().outcome == "failed"


def test_a_program_that_is_not_there_or_fails_says_nothing() -> None:
    assert system_units._said(("/nowhere/at/all",), 9) == ""
    assert system_units._said(("/bin/false",), 9) == ""
    assert system_units._said(("/bin/sleep", "99"), 0.01) == ""


# --- the network ----------------------------------------------------------------------------------

ADDRESSES = [
    {"ifname": "lo", "link_type": "loopback", "operstate": "UNKNOWN"},
    {
        "ifname": "eth0",
        "flags": ["BROADCAST", "UP"],
        "operstate": "UP",
        "address": "02:00:00:00:00:01",
        "addr_info": [
            {"local": "192.0.2.10", "prefixlen": 24},
            {"local": "2001:db8::10", "prefixlen": 64},
        ],
    },
    {"ifname": "wlan0\x1b[2J", "flags": ["NO-CARRIER"], "operstate": "DOWN", "address": "x"},
]


def test_facts_of_the_network_are_what_the_kernel_and_systemd_say(
    mocker: Any, tmp_path: Any
) -> None:
    said = {
        system_units.ADDRESSES: json.dumps(ADDRESSES),
        system_units.ROUTES: json.dumps([{"gateway": "192.0.2.1", "dev": "eth0"}]),
        system_units.TIME: "NTP=yes\nNTPSynchronized=no\n",
        system_units.TIME_SERVER: "ServerName=ntp.example.org\nServerAddress=192.0.2.7\n",
    }
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("# by hand\nnameserver 192.0.2.53\nnameserver\noptions edns0\n")
    mocker.patch.object(system_units, "_said", lambda command, _: said[command])
    mocker.patch.object(system_units, "RESOLVER", resolver)
    assert system_units.network().rows == (
        ("interface eth0", "up, 192.0.2.10/24, 2001:db8::10/64, MAC 02:00:00:00:00:01"),
        ("interface wlan0?[2J", "no link, no address, MAC x"),
        ("default route", "192.0.2.1 by eth0"),
        ("name servers", "192.0.2.53"),
        ("time from the network", "yes"),
        ("clock synchronised", "no"),
        ("time server", "ntp.example.org 192.0.2.7"),
    )


@pytest.mark.parametrize("junk", ["", "{", "[1, 2]", "null", "NTP", "=\n=", '[{"addr_info": []}]'])
def test_what_cannot_be_asked_of_the_network_is_said_as_unknown(
    mocker: Any, tmp_path: Any, junk: str
) -> None:
    mocker.patch.object(system_units, "_said", return_value=junk)
    mocker.patch.object(system_units, "RESOLVER", tmp_path / "none")
    rows = {row[0]: row[1] for row in system_units.network().rows}
    assert rows["name servers"] == rows["clock synchronised"] == "unknown"


def test_the_gateways_witnesses_stand_beside_the_facts_of_the_network() -> None:
    down = {"witness north": "no answer\x1b[2J", "badge": "unplugged"}
    told = Told("ok", rows=(("interface eth0", "up"),))
    table = system_answers.network(told, ("witness north", "witness south"), down)
    assert table.rows == (
        ("interface eth0", "up"),
        ("witness north", "no answer?[2J"),
        ("witness south", "no trouble"),
    )


# --- what the console asks of logs ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), LogsWanted("all", 3600, 1)),
        (("controller",), LogsWanted("controller", 3600, 1)),
        (("kernel", "30m"), LogsWanted("kernel", 1800, 1)),
        (("all", "7d", "3"), LogsWanted("all", 604_800, 3)),
        (("controllers",), None),
        (("controller", "30"), None),
        (("controller", "0m"), None),
        (("controller", "100d"), None),
        (("controller", "1h", "0"), None),
        (("controller", "1h", "1", "x"), None),
        (("--since", "1h"), None),
    ],
)
def test_which_logs_are_wanted(words: tuple[str, ...], wanted: LogsWanted | None) -> None:
    assert system_answers.logs_wanted(words) == wanted


def test_logs_come_by_pages_of_a_unit_and_time() -> None:
    told = Told(
        "ok",
        rows=tuple((str(NOW_S - 250 + n), "controller", f"line {n}") for n in range(250))
        + ((str(NOW_S - 7200), "controller", "of before"), (str(NOW_S), "kernel", "another")),
    )
    words, page = system_answers.logs(told, LogsWanted("controller"), frozenset(), NOW_S)
    assert [row[2] for row in page.rows] == [f"line {n}" for n in range(150, 250)]
    assert words.startswith("100 of 250 lines") and "PAGE 2" in words
    _, last = system_answers.logs(told, LogsWanted("controller", page=3), frozenset(), NOW_S)
    assert [row[2] for row in last.rows] == [f"line {n}" for n in range(50)]
    _, none = system_answers.logs(told, LogsWanted("controller", page=9), frozenset(), NOW_S)
    assert not none.rows


def test_attack_an_answer_with_rows_of_another_shape_is_shown_as_far_as_it_is_one() -> None:
    rows = (
        ("1",),
        ("x", "controller", "a"),
        ("9" * 300, "controller", "b"),
        (),
        ("\u00b2", "a", "b"),
    )
    _, page = system_answers.logs(Told("ok", rows=rows), LogsWanted(), frozenset(), NOW_S)
    assert all(len(row) == 3 for row in page.rows)
    assert not system_answers.network(Told("ok", rows=rows), (), {}).rows
    for data in (b'{"outcome":"ok","rows":[["%s"]]}' % (b"x" * 401), b'{"outcome":"no"}'):
        with pytest.raises(NotAnAnswer):
            system_answers.decode(data)
