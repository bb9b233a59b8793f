"""Ledgers that older versions wrote are read, verified, replayed and exported by this one."""

import json
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest

from auth import templates
from cabinet import cli
from cabinet import configuration as site
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.journal import Attachments
from cabinet.version import VERSION
from ledger.store import Store
from ledger.verify import check_path
from sim.fingerprint_sensor import MODEL, finger_in
from tests import record_types
from tests.golden import write

VERSIONS = sorted(folder.name for folder in write.HERE.iterdir() if (folder / "ledger.db").exists())


class Golden:
    """A copy of what one version left, put together again as a cabinet's folder."""

    def __init__(self, version: str, folder: Path) -> None:
        self.folder, self.source = folder, write.HERE / version
        self.held: dict[str, Any] = json.loads((self.source / "golden.json").read_text())
        shutil.copy(self.source / write.CABINET, folder)
        self.configuration = site.load(folder / write.CABINET)
        paths = self.configuration.paths
        shutil.copy(self.source / "ledger.db", folder / paths.ledger)
        (folder / paths.ledger).chmod(0o600)
        (folder / paths.anchor).parent.mkdir(mode=0o700)
        shutil.copy(self.source / "anchor", folder / paths.anchor)
        (folder / paths.anchor).chmod(0o600)
        (folder / paths.keys).mkdir(mode=0o700)
        for name, key in self.held["keys"].items():
            file = folder / paths.keys / name
            file.touch(mode=0o600)
            file.write_bytes(bytes.fromhex(key))

    def run(self, *arguments: object) -> int:
        command, *rest = map(str, arguments)
        return cli.main([command, "--config", str(self.folder / write.CABINET), *rest])


@pytest.fixture(params=VERSIONS)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Golden:
    return Golden(request.param, tmp_path)


def test_this_version_has_its_golden_ledger() -> None:
    assert VERSION in VERSIONS, "run: python -m tests.golden.write"


def test_an_old_ledger_verifies_and_leads_to_the_same_state(
    golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    assert golden.run("verify") == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert f"entries: {golden.held['entries']} " in out and golden.held["root"] in out
    found = write.facts(golden.folder)
    assert json.loads(json.dumps(found)) | {"written_by": ""} == golden.held | {"written_by": ""}


def test_an_old_ledger_takes_new_entries(golden: Golden) -> None:
    key = bytes.fromhex(golden.held["keys"]["ledger.key"])
    with Store.open(golden.folder / golden.configuration.paths.ledger, key) as store:
        assert store.append([b"of a later version"]) == golden.held["entries"] + 1


def test_every_body_of_an_old_ledger_is_read_with_the_fields_it_has(golden: Golden) -> None:
    key = bytes.fromhex(golden.held["keys"]["ledger.key"])
    path = golden.folder / golden.configuration.paths.ledger
    with Store.open(path, key, read_only=True) as store:
        for entry in store.entries():
            told, body = json.loads(entry.body), r.decode_body(entry.body)
            again = json.loads(r.encode_body(body))
            assert within(told["record"], again["record"])
            assert {**again, "record": None} == {**told, "record": None}


def within(old: Any, new: Any) -> bool:
    """Whether `new` says what `old` does, and at most has more fields, also inside of others."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and within(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(within, old, new))
    return bool(old == new)


def test_the_copies_of_fingers_in_an_old_ledger_still_open(golden: Golden) -> None:
    keys = {name: bytes.fromhex(key) for name, key in golden.held["keys"].items()}
    path = golden.folder / golden.configuration.paths.ledger
    opened = 0
    with Store.open(path, keys["ledger.key"], read_only=True) as store:
        for entry in store.entries():
            record = r.decode_body(entry.body).record
            if isinstance(record, fr.TemplateKept):
                kept = Attachments(store)[record.template]
                assert isinstance(kept, r.KeptTemplate)
                unseal = templates.unsealing(keys["pepper.key"], record.person, kept.sealed)
                template = unseal(MODEL)
                assert template is not None and finger_in(bytes(template))
                opened += 1
    assert opened == golden.held["records"].get("template_kept", 0)


def test_an_old_receipt_is_checked_with_the_old_keys(golden: Golden) -> None:
    verdict = check_path(golden.source / "receipt.tlog-proof", golden.held["vkeys"])
    assert verdict.good, verdict.wrong
    assert any(f"entry {golden.held['receipt_of']}: is in the log" in it for it in verdict.told)


def test_an_old_ledger_is_exported(golden: Golden) -> None:
    out = golden.folder / "evidence"
    assert golden.run("export", out, "--with-attachments") == 0
    verdict = check_path(out, golden.held["vkeys"])
    assert verdict.good, verdict.wrong


def test_the_description_of_records_is_that_of_the_types() -> None:
    told = record_types.FILE.read_text(encoding="utf-8")
    assert told == record_types.text(), "run: python -m tests.record_types"


def test_no_record_of_an_old_ledger_has_gone(golden: Golden) -> None:
    assert golden.held["records"].keys() <= {
        type_.__struct_config__.tag for type_ in get_args(r.Record)
    }


def test_the_first_key_of_an_old_ledger_leads_to_its_newest(golden: Golden) -> None:
    key = bytes.fromhex(golden.held["keys"]["ledger.key"])
    path = golden.folder / golden.configuration.paths.ledger
    with Store.open(path, key, read_only=True) as store:
        first = r.decode_body(store.entry(1).body).record
    assert isinstance(first, r.CabinetCreated) and first.verifier not in golden.held["vkeys"]
    out = golden.folder / "evidence"
    assert golden.run("export", out) == 0
    assert check_path(out, [first.verifier]).good
