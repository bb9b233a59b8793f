"""`python -m tests.golden.write`: the golden ledger of this version, from a cabinet of its own.

The demo's people play a day in it: removals given, wasted with a witness and returned, counts that
differ, cancellations, a forced drawer, a lost device, a power cut; then a new signing key, a
changed list, an erasure by lawful order. Run once a version, when it is released.
"""

import json
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cabinet import configuration as site
from cabinet import events as e
from cabinet import evidence, offline, provision, rotation, snapshot
from cabinet import keys as key_files
from cabinet import records as r
from cabinet.configuration import plan_of
from cabinet.journal import Journal, replay
from cabinet.step import Engine
from cabinet.upkeep import Upkeep
from cabinet.version import VERSION
from ledger.store import Store
from sim.demo_cabinet import SetUp
from sim.medicines import DEMO, stock
from sim.people import PEOPLE, Person
from sim.technicians import DEMO_FLEET

HERE = Path(__file__).parent
CABINET = "cabinet.toml"
RECEIPT_OF = 100


def person(given: str) -> Person:
    return next(each for each in PEOPLE if each.given == given)


class Day(SetUp):
    """The cabinet, from its set-up to the evening."""

    def prepare(self) -> None:
        """As the demo is prepared: enrolments, lists, stock."""
        first, second = (each for each in PEOPLE if each.role == "administrator")
        self.enrol(first, self.codes[0])
        self.enrol(second, self.codes[1])
        self.take_lists(DEMO)
        for each in PEOPLE:
            if each.role != "administrator":
                self.enrol(each, self.invite(first, each), second)
        self.visit_empty()
        self.stock_up(person("Priya"), stock(DEMO))
        self._upkeep = Upkeep(
            self._store,
            provision.signer(self._configuration, self._keys),
            provision.cosigner(self._configuration, self._keys),
            cosign_every_s=0,
            wall_s=lambda: (self._began_ms + self._now_ms) / 1000,
        )
        self._upkeep.sign()
        self._upkeep.cosign()
        self.pass_time()

    def pass_time(self) -> None:
        """Until the sensor has nothing left to do: copies are made, fingers loaded."""
        for _ in range(4 * len(PEOPLE)):
            self.do(e.Tick())

    def replace_the_sensor(self) -> None:
        """By one that is unmarked: two people have the kept fingers loaded into it."""
        self.templates.clear()
        self.do(e.DeviceChanged("fingerprint", "unplugged"))
        self.do(e.DeviceChanged("fingerprint", "", ""))
        for given in ("Ingrid", "Samuel"):
            self.do(self._badge(person(given)))
            self.press("pin", person(given).pin)
            if given == "Ingrid":
                self.press("sensor")
                self.press("load_fingers")
        self.pass_time()
        self.press("menu")
        self.press("sign_out")

    def sign_in(self, given: str) -> None:
        self.do(self._badge(person(given)))

    def choose(self, order: str) -> None:
        if self.engine.place.page != "home":
            self.press("home")
        self.press(f"patient:{self.engine.state.orders[order].listed.patient}")
        self.press(f"order:{order}")

    def pull(self, drawer: str) -> None:
        self.world.pull(drawer)
        self._moved(drawer)

    def push(self, drawer: str) -> None:
        self.world.push(drawer)
        self._moved(drawer)
        self._now_ms += self._configuration.timings.rest_ms

    def remove(self, order: str, pocket: str, quantity: int, *counts: int) -> str:
        """A whole removal; its reference."""
        self.choose(order)
        self.press("open")
        drawer = self.engine.state.pockets[pocket].drawer
        self.pull(drawer)
        for count in counts:
            self.press("count", str(count))
        self.world.take(pocket, quantity)
        self.push(drawer)
        self._upkeep.sign()
        return next(reversed(self.engine.state.removals))

    def settle(self, removal: str, what: str, quantity: int) -> None:
        self.press("removals")
        self.press(f"removal:{removal}")
        self.press(what)
        self.press("amount", str(quantity))

    def play(self) -> None:
        """A day's work, with what goes wrong in it."""
        self.sign_in("Amina")
        first = self.remove("RX-70101", "D1-1", 2, 40)
        self.settle(first, "give", 1)
        self.settle(first, "waste", 1)
        self.sign_in("Jonas")  # who witnesses it
        second = self.remove("RX-70101", "D1-1", 2, 37, 36)  # two fewer than expected
        self.settle(second, "return", 2)
        bin_ = next(d.id for d in self._configuration.drawer if d.kind == "return_bin")
        self.pull(bin_)
        self.world.put(bin_, 2, "OXYC-5-TAB")
        self.push(bin_)
        self.remove("RX-70101", "D1-1", 1, 34)
        self.choose("RX-70101")
        self.press("open")
        self.press("cancel")
        self.push("D1")
        self.press("sign_out")
        self.do(e.DeviceChanged("fingerprint", "unplugged"))
        self.do(e.DeviceChanged("fingerprint", "", self.engine.state.sensor))
        self.replace_the_sensor()
        self.visit_full()
        self.world.pry("D2")
        self._moved("D2")
        self.push("D2")
        data = snapshot.take(self.engine.state)
        size = self._upkeep.keep_snapshot(snapshot.VERSION, data)
        self.do(e.SnapshotKept(size, snapshot.VERSION, snapshot.digest(data)))
        self.sign_in("Amina")
        self.choose("RX-70101")
        self.press("open")
        self.cut_the_power()
        self._upkeep.sign()
        self._upkeep.cosign()

    # --- a technician ---------------------------------------------------------------------------

    def visit(self) -> str:
        """A technician is let in and begins service mode; the session."""
        until_ms = self._began_ms + self._now_ms + 8 * 3_600_000
        key = ("SHA256:" + "k" * 43, "Sam Okafor", 7, DEMO_FLEET, False)
        self.do(e.ServiceProved("", *key, until_ms))
        assert self.engine.state.service is not None
        session = self.engine.state.service.id
        self.sign_in("Henry")
        self.press("menu")
        self.press(f"admit:{session}")
        self.press("sign_out")
        self.asked(session, "status")
        self.asked(session, "service begin")
        return session

    def asked(self, session: str, line: str) -> None:
        command, *arguments = line.split()
        self.do(e.ServiceAsked(session, command, tuple(arguments)))

    def visit_empty(self) -> None:
        """Locks of drawers that are still empty; the power goes in the second one's test."""
        self.do(e.ServiceNotProved("revoked"))
        session = self.visit()
        self.asked(session, "test lock D3")
        self.pull("D3")
        self.push("D3")
        self.do(e.ServiceWrote(session, "Drawer 3 sticks a little."))
        self.asked(session, "test lock D1")
        self.cut_the_power()
        self.push("D1")

    def visit_full(self) -> None:
        """A lock with a pharmacist, who counts; a part tested and replaced; and out."""
        session = self.visit()
        self.asked(session, "test sound")
        self.asked(session, "result yes")
        self.asked(session, "test lock D1")
        self.sign_in("Henry")
        self.press("test_lock")
        self.pull("D1")
        self.push("D1")
        self.press("count", str(self.engine.state.on_hand("D1-1")))
        self.sign_in("Jonas")  # who witnesses it
        self.press("sign_out")
        self.asked(session, "replace locks LK-7 SN77")
        self.do(
            e.ServiceProved(
                session, *("SHA256:" + "k" * 43, "Sam Okafor", 8), DEMO_FLEET, False, 2**60
            )
        )
        self.asked(session, "service end")
        self.do(e.ServiceLeft(session, "logout"))

    def cut_the_power(self) -> None:
        """Everything in memory is gone; the ledger is replayed."""
        journal = Journal(self._store, self._configuration.cabinet.id, "again", self._random)
        self.engine = Engine(replay(self._store), journal)
        plan = plan_of(self._configuration)
        self.do(e.Start(VERSION, plan, tuple(self._positions().items())))


def make(folder: Path) -> None:
    """The cabinet in `folder`, after its day and its keeper's work at night."""
    told = (DEMO / CABINET).read_text(encoding="utf-8")
    (folder / CABINET).write_text(f"{told}\n[fingers]\ncopies = true\n", encoding="utf-8")
    configuration = site.load(folder / CABINET)
    day = Day(folder, configuration, secrets.token_bytes)
    day.prepare()
    day.play()
    day.finish()
    rotation.signing(configuration, folder)
    keys = provision.load_keys(configuration, folder)
    with offline.opened(configuration, folder, keys, "import") as cabinet:
        patient = next(iter(cabinet.engine.state.patients.values()))
        details = patient.details
        assert details is not None
        moved = e.PatientRow(
            *(details.record_number, details.given, details.family, details.born, details.sex),
            *("4W-09A", details.allergies, ("N-2041",)),
        )
        outcome = cabinet.step(e.Import("patients", patients=(("patients.csv:2", moved),)))
        assert not outcome.refusal, outcome.report
        old = patient.details_name
    with offline.opened(configuration, folder, keys, "erase") as cabinet:
        outcome = cabinet.step(e.Erase((old,), "lawful_order", "invented-1/26"))
        assert not outcome.refusal, outcome.refusal


def facts(folder: Path) -> dict[str, object]:
    """What every later version must find."""
    configuration = site.load(folder / CABINET)
    keys = provision.load_keys(configuration, folder)
    with Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True) as store:
        state = replay(store)
        head = store.newest_head()
        assert head is not None and head.size == store.size
        types = Counter(
            type(r.decode_body(entry.body).record).__struct_config__.tag
            for entry in store.entries()
        )
        held = {
            "entries": store.size,
            "root": store.root().hex(),
            "heads": len(list(store.heads())),
            "attachments": len(list(store.attachments())),
            "erased": [hashed.hex() for hashed, _ in store.erased()],
        }
    stored = folder / configuration.paths.keys
    return {
        "written_by": VERSION,
        "keys": {name: (stored / name).read_bytes().hex() for name in key_files.NAMES},
        "vkeys": [
            provision.signer(configuration, keys).vkey,
            provision.cosigner(configuration, keys).vkey,
        ],
        **held,
        "receipt_of": RECEIPT_OF,
        "records": dict(sorted(types.items())),
        "on_hand": {pocket: state.on_hand(pocket) for pocket in sorted(state.pockets)},
        "removals": sorted(state.removals),
        "discrepancies": sorted(state.discrepancies),
        "people": sorted(state.by_staff_id),
    }


def main() -> int:
    """Writes tests/golden/VERSION; refuses one that exists."""
    target = HERE / VERSION
    if target.exists():
        print(f"{target.name} is there already; a golden ledger is never written again")
        return 1
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        make(folder)
        configuration = site.load(folder / CABINET)
        keys = provision.load_keys(configuration, folder)
        found = facts(folder)
        target.mkdir()
        shutil.copy(folder / configuration.paths.ledger, target / "ledger.db")
        shutil.copy(folder / configuration.paths.anchor, target / "anchor")
        shutil.copy(folder / CABINET, target / CABINET)
        (target / "golden.json").write_text(json.dumps(found, indent=1) + "\n")
        (target / "receipt.tlog-proof").write_text(
            evidence.write_receipt(configuration, folder, keys, RECEIPT_OF)
        )
    print(f"{target.name}: {found['entries']} entries, {time.strftime('%Y-%m-%d')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
