"""A demo cabinet whose controller is stopped: its files, its people's words, and power cuts.

For tests of what is done to a ledger and its keys from outside: copies, rotations, recoveries.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cabinet import configuration as site
from cabinet import events as e
from cabinet import provision, verification
from cabinet.controller import Controller
from cabinet.journal import Journal, replay
from cabinet.keys import Keys
from cabinet.outside import Outside
from cabinet.state import State
from cabinet.step import Engine
from ledger.check import Findings
from ledger.store import Store
from sim.demo_cabinet import RECOVERY_CARDS
from tests.demo import ROOT, person

__all__ = [
    "ROOT",
    "Answers",
    "Offline",
    "PowerCut",
    "offline",
    "passed",
    "power_cut",
    "start",
    "two_people",
]


class PowerCut(BaseException):
    """The power went: nothing that follows in this process happens."""


class Offline:
    """One copy of the demo cabinet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = site.load(folder / "cabinet.toml")
        self.ledger = folder / self.configuration.paths.ledger
        self.anchors = provision.anchors(self.configuration, folder)
        self.escrow = provision.escrow_file(self.configuration, folder)

    @property
    def keys(self) -> Keys:
        return provision.load_keys(self.configuration, self.folder)

    @property
    def key_folder(self) -> Path:
        return self.folder / self.configuration.paths.keys

    def cards(self) -> list[str]:
        return (self.folder / RECOVERY_CARDS).read_text().splitlines()

    def state(self) -> State:
        with Store.open(self.ledger, self.keys.ledger, read_only=True) as store:
            return replay(store)

    def size(self) -> int:
        with Store.open(self.ledger, self.keys.ledger, read_only=True) as store:
            return store.size

    def work(self, steps: int = 3, *, anchor: bool = True, name: str = "badge") -> None:
        """Something happens, is signed, and is anchored, as the controller does it."""
        keys = self.keys
        with Store.open(self.ledger, keys.ledger) as store:
            journal = Journal(store, self.configuration.cabinet.id, "boot", secrets.token_bytes)
            engine = Engine(replay(store), journal)
            for step in range(steps):
                event = e.DeviceChanged(name, "" if step % 2 else "silent")
                engine.step(event, provision.moment(secrets.token_bytes))
            head = store.sign_head(provision.signer(self.configuration, keys))
            if anchor and head is not None:
                self.anchors.keep(head.note)

    def verify(self) -> Findings:
        findings, _ = verification.verify(self.configuration, self.folder, self.keys)
        return findings

    def copy_ledger(self, target: Path) -> None:
        """The file and what SQLite keeps beside it, as an attacker or a backup takes it."""
        target.mkdir()
        for name in (self.ledger.name, f"{self.ledger.name}-wal"):
            if (self.folder / name).exists():
                shutil.copy2(self.folder / name, target / name)

    def put_back(self, source: Path) -> None:
        """The copy in place of what is there."""
        for suffix in ("", "-wal", "-shm"):
            (self.folder / f"{self.ledger.name}{suffix}").unlink(missing_ok=True)
        for file in source.iterdir():
            shutil.copy2(file, self.folder / file.name)


def start(cabinet: Offline) -> None:
    """The controller's start, up to its devices."""
    Controller(cabinet.configuration, cabinet.folder, cabinet.keys, factory=object())


def passed(cabinet: Offline) -> None:
    """The comparison that the controller makes at its start."""
    keys = cabinet.keys
    signer = provision.signer(cabinet.configuration, keys)
    with Store.open(cabinet.ledger, keys.ledger) as store:
        Outside(cabinet.configuration, cabinet.folder, store, cabinet.state(), signer, 0.0)


class Answers:
    """A terminal at which everything is answered as written; what was told is kept."""

    def __init__(self, *answers: str) -> None:
        self._answers, self.told, self.asked = list(answers), "", list[str]()

    def tell(self, text: str) -> None:
        self.told += text + "\n"

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return self._answers.pop(0)

    def secret(self, question: str) -> str:
        return self.ask(question)

    def show_once(self, title: str, secret: str) -> None:
        self.tell(f"{title}: {secret}")


def two_people(cards: list[str], first: str = "Ingrid", second: str = "Henry") -> tuple[str, ...]:
    """What two people of the demo answer to `cabinet recover`."""
    one, other = person(first), person(second)
    return (one.staff_id, one.pin, cards[0], other.staff_id, other.pin, cards[1])


@contextmanager
def power_cut(patch: pytest.MonkeyPatch, after: int) -> Iterator[Callable[[], int]]:
    """The power goes at the `after`th step that a disk sees; gives how many there were."""
    steps = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            nonlocal steps
            steps += 1
            if steps == after:
                raise PowerCut
            return real(*arguments, **named)

        return step

    with patch.context() as patched:
        for name in ("fsync", "rename", "unlink"):
            patched.setattr(os, name, counted(getattr(os, name)))
        for method in ("append", "sign_head", "checkpoint"):
            patched.setattr(Store, method, counted(getattr(Store, method)))
        patched.setattr("cabinet.rotation.rekey", counted(_rekey()))
        yield lambda: steps


def _rekey() -> Callable[..., object]:
    from ledger.rekey import rekey

    return rekey


@pytest.fixture
def offline(tmp_path: Path, demo_template: Path) -> Offline:
    """A copy of the demo cabinet that nobody has started."""
    folder = tmp_path / "cabinet"
    shutil.copytree(demo_template, folder)
    return Offline(folder)
