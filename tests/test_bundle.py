"""A support bundle: only its reader opens it, and nobody of the hospital is in it."""

import csv
import gzip
import hashlib
import json
import random
import re
import shutil
from pathlib import Path
from typing import Any, TypeVar

import pyrage
import pytest
from msgspec.structs import replace

from cabinet import bundle, keys, system_commands, system_units
from cabinet import configuration as site
from cabinet import records as r
from cabinet.configuration import Witness
from cabinet.system_answers import Told, decode
from ledger.store import Store
from sim.medicines import DEMO
from sim.people import PEOPLE, TECHNICIAN
from sim.technicians import SERVICE, VENDOR
from tests.test_cli import Shell

R = TypeVar("R")


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def records(folder: Path, kind: type[R]) -> list[R]:
    """The records of a kind in the ledger there."""
    configuration = site.load(folder / "cabinet.toml")
    secret = keys.load(folder / configuration.paths.keys)
    path = folder / configuration.paths.ledger
    with Store.open(path, secret.ledger, read_only=True) as store:
        found = [r.decode_body(entry.body).record for entry in store.entries()]
    return [it for it in found if isinstance(it, kind)]


def secrets_of_the_demo(folder: Path) -> list[str]:
    """Names, numbers, PINs, PIN hashes and references of everybody in the demo cabinet there."""
    found: list[str] = []
    for person in (*PEOPLE, TECHNICIAN):
        found += [person.given, person.family, person.staff_id, person.badge, person.pin]
    with (DEMO / "patients.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found += [row["given"], row["family"], row["record_number"], row["born"]]
    configuration = site.load(folder / "cabinet.toml")
    secret = keys.load(folder / configuration.paths.keys)
    path = folder / configuration.paths.ledger
    with Store.open(path, secret.ledger, read_only=True) as store:
        for attachment in store.attachments():
            details = r.decode_details(attachment.kind, attachment.data)
            if isinstance(details, r.Credential):
                found.append(details.pin)
        for entry in store.entries():
            record = r.decode_body(entry.body).record
            if isinstance(record, r.PersonListed | r.PersonEnrolled):
                found.append(record.person)
            elif isinstance(record, r.PatientListed):
                found.append(record.patient)
    assert len(found) > 100 and any(it.startswith("$argon2") for it in found)
    return found


def said_of_somebody(words: str, folder: Path) -> list[str]:
    """Which secrets are in these words, each as a word of its own."""
    low = words.casefold()
    return [
        secret
        for secret in secrets_of_the_demo(folder)
        if re.search(rf"(?<!\w){re.escape(secret.casefold())}(?!\w)", low)
    ]


def opened(folder: Path, data: bytes) -> dict[str, Any]:
    """The bundle as the vendor reads it."""
    identity = pyrage.x25519.Identity.from_str((folder / SERVICE / VENDOR).read_text().strip())
    found: dict[str, Any] = json.loads(gzip.decompress(pyrage.decrypt(data, [identity])))
    return found


@pytest.fixture
def folder(tmp_path: Path, demo_template: Path) -> Path:
    """A demo cabinet, at rest, with logs that say all they must not."""
    made = tmp_path / "demo"
    shutil.copytree(demo_template, made)
    configuration = site.load(made / "cabinet.toml")
    for path in (configuration.paths.requests, configuration.paths.facts, "support"):
        (made / path).mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = [
        ("1790000000", "controller", f"{secret} came, {secret}, '{secret}'")
        for secret in secrets_of_the_demo(made)
    ]
    asked = system_units.requests(configuration, made)
    system_units.keep(asked.answer_file("logs"), Told("ok", rows=tuple(rows)))
    return made


def test_a_bundle_has_nothing_of_any_patient_or_person_whatever_the_logs_say(
    folder: Path, shell: Shell
) -> None:
    config = folder / "cabinet.toml"
    assert shell("system", "bundle", "--config", config).status == 0
    assert shell("system", "usb", "--config", config).status == 0
    configuration = site.load(config)
    asked = system_units.requests(configuration, folder)
    told = decode(asked.answer_file("bundle").read_bytes())
    (disk,) = (folder / configuration.paths.support).iterdir()
    printed = "\n".join((*told.text, "")).encode()
    assert told.digest == hashlib.sha256(printed).hexdigest()
    for data in (printed, disk.read_bytes()):
        found = opened(folder, data)
        assert len(found["logs"]) > 100
        assert found["records"]["person_enrolled"] == len((*PEOPLE, TECHNICIAN))
        assert found["ledger"]["entries"] == sum(found["records"].values())
        words = json.dumps(found, ensure_ascii=False)
        assert not said_of_somebody(words, folder)
        secret = keys.load(folder / configuration.paths.keys)
        for key in (secret.ledger, secret.signing, secret.pepper, secret.cosigning):
            assert key.hex() not in words
        for public in (*configuration.service.ca, configuration.service.bundle_key):
            assert public not in words


def test_of_the_settings_no_key_address_or_person_is_in_a_bundle_and_every_pin_is() -> None:
    witness = Witness("hospital", "https://witness.example.org", "witness.example.org+0+KEY")
    configuration = replace(site.load(DEMO / "cabinet.toml"), witness=(witness,))
    told = dict(bundle._settings(configuration, frozenset()))
    for key in ("witness[0].url", "witness[0].vkey", "override[0].owner"):
        assert told[key] == "[left out]"
    assert "witness.example" not in repr(told) and configuration.override[0].owner not in repr(told)
    assert (told["drawer[5].kind"], told["drawer[5].light_pin"]) == ("return_bin", "14")
    assert told["drawer[4].pocket[0]"] == "D5-01, ACET-325-TAB, none"
    assert list(told)[-1].startswith("drawer["), "what is long comes last, and is cut first"


def test_only_what_is_redacted_is_read_by_another_user(folder: Path, shell: Shell) -> None:
    config = folder / "cabinet.toml"
    for what in ("network", "bundle", "usb"):
        assert shell("system", what, "--config", config).status == 0
    made = [*(folder / "run").rglob("*.a*"), *(folder / "support").iterdir()]
    modes = {file.name: file.stat().st_mode & 0o777 for file in made}
    assert modes.pop("network.answer") == 0o640
    modes.pop("logs.answer")  # of the test's own
    assert len(modes) == 4 and set(modes.values()) == {0o600}


def test_the_search_of_a_bundle_would_find_somebody(folder: Path) -> None:
    nurse, words = PEOPLE[0], json.dumps({"logs": ["ok"]})
    assert not said_of_somebody(words, folder)
    for secret in (nurse.family.upper(), nurse.badge, nurse.pin, "9400117"):
        assert said_of_somebody(f"{words} [{secret}]", folder)


def test_nobody_but_its_reader_opens_a_bundle(folder: Path, shell: Shell) -> None:
    assert shell("system", "bundle", "--config", folder / "cabinet.toml").status == 0
    data = (folder / "run" / "requests" / system_units.BUNDLE).read_bytes()
    stranger = pyrage.x25519.Identity.generate()
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(data, [stranger])
    assert b"demo-4w" not in data


def test_a_printed_bundle_has_a_bound_and_its_newest_lines(folder: Path) -> None:
    recipient = site.load(folder / "cabinet.toml").service.bundle_key
    noise = [str(random.Random(number).getrandbits(1200)) for number in range(2000)]
    lines = bundle.printed({"logs": noise, "captures": noise}, recipient)
    assert len(lines) <= bundle.MOST_PRINTED_LINES
    told = opened(folder, "\n".join((*lines, "")).encode())
    kept = told["logs"]
    assert told["captures"] == []
    assert 0 < len(kept) < 2000 and kept == noise[-len(kept) :]


def test_a_bundle_that_cannot_be_made_says_so_and_why_is_in_no_answer(
    folder: Path, shell: Shell
) -> None:
    configuration = site.load(folder / "cabinet.toml")
    (folder / configuration.paths.ledger).write_bytes(b"no ledger" * 1000)
    assert shell("system", "bundle", "--config", folder / "cabinet.toml").status == 1
    told = decode(system_units.requests(configuration, folder).answer_file("bundle").read_bytes())
    assert told.outcome == "failed" and told.words.startswith("bundle failed:")


def test_attack_the_support_disk_holds_a_link_where_the_bundle_goes(
    folder: Path, mocker: Any
) -> None:
    configuration = site.load(folder / "cabinet.toml")
    whole = folder / "run" / "requests" / system_units.BUNDLE
    whole.write_bytes(b"a bundle")
    mocker.patch("time.strftime", return_value="now")
    victim = folder / "victim"
    victim.write_text("whole")
    (folder / "support" / "demo-4w-now.age").symlink_to(victim)
    with pytest.raises(FileExistsError):
        system_units.to_disk(configuration, folder)
    assert victim.read_text() == "whole"
    whole.unlink()
    whole.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="Too many levels"):
        system_units.to_disk(configuration, folder)


def test_a_proof_leaves_how_far_it_is_and_what_it_found(folder: Path) -> None:
    file = folder / "proof.answer"
    proof = system_commands.Proof(file)
    proof.progress(10_000, 40_000)
    assert decode(file.read_bytes()) == Told("going", "10000 of 40000 entries")
    proof.failed()
    assert decode(file.read_bytes()).outcome == "failed"


def test_verify_answers_the_console_and_finds_what_is_wrong(folder: Path, shell: Shell) -> None:
    file = folder / "verify.answer"
    config = folder / "cabinet.toml"
    assert shell("verify", "--answer", file, "--config", config).status == 0
    told = decode(file.read_bytes())
    assert told.outcome == "ok" and "entries" in told.words
    configuration = site.load(config)
    secret = keys.load(folder / configuration.paths.keys)
    with Store.open(folder / configuration.paths.ledger, secret.ledger) as store:
        store.append([b"no body"])
    assert shell("verify", "--answer", file, "--config", config).status == 1
    assert decode(file.read_bytes()).words.startswith("1 wrong; the first: entry ")
