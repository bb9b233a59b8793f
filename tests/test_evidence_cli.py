"""`cabinet export`, `receipt`, `vkey` and `verify` on a real cabinet's ledger, as typed."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cabinet import cli, provision
from cabinet import configuration as site
from cabinet import records as r
from ledger.store import Store
from ledger.verify import check_path
from sim import demo_cabinet
from sim.people import PEOPLE, TECHNICIAN
from tests.ledgers import ROOT


@pytest.fixture(scope="module")
def cabinet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's cabinet: set up, enrolled, loaded."""
    folder = tmp_path_factory.mktemp("evidence") / "demo"
    demo_cabinet.make(folder)
    return folder


def run(cabinet: Path, *arguments: object) -> int:
    command, *rest = map(str, arguments)
    return cli.main([command, "--config", str(cabinet / "cabinet.toml"), *rest])


def bodies(cabinet: Path) -> list[r.Body]:
    configuration = site.load(cabinet / "cabinet.toml")
    keys = provision.load_keys(configuration, cabinet)
    with Store.open(cabinet / configuration.paths.ledger, keys.ledger, read_only=True) as store:
        return [r.decode_body(entry.body) for entry in store.entries()]


@pytest.fixture
def keys(cabinet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """What was given to the auditor when the cabinet was set up."""
    assert run(cabinet, "vkey") == 0
    file = tmp_path / "keys"
    file.write_text(capsys.readouterr().out)
    return file


def test_an_export_of_the_whole_ledger_is_checked_by_another_program(
    cabinet: Path, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evidence"
    assert run(cabinet, "export", out) == 0
    assert "No attachments." in capsys.readouterr().out
    done = subprocess.run(
        [sys.executable, "-m", "ledger.verify", str(out), "--vkey", str(keys)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    size = len(bodies(cabinet))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"entries seen and right: 1 to {size}" in done.stdout
    assert done.stdout.count("signed: by cabinet/") == 2
    assert done.stdout.endswith("good\n")


def test_no_name_number_or_pin_is_in_an_export(cabinet: Path, tmp_path: Path) -> None:
    assert run(cabinet, "export", tmp_path / "x") == 0
    data = b"".join(f.read_bytes() for f in (tmp_path / "x").rglob("*") if f.is_file())
    for person in (*PEOPLE, TECHNICIAN):
        for secret in (person.family, person.pin, person.badge):
            assert secret.encode() not in data


def attachments(folder: Path) -> Iterator[bytes]:
    return (file.read_bytes() for file in (folder / "attachments").iterdir())


def test_names_go_out_when_asked_for_only_of_whom_the_entries_speak_and_no_pin_ever(
    cabinet: Path, keys: Path, tmp_path: Path
) -> None:
    told = bodies(cabinet)
    seq = next(body.seq for body in told if isinstance(body.record, r.Loaded))
    out = tmp_path / "x"
    asked = ("--since", seq - 5, "--until", seq, "--with-attachments")
    assert run(cabinet, "export", out, *asked) == 0
    held = b"".join(attachments(out))
    technicians = [p for p in PEOPLE if p.role == "pharmacy_technician"]
    assert any(p.family.encode() in held for p in technicians)
    assert not any(p.family.encode() in held for p in PEOPLE if p.role == "nurse")
    assert b"argon2" not in held and b'"pin"' not in held
    vkeys = keys.read_text().split()
    verdict = check_path(out, vkeys)
    assert verdict.good and any(line.startswith("attachments: ") for line in verdict.told)


def test_a_range_of_days_has_every_entry_of_them(cabinet: Path, tmp_path: Path) -> None:
    told = bodies(cabinet)
    first = datetime.fromtimestamp(told[0].wall_ms / 1000)
    last = datetime.fromtimestamp(told[-1].wall_ms / 1000)
    days = ("--since", first.date().isoformat(), "--until", last.date().isoformat())
    assert run(cabinet, "export", tmp_path / "x", *days) == 0
    with (tmp_path / "x" / "entries.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["type"] for row in rows] == [
        type(body.record).__struct_config__.tag for body in told
    ]
    tomorrow = (last + timedelta(days=2)).date().isoformat()
    assert run(cabinet, "export", tmp_path / "y", "--since", tomorrow) == 1


def test_a_receipt_proves_one_entry(
    cabinet: Path, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.tlog-proof"
    assert run(cabinet, "receipt", 3, "--out", file) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    verdict = check_path(file, keys.read_text().split())
    assert verdict.good and any("entry 3: is in the log" in line for line in verdict.told)
    capsys.readouterr()
    assert run(cabinet, "receipt", 3) == 0
    assert capsys.readouterr().out.startswith("c2sp.org/tlog-proof@v1\nextra ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "{x}", "--since", "yesterday"), "no entry's number and no day"),
        (("export", "{x}", "--since", "9999999"), "there are no entries from 9999999"),
        (("export", "{x}/not/there"), "cannot be made there"),
        (("export", "{tmp}"), "exists already"),
        (("receipt", "9999999"), "is not under the newest signed head"),
        (("receipt", "1", "--out", "{tmp}"), "exists already"),
        (("receipt", "1", "--out", "{x}/r"), "cannot be written"),
    ],
)
def test_what_cannot_be_given_is_refused_in_one_line(
    cabinet: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    names = {"x": tmp_path / "x", "tmp": tmp_path}
    assert run(cabinet, *(each.format(**names) for each in arguments)) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("entry", ["0", "-1", "x", "9" * 30])
def test_a_number_that_no_entry_has_is_refused_before_anything_is_opened(
    cabinet: Path, capsys: pytest.CaptureFixture[str], entry: str
) -> None:
    with pytest.raises(SystemExit):
        run(cabinet, "receipt", "--", entry)
    assert "argument N: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("--workers", "2"), ("--quick",)])
def test_verify_is_good_however_it_is_asked(
    cabinet: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(cabinet, "verify", *arguments) == 0
    out = capsys.readouterr().out
    assert out.endswith("good\n") and "second signatures: " in out
    assert ("to be quick" in out) == (arguments == ("--quick",))
