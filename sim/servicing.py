"""Service technicians of a story: visits with tests and repairs, and all that they may not do.

Not the checks (`service_checks.py`). One rule: a technician has a laptop, their own key and two
hands; whatever they try, what must hold is checked from outside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cabinet import console_messages as m
from sim.hands import GaveUp, Hands, Mistakes
from sim.hospital import DAY_S, Hospital
from sim.laptop import Laptop
from sim.medicines import label, medicines
from sim.people import PEOPLE, Person
from sim.service_checks import UNPLUGGED_S, ServiceChecks
from sim.service_key import Hours, Key, answer, certified
from sim.virtual import UNITS, Stream

CA, OWN, STRANGER = (
    Key("the simulated hospital's service CA"),
    Key("Toomas Rebane's"),
    Key("nobody's"),
)
NAME = "Toomas Rebane"
SETTINGS = f"""
[service]
ca = ["{CA.line}"]
sign_in = ["certificate", "code"]
"""
HOUR_S = 3600
HOURS = ((-1, 7), (-9, -1), (1, 7), (-1, 48))  # good; over, to come, and too many
CAREFUL = Mistakes().times(0.0)
LOOKS: tuple[tuple[str, ...], ...] = (
    *(("status",), ("devices",), ("drawers",), ("ledger", "status"), ("clock",), ("power",)),
    *(("storage",), ("version",), ("config", "check"), ("config", "show"), ("report",)),
)
# What is no command here, is not how one is used, or not before service mode.
TRIES: tuple[tuple[str, ...], ...] = (
    *(("open", "D1"), ("unlock", "D1"), ("pulse", "D1"), ("sh",), ("sqlite3", "ledger.db")),
    *(("cat", "cabinet.toml"), ("drawers", "D1"), ("config", "set"), ("counts",), ("admit",)),
    *(("test", "lock", "D1"), ("test", "lock", "D9"), ("replace", "badge", "A1", "B2")),
    *(("restart", "controller"), ("restart", "touchscreen"), ("poweroff",), ("service", "end")),
    *(("bundle", "print"), ("result", "yes")),
)


@dataclass(frozen=True)
class Service:
    """Something that technicians do, and how often in a day."""

    a_day: float
    does: Callable[["Technicians", Laptop], None]


class Technicians:
    """Those of one story."""

    def __init__(
        self, hospital: Hospital, checks: ServiceChecks, cabinet: str, seed: int, rate: float
    ) -> None:
        """`cabinet` is its id; `rate`: times as often as SERVICES says, 0 for never."""
        self._hospital, self._checks = hospital, checks
        self._cabinet, self._seed, self._rate = cabinet, seed, rate
        self._runtime, self._model = hospital.runtime, hospital.model
        self._chance = Stream(seed, "technicians")
        self._visits = 0
        self.done: dict[str, int] = {}

    def plan_day(self, begins_s: float, long_s: float) -> None:
        """Plan who comes in the `long_s` seconds of a day from `begins_s` on."""
        for name, service in SERVICES.items():
            often = service.a_day * self._rate * long_s / DAY_S
            for _ in range(int(often + self._chance.random())):
                at_s = begins_s + self._chance.random() * long_s
                self._runtime.hub.at(int(at_s * UNITS), lambda it=name: self._send(it))  # type: ignore[misc]

    def _send(self, name: str) -> None:
        laptop = Laptop(self._runtime, self._checks)
        self._runtime.hub.spawn(NAME, lambda: self._visit(name, laptop))

    def _visit(self, name: str, laptop: Laptop) -> None:
        hospital = self._hospital
        if hospital.closing or not hospital.floor.come():
            return
        hospital.told(f"{NAME}, a service technician, comes to the cabinet: {name}")
        try:
            laptop.plug()
            SERVICES[name].does(self, laptop)
            self.done[name] = self.done.get(name, 0) + 1
        except GaveUp as why:
            hospital.told(f"{NAME} gives up: {why}")
        finally:
            laptop.pull()
            self._leave()
            hospital.floor.go()

    def _leave(self) -> None:
        """Take the finger from the glass, and shut what is open."""
        hands = self._hands(PHARMACIST)
        hands.world.touch(None)
        for drawer in hands.world.view().drawers:
            if drawer.is_open or not drawer.hook_engaged:
                hands.push(drawer.id)
        if hands.can_press("sign_out"):
            hands.press("sign_out")

    def _hands(self, person: Person) -> Hands:
        self._visits += 1
        chance = Stream(self._seed, f"service/{person.staff_id}/{self._visits}")
        return Hands(self._runtime, self._model, person, chance, CAREFUL)

    def _wait(self, least: float, most: float) -> None:
        self._runtime.hub.wait(int(self._chance.between(least, most) * UNITS) + 1)

    # --- signing in -------------------------------------------------------------------------------

    def _certificate(self) -> bytes:
        """As the hospital's CA gives it, whose clock is right."""
        self._visits += 1
        hours = _hours(self._runtime.wall.true_s(), -1, 7)
        return certified(CA, OWN, NAME, self._cabinet, hours, self._visits)

    def _challenge(self, laptop: Laptop) -> str:
        asked = laptop.begin()
        if isinstance(asked, m.Denied) and asked.wait_s:
            self._wait(asked.wait_s, asked.wait_s + 5.0)
            asked = laptop.begin()
        if isinstance(asked, m.Denied):
            raise GaveUp(f"no challenge: {asked.words}")
        self._wait(5.0, 40.0)
        return asked.text

    def _sign_in(self, laptop: Laptop) -> None:
        challenge = self._challenge(laptop)
        self._checks.proof(OWN.fingerprint)
        signed_in = laptop.respond(answer(OWN, self._certificate(), challenge), honest=True)
        if isinstance(signed_in, m.Denied):
            raise GaveUp(f"not signed in: {signed_in.words}")

    def _come_in(self, laptop: Laptop) -> None:
        """Sign in, and have a pharmacist let one in."""
        self._sign_in(laptop)
        hands = self._hands(PHARMACIST)
        self._hospital.tidy(hands)
        hands.sign_in()
        if not hands.can_press("menu"):
            hands.must_see("menu", "patients")
        if hands.can_press("menu"):
            hands.must_press("menu")
        hands.must_see("menu")
        asked = [row for row in hands.rows() if row.startswith("admit:")]
        if not asked:
            raise GaveUp("nobody asks to be let in")
        hands.must_press(asked[0])
        hands.must_press("sign_out")
        hands.must_see("rest")
        if laptop.waits_for(m.Admitted, 5.0) is None:
            raise GaveUp("not let in")

    # --- what they come for -----------------------------------------------------------------------

    def visit(self, laptop: Laptop) -> None:
        """Look, test everything in service mode, replace a part, write it down, go."""
        self._come_in(laptop)
        for command in LOOKS:
            self._wait(1.0, 5.0)
            laptop.command(*command)
        if laptop.command("service", "begin").outcome != "ok":
            raise GaveUp("no service mode")
        self._nobody_signs_in()
        for drawer in ("D1", "D5"):
            laptop.command("test", "light", drawer)
            self._wait(1.0, 4.0)
            lit = any(it.light for it in self._runtime.world.view().drawers if it.id == drawer)
            laptop.command("result", "yes" if lit else "no")
        self._devices(laptop)
        self._lock(laptop)
        laptop.command("replace", "badge", "RDR-200", f"SN{self._visits}")
        laptop.note("The reader was replaced; the old one read nothing any more.")
        laptop.command("report")
        self._wait(1.0, 5.0)
        laptop.command("service", "end")
        laptop.say(m.Leave())
        laptop.waits_for(m.Ended, 3.0)

    def _nobody_signs_in(self) -> None:
        """A nurse does not see that the cabinet is in service."""
        nurse = self._hands(NURSE)
        self._runtime.present(nurse.person.badge)
        nurse.wait(1.0)
        nurse.world.touch(nurse.fingers[0])
        nurse.wait(2.0)
        nurse.world.touch(None)

    def _devices(self, laptop: Laptop) -> None:
        """The tests of what reads: any badge, label and finger do."""
        laptop.command("test", "reader")
        self._wait(1.0, 4.0)
        self._runtime.present(NURSE.badge)
        self._wait(1.0, 2.0)
        laptop.command("test", "scanner")
        self._wait(1.0, 4.0)
        medicine = next(iter(medicines().values()))
        self._runtime.scan(label(medicine, "SIM2611", "2028-12-31"))
        self._wait(1.0, 2.0)
        laptop.command("test", "finger")
        self._wait(0.5, 1.0)
        self._runtime.world.touch(NURSE.fingers[0])
        self._wait(2.0, 4.0)
        self._runtime.world.touch(None)

    def _lock(self, laptop: Laptop) -> None:
        """The test of a lock: a pharmacist opens the drawer where anything may be in it."""
        drawer = self._chance.pick([it.id for it in self._runtime.configuration.drawer])
        if laptop.command("test", "lock", drawer).outcome != "ok":
            return
        hands = self._hands(PHARMACIST)
        hands.wait(1.0)
        if not self._runtime.world.pull(drawer):
            hands.prove()
            hands.must_press("test_lock")
            hands.must_see("opening", "count", within_s=4.0)
            hands.pull()
            opening = self._model.openings.get(drawer)
            if opening is not None and opening.started.pocket:
                hands.count(opening.started.pocket)
            if hands.sees("witness", within_s=1.0) is not None:
                self._hospital.nursing.call_witness(hands)
        hands.push(drawer)
        hands.wait(2.0)
        if hands.can_press("sign_out"):
            hands.must_press("sign_out")

    def try_all(self, laptop: Laptop) -> None:
        """Before anybody let them in, and then outside service mode."""
        self._sign_in(laptop)
        for command in (("status",), *TRIES[:3], ("service", "begin")):
            self._refused(laptop, command)
        self._unplug(laptop)
        laptop.plug()
        self._come_in(laptop)
        for command in TRIES:
            self._wait(0.5, 2.0)
            self._refused(laptop, command)
        laptop.say(m.Leave())
        laptop.waits_for(m.Ended, 3.0)
        self._refused(laptop, ("status",))

    def _refused(self, laptop: Laptop, command: tuple[str, ...]) -> None:
        answered = laptop.command(*command)
        words = f"a technician's {' '.join(command)} was carried out"
        self._model.expect(5, answered.outcome != "ok", words)

    def pull_cable(self, laptop: Laptop) -> None:
        """In the middle of a command, in service mode."""
        self._come_in(laptop)
        laptop.command("service", "begin")
        laptop.command("test", "sound")
        self._wait(0.1, 2.0)
        laptop.say(m.Command(9000, "drawers"))
        self._unplug(laptop)

    def _unplug(self, laptop: Laptop) -> None:
        """Whatever was going on: the session is over."""
        session = laptop.session
        laptop.pull()
        self._wait(UNPLUGGED_S, UNPLUGGED_S + 5.0)
        self._checks.unplugged(session)

    def two_cables(self, laptop: Laptop) -> None:
        """A second laptop signs nobody in while the first one works."""
        self._come_in(laptop)
        second = Laptop(self._runtime, self._checks)
        second.plug()
        denied = second.begin()
        self._model.expect(5, isinstance(denied, m.Denied), "two at the console at once")
        self._refused(second, ("status",))
        second.pull()
        self._wait(1.0, 3.0)
        laptop.command("status")

    def forge(self, laptop: Laptop) -> None:
        """Proofs that are none: of another CA, of another hour, of another challenge."""
        here, now_s = self._cabinet, self._runtime.wall.now_s()  # as the cabinet has it
        if now_s < 9 * HOUR_S:
            raise GaveUp("the clock forgot")
        good, old, early, long = (_hours(now_s, *it) for it in HOURS)
        forged = (
            (OWN, certified(STRANGER, OWN, NAME, here, good, 1)),
            (STRANGER, certified(CA, OWN, NAME, here, good, 2)),
            (OWN, certified(CA, OWN, NAME, "another-cabinet", good, 3)),
            *((OWN, certified(CA, OWN, NAME, here, hours, 4)) for hours in (old, early, long)),
        )
        for key, certificate in forged:
            laptop.respond(answer(key, certificate, self._challenge(laptop)), honest=False)
            self._wait(1.0, 20.0)
        challenge = self._challenge(laptop)
        stale = answer(OWN, self._certificate(), challenge[:-1] + "g")
        laptop.respond(stale, honest=False)

    def nobody_lets_in(self, laptop: Laptop) -> None:
        """They wait, and nobody comes."""
        self._sign_in(laptop)
        if laptop.waits_for(m.Ended, 400.0) is None and laptop.connected:
            self._model.wrong(5, "somebody whom nobody let in waits for ever")

    def walk_away(self, laptop: Laptop) -> None:
        """They leave the laptop as it is, in service mode."""
        self._come_in(laptop)
        laptop.command("service", "begin")
        laptop.say(m.Command(9001, "watch"))
        if laptop.waits_for(m.Ended, 400.0) is None and laptop.connected:
            self._model.wrong(5, "a session that nobody uses goes on for ever")


def _hours(now_s: float, first: int, last: int) -> Hours:
    return Hours(int(now_s) + first * HOUR_S, int(now_s) + last * HOUR_S)


PHARMACIST = next(person for person in PEOPLE if person.role == "pharmacist")
NURSE = next(person for person in PEOPLE if person.role == "nurse")
# Rates are our own judgement [P], and higher than a real cabinet's, which is serviced twice a year.
SERVICES = {
    "a visit": Service(0.4, Technicians.visit),
    "tries what they may not": Service(0.2, Technicians.try_all),
    "cable pulled within a command": Service(0.2, Technicians.pull_cable),
    "two cables": Service(0.2, Technicians.two_cables),
    "forged proofs": Service(0.2, Technicians.forge),
    "nobody lets them in": Service(0.1, Technicians.nobody_lets_in),
    "walks away from the laptop": Service(0.1, Technicians.walk_away),
}
