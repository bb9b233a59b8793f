"""One seed's story: a cabinet, its people, its faults, and whether what must hold did hold.

Not for the command line (`run.py`). One rule: seed and commit alone decide what happens; the wall
clock of the machine that runs it is only ever measured with.
"""

import csv
import gc
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from auth.pins import keyed_hash
from cabinet import machines
from cabinet.lists import BADGE_PURPOSE
from sim.accounts import Accounts
from sim.cast import EVERYBODY, FITTER
from sim.census import Census
from sim.checks import Checks
from sim.diverter import SCHEMES, Diverter
from sim.entitlements import Entitlements
from sim.errors import SimulatorError
from sim.faults import Injector
from sim.finger_checks import FingerChecks
from sim.hands import GaveUp, Hands, Mistakes, told
from sim.happenings import Happening
from sim.hospital import DAY_S, Hospital
from sim.laptop import Laptop
from sim.list_checks import ListChecks
from sim.lists import Lists
from sim.medicines import DEMO
from sim.model import Model
from sim.people import PEOPLE
from sim.phone import Phone
from sim.plan import Plan, Told
from sim.proofs import Proofs
from sim.review_checks import ReviewChecks
from sim.runtime import SimulatedRuntime
from sim.service_checks import ServiceChecks
from sim.servicing import CA, Technicians
from sim.staff_office import StaffOffice
from sim.strikes import DOES
from sim.template import BEGAN_S, Template, make
from sim.trespassers import Trespassers
from sim.tries import Tries
from sim.used_codes import UsedCodes
from sim.virtual import UNITS, Stream

BACK_WITHIN_S = 300.0  # of the last fault's healing: in service again, or it says what to do
MOST_DAYS = 366
GARBAGE = 50_000
ROOT = Path(__file__).parent.parent


class Trace:
    """The story in plain words; only its hash is kept unless somebody listens."""

    def __init__(self, tell: Callable[[str], None] | None) -> None:
        self._tell, self._hash = tell, hashlib.sha256()

    def line(self, at_s: float, words: str) -> None:
        """One line."""
        day, rest = divmod(at_s + 7 * 3600, DAY_S)
        clock = f"{int(rest // 3600):02}:{int(rest % 3600 // 60):02}:{rest % 60:06.3f}"
        text = f"day {int(day) + 1} {clock}  {words}"
        self._hash.update(text.encode() + b"\n")
        if self._tell is not None:
            self._tell(text)

    def sha256(self) -> str:
        """Of all lines."""
        return self._hash.hexdigest()


class Story:
    """A story under way; a test may change its running objects before it is told."""

    def __init__(
        self,
        plan: Plan,
        template: Template,
        folder: Path,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """`folder` is a whole copy of the template's, and becomes this cabinet's own."""
        if not 0 < plan.days <= MOST_DAYS:
            raise SimulatorError(f"--days is more than 0 and at most {MOST_DAYS}")
        if plan.diverter and plan.diverter not in SCHEMES:
            raise SimulatorError(f"--diverter is one of {', '.join(SCHEMES)}")
        self.plan, self.folder = plan, folder
        self.trace = Trace(tell)
        self.runtime = SimulatedRuntime(
            folder,
            template.configuration,
            template.keys,
            seed=plan.seed,
            began_s=BEGAN_S,
            stock=template.stock,
            templates=dict(template.templates),
            notepad=dict(template.notepad),
        )
        timings = template.configuration.timings
        hub, true_s = self.runtime.hub, self.runtime.wall.true_s
        self.model = Model(
            self.runtime.world,
            lambda: hub.now_s,
            self.runtime.wall.now_s,
            timings.pulse_ms / 1000,
            timings.rest_ms / 1000,
        )
        self.model.phones = {who: Phone(app, true_s) for who, app in template.apps.items()}
        self.checks = Checks(self.runtime, self.model, _secrets())
        self.checks.told = lambda words: self.trace.line(hub.now_s, words)
        self.hospital = Hospital(
            self.runtime,
            self.model,
            plan.seed,
            mistakes=Mistakes().times(plan.mistake_rate),
            accesses_a_day=plan.accesses_a_day,
            diverter=Diverter(plan.diverter, plan.seed) if plan.diverter else None,
        )
        self.hospital.told, self.hospital.forbid = self.checks.told, self.checks.forbid
        lists = Lists(self.runtime)
        self.census = Census(
            hub,
            lists,
            self.hospital.tally,
            Stream(plan.seed, "census"),
            self.checks.forbid,
            self.checks.told,
        )
        self.staff = StaffOffice(self.runtime, lists, template.signed)
        self._judge(template.keys.pepper)
        rate = plan.trespass_rate
        self.trespassers = Trespassers(self.hospital, self.staff, plan.seed, rate)
        services = ServiceChecks(self.model, self.checks.tells)
        self.model.readers.append(services.hear)
        self.runtime.asked = services.asked
        self.hospital.laptop = lambda: Laptop(self.runtime, services)
        ours = CA.line in template.configuration.service.ca
        rate = plan.service_rate if ours else 0.0  # a site's own cabinet knows no key of ours
        cabinet = template.configuration.cabinet.id
        self.technicians = Technicians(self.hospital, services, cabinet, plan.seed, rate)
        self.injector = Injector(
            self.runtime,
            Stream(plan.seed, "faults"),
            lists,
            self.staff,
            lambda name: self.trace.line(hub.now_s, f"FAULT {name}"),
            rate=plan.fault_rate,
            does=DOES,
        )
        self.runtime.world.observe(self._happened)

    def _judge(self, pepper: bytes) -> None:
        """Readers of every entry, who say what ought not to be there."""
        model, staff = self.model, self.staff
        entitled = Entitlements(model.expect, lambda: any(model.open.values()))
        proofs = Proofs(model)
        self.runtime.world.observe(proofs.happened)
        self.runtime.typed = proofs.typed
        fingers = FingerChecks(self.runtime, model, entitled)
        self.runtime.world.observe(fingers.happened)
        known_by = partial(keyed_hash, pepper, BADGE_PURPOSE)
        self.list_checks = ListChecks(model.expect, staff.signed, staff.judged, known_by)
        self.hospital.joined = self.list_checks.joins
        accounts = Accounts(
            entitled, self.runtime.name_of, lambda: self.runtime.own_sensor.templates
        )
        tries = Tries(model.expect)
        self.hospital.slips = lambda badge: tries.slips(known_by(badge))
        readers = (entitled, proofs, fingers, tries, self.list_checks, accounts)
        model.readers += [it.hear for it in readers]
        model.readers += [UsedCodes(model).hear, ReviewChecks(model, entitled).hear]

    def _happened(self, it: Happening) -> None:
        where = it.place or it.drawer
        words = f"{it.count} {it.medicine}" if it.count else ""
        told = " ".join(word for word in (it.kind.value, where, words, it.detail) if word)
        self.trace.line(it.at, f"world: {told}")

    # --- telling --------------------------------------------------------------------------------

    def tell(self, progress: Callable[[float], None] | None = None) -> Told:
        """All of it: safety with faults, then healing, then service again."""
        began = time.process_time()
        self.begin()
        end = int(self.plan.days * DAY_S * UNITS)
        day = 0
        while self.runtime.hub.now < end and not self.model.violations:
            if self.runtime.hub.now >= day * DAY_S * UNITS:
                left_s = min(DAY_S, self.plan.days * DAY_S - day * DAY_S)
                self.hospital.plan_day(day)
                self.injector.plan_day(day * DAY_S, left_s)
                self.trespassers.plan_day(day * DAY_S, left_s)
                self.technicians.plan_day(day * DAY_S, left_s)
                day += 1
            until = min(end, day * DAY_S * UNITS)
            self._first_mib = self._first_mib if day < 2 else self._first_mib or resident_mib()
            while not self.model.violations and self.runtime.hub.now < until:
                slice_ends = min(until, self.runtime.hub.now + 3600 * UNITS)
                self._run(slice_ends)
                if progress is not None:
                    progress(self.runtime.hub.now / end)
        if not self.model.violations:
            self.heal()
        return self._told(time.process_time() - began)

    def begin(self) -> None:
        """Power, and the first start."""
        store_bodies = _bodies(self.runtime)
        self.checks.begin(store_bodies)
        self.runtime.power_on()
        self._run(self.runtime.hub.now + 20 * UNITS)
        boot = self.runtime.boot
        assert boot is not None and boot.turns is not None
        state = boot.turns.engine.state
        people = {it.staff_id: it for it in EVERYBODY}
        self.model.staff.update({ref: people[it] for it, ref in state.by_staff_id.items()})
        self.census.begin([medicine for medicine, _ in self.model.pockets.values()])

    def _run(self, until: int) -> None:
        """Up to an instant, or the first violation."""
        hub, model = self.runtime.hub, self.model
        try:
            while hub.step(until):
                if model.violations:
                    return
        except Exception as error:  # whatever it is, nothing foresaw it
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            model.wrong(0, f"{type(error).__name__} in {place}: {error}")
        hub.now = max(hub.now, until)

    def heal(self) -> None:
        """No more faults: within a bound everything works again."""
        hub, model = self.runtime.hub, self.model
        self.trace.line(hub.now_s, "everything heals")
        self.injector.heal_all()
        self.staff.right()
        self.runtime.put_back()
        self.hospital.closing = self.census.closing = self.hospital.floor.closed = True
        if self.runtime.boot is None:
            self.runtime.power_on()
        self._run(hub.now + int(BACK_WITHIN_S * UNITS))
        for drawer in self.runtime.world.view().drawers:
            if not (drawer.hook_engaged and not drawer.is_open):
                screen = self.runtime.shown.screen if self.runtime.shown is not None else None
                model.admit(drawer.id, told(screen))
                self.runtime.world.push(drawer.id)
        self._run(hub.now + 90 * UNITS)
        finish_by = hub.now + int(BACK_WITHIN_S * UNITS)
        while self.hospital.floor.taken and hub.now < finish_by and not model.violations:
            self._run(hub.now + UNITS)  # whoever is at the cabinet has a drawer open by right
        if model.violations:
            return
        boot = self.runtime.boot
        if (
            boot is not None
            and boot.turns is not None
            and boot.turns.state.found_sensor is not None
        ):
            self.trespassers.decide()
            self._run(hub.now + int(BACK_WITHIN_S * UNITS))
        if boot is None or not boot.ready or boot.turns is None:
            model.wrong(11, "the controller does not run after everything healed")
            return
        state = boot.turns.engine.state
        model.expect(11, not state.devices_down, f"still down: {state.devices_down}")
        for name, held in state.drawers.items():
            shut = held.model.state == machines.SHUT
            model.expect(11, shut, f"{name} is {held.model.state} though it is shut and works")
        model.expect(11, state.space == "ok", "the disk has room again, and nothing says so")
        hub.spawn("last visit", self._last_visit)
        self._run(hub.now + 600 * UNITS)
        model.expect(11, self._served, "nobody could take a medicine after everything healed")
        if not model.violations:
            self.checks.at_end()
            self.list_checks.at_end(self.staff.with_rows())

    _served, _first_mib = False, 0.0

    def _last_visit(self) -> None:
        """A technician loads, then a nurse removes: both must work now, without mistakes.

        Before, a pharmacist releases whoever was guessed at, and has no finger either.
        """
        model, hospital = self.model, self.hospital
        careful = Mistakes().times(0.0)
        while hospital.floor.taken:
            self.runtime.hub.wait(UNITS)
        hospital.floor.taken = True
        try:
            for role in ("pharmacist", "pharmacy_technician", "nurse"):
                person = next(it for it in PEOPLE if it.role == role)
                hands = Hands(
                    self.runtime, model, person, Stream(self.plan.seed, f"last {role}"), careful
                )
                hospital.tidy(hands)
                hands.sign_in()
                if role == "pharmacist":
                    hospital.stocking.release(hands)
                elif role == "nurse":
                    before = hospital.tally.removals
                    hospital.nursing.one_removal(hands)
                    self._served = hospital.tally.removals > before
                else:
                    for pocket in model.pockets:
                        if model.lying(pocket) < 5:
                            hospital.stocking.load(hands, pocket)
                            hands.must_press("menu") if hands.can_press("menu") else None
                hospital.leave(hands)
        except GaveUp as why:
            model.wrong(11, f"after everything healed: {why}")
        finally:
            hospital.floor.go()

    # --- the end ----------------------------------------------------------------------------------

    def _told(self, took_s: float) -> Told:
        model, runtime, tally = self.model, self.runtime, self.hospital.tally
        boot = runtime.boot
        root = ""
        if boot is not None and boot.store is not None:
            root = boot.store.root().hex()
        for violation in model.violations:
            self.trace.line(violation.at_s, f"VIOLATION {violation}")
        return Told(
            plan=self.plan,
            accesses=model.accesses - self._before,
            faults=dict(sorted(self.injector.happened.items())),
            power_cuts=runtime.power_cuts,
            checks=model.checks,
            violations=list(model.violations),
            steps=self.checks.steps,
            entries=model.entries,
            root=root,
            trace_sha256=self.trace.sha256(),
            bodies_sha256=model.chain.hex(),
            restarts=self.checks.restarts,
            simulated_s=runtime.hub.now_s,
            took_s=took_s,
            slowest_s=self.checks.slowest_s,
            people={name: n for name, n in asdict(tally).items() if name != "reasons"},
            gave_up=dict(sorted(tally.reasons.items())),
            set_aside=dict(sorted(model.duties.items())),
            memory_mib=(self._first_mib or resident_mib(), resident_mib()),
        )

    @property
    def _before(self) -> int:
        return self.checks.accesses_before

    def close(self) -> None:
        """The machine is switched off; the files stay as they are."""
        self.runtime.switch_off()


def commit() -> str:
    """The commit that this is, or "unknown"."""
    try:
        told = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - wherever it is
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return told.stdout.strip()


def resident_mib() -> float:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def in_memory() -> Path | None:
    """Where files cost nothing to sync, if there is such a place."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of an unguessable name is made in it
    return memory if memory.is_dir() else None


def run(
    plan: Plan,
    template: Template,
    *,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[float], None] | None = None,
    change: Callable[[Story], None] | None = None,
    keep: Path | None = None,
) -> Told:
    """Tell one story on a copy of the template; `change` may spoil it first (the tests' teeth).

    `keep`: where the cabinet is left, whole and stopped.
    """
    with tempfile.TemporaryDirectory(prefix="adc-sim-", dir=in_memory()) as scratch:
        folder = Path(scratch) / "cabinet"
        shutil.copytree(template.folder, folder)
        story = Story(plan, template, folder, tell)
        if change is not None:
            change(story)
        often = gc.get_threshold()
        gc.set_threshold(GARBAGE)  # most of what a step makes is gone without a search for cycles
        gc.freeze()  # and what was there before is never searched
        try:
            ended = story.tell(progress)
        finally:
            gc.unfreeze()
            gc.set_threshold(*often)
            story.close()
        if keep is not None:
            shutil.copytree(folder, keep)
        return ended


def default_template(folder: Path, own: Path | None = None) -> Template:
    """A template made in `folder`."""
    return make(folder / "template", own)


def _secrets() -> list[str]:
    """What must be in no entry's body: names, numbers, badges, PINs."""
    found = []
    for person in EVERYBODY:
        found += [person.badge, person.pin, person.staff_id]
        if person is not FITTER:  # whom the console calls by their name
            found += [person.given, person.family]
    with (DEMO / "patients.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found += [row["record_number"], row["family"]]
    return found


def _bodies(runtime: SimulatedRuntime) -> list[bytes]:
    from ledger.store import Store

    with Store.open(runtime.disk.ledger, runtime.keys.ledger, read_only=True) as store:
        return [entry.body for entry in store.entries()]
