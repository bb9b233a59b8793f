"""`decide` is total: no event in any state raises, and the design's invariants hold after each.

Random sequences against the real engine; after every event the state is compared with what a shadow
reads in the ledger's bytes, and at every new screen each button and each event is tried.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cabinet import events as e
from cabinet import journal, lock_test, machines, retention, screens, snapshot
from cabinet.journal import replay
from cabinet.messages import Keypad, Letters
from cabinet.plan import Plan
from cabinet.signin import PROVING
from tests.attacker import (
    ASKED,
    DRAWERS,
    IMPORTS,
    OUTCOMES,
    PEOPLE,
    PLANS,
    POSITIONS,
    STAFF_LISTS,
    TYPED,
    Attacked,
    plain,
    visits,
)
from tests.ward import PIN, SENSOR, badge

WORKERS = ("N1", "N1", "N3", "P1", "T1", "A1")
LIKELY = st.integers(0, 9)


class Anything(RuleBasedStateMachine):
    """Whatever people, devices, lists and the power may do, in any order."""

    @initialize()
    def begin(self) -> None:
        self.ward = Attacked()
        self.pages: set[tuple[str, str]] = set()

    def do(self, event: e.Event) -> None:
        self.ward.do(event)
        self.ward.check(event)

    # --- people at the screen -------------------------------------------------------------------

    @rule(which=st.integers(0, 63), typed=st.sampled_from(TYPED), honest=LIKELY)
    def press(self, which: int, typed: str, honest: int) -> None:
        screen = self.ward.screen()
        buttons = sorted(screens.buttons(screen))
        if not buttons:
            return
        button = buttons[which % len(buttons)]
        access = self.ward.state.access
        if button == "count" and honest and access is not None:
            typed = str(self.ward.tablets[access.started.pocket])
        elif not any(isinstance(block, Keypad | Letters) for block in screen.blocks):
            typed = ""
        self.do(e.Pressed(button, typed))

    @rule(who=st.sampled_from(PEOPLE))
    def hold_badge(self, who: str) -> None:
        self.do(e.BadgeSeen(badge(who)))

    @rule(who=st.sampled_from(PEOPLE))
    def prove(self, who: str) -> None:
        """Badge and the right finger, or the right PIN."""
        self.do(e.BadgeSeen(badge(who)))
        attempt = self.ward.state.attempt
        if attempt is not None and attempt.badge == badge(who):
            self.second_factor()

    def second_factor(self) -> None:
        attempt, place = self.ward.state.attempt, self.ward.engine.place
        assert attempt is not None
        person = self.ward.state.people.get(attempt.person)
        if place.page == "finger" and person is not None and person.slots:
            self.do(e.FingerSeen(place.request, "matched", person.slots[0]))
            return
        if place.page == "finger":
            self.do(e.Pressed("use_pin"))
        if place.page != "checking":
            self.do(e.Pressed("pin", PIN))
        known = person is not None and person.enrolled
        self.do(e.PinChecked(self.ward.engine.place.request, known))

    # Four of a kind: most of the time people do what comes next.

    @rule(which=st.integers(0, 63), who=st.sampled_from(WORKERS))
    def next_1(self, which: int, who: str) -> None:
        self.next(which, who)

    @rule(which=st.integers(0, 63), who=st.sampled_from(WORKERS))
    def next_2(self, which: int, who: str) -> None:
        self.next(which, who)
        self.next(which // 2, who)

    @rule(which=st.integers(0, 63), who=st.sampled_from(WORKERS))
    def next_3(self, which: int, who: str) -> None:
        for step in range(5):
            self.next(which >> step, who)

    @rule(which=st.integers(0, 63), who=st.sampled_from(WORKERS))
    def next_4(self, which: int, who: str) -> None:
        for step in range(9):
            self.next((which * 7 + step) >> 1, who)

    def next(self, which: int, who: str) -> None:
        """What somebody who knows the cabinet would do next."""
        ward = self.ward
        match ward.state.screen.state:
            case machines.NOBODY if ward.engine.place.page == "code_entry":
                self.do(e.Pressed("code", "typed"))
                self.do(e.CodeHashed(ward.engine.place.request, "code X1"))
            case machines.NOBODY:
                self.push_everything()
                self.prove(who)
            case proving if proving in PROVING:
                self.second_factor()
            case machines.LOCKED | machines.LOCKED_ACCESS:
                self.push_everything()
                self.prove(who)
            case machines.WITNESS_CALLED | machines.COUNT_WITNESS_CALLED:
                self.prove("N2" if which % 4 else "P1")
            case machines.ENROLLING:
                self.enrol(which)
            case machines.ACCESS:
                self.go_on_with_access(which)
            case _:
                self.press_on(which)

    def enrol(self, which: int) -> None:
        place = self.ward.engine.place
        match place.page:
            case "enrol_badge":
                self.do(e.BadgeSeen(badge("X1")))
            case "enrol_working":
                self.do(e.PinHashed(place.request, "hash"))
                self.do(e.PinChecked(self.ward.engine.place.request, True))
            case "enrol_finger":
                command = self.ward.state.enrolment
                assert command is not None
                slot = command.slots[len(place.newcomer.slots)]
                self.do(e.FingerSeen(place.request, "enrolled", slot))
            case _:
                buttons = [it for it in screens.buttons(self.ward.screen()) if it != "cancel"]
                if buttons:
                    self.do(e.Pressed(buttons[which % len(buttons)], PIN))

    def go_on_with_access(self, which: int) -> None:
        ward, screen = self.ward, self.ward.screen()
        access = ward.state.access
        assert access is not None
        if screen.name in ("count", "recount"):
            found = ward.tablets[access.started.pocket] - (which % 8 == 7)
            self.do(e.Pressed("count", str(found)))
        elif screen.name == "opening":
            self.pull_what_was_released(fast=which % 2 == 0)
        elif screen.name == "confirm":
            self.do(e.Pressed("moved"))
        else:
            if screen.name == "take" and access.started.pocket in ward.tablets:
                sign = {"remove": -1, "load": 1}.get(access.started.kind, 0)
                self.move_tablets(access.started.pocket, sign * access.started.quantity)
            self.push_everything()

    def press_on(self, which: int) -> None:
        screen = self.ward.screen()
        dull = ("home", "sign_out", "everyone", "mine", "menu") if which % 8 else ()
        buttons = [it for it in screens.buttons(screen) if it not in dull]
        typed = {"expiry": "122031"}
        if buttons:
            button = buttons[which % len(buttons)]
            keys = any(isinstance(block, Keypad) for block in screen.blocks)
            self.do(e.Pressed(button, typed.get(button, "1" if keys else "")))
        else:
            self.do(e.Pressed("home" if which % 2 else "menu"))
        request = self.ward.engine.place.request
        if request:
            self.do(e.CodeMade(request, "plain", "code X1"))

    @rule(outcome=st.sampled_from(OUTCOMES), slot=st.sampled_from([None, 0, 1, 2, 4, 8, 12, 14]))
    def finger(self, outcome: str, slot: int | None) -> None:
        self.do(e.FingerSeen(self.ward.engine.place.request, outcome, slot))

    @rule(which=st.integers(0, 63))
    def sensor_speaks_of_templates(self, which: int) -> None:
        said = list(self.ward.templates())
        self.do(said[which % len(said)])

    @rule(right=st.booleans(), unusable=st.booleans())
    def secrets_worker(self, right: bool, unusable: bool) -> None:
        request = self.ward.engine.place.request
        self.do(e.PinChecked(request, right))
        request = self.ward.engine.place.request
        self.do(e.PinHashed(request, "" if unusable else "hash", "short" if unusable else ""))

    @rule(code=st.sampled_from(["code X1", "nonsense"]))
    def code(self, code: str) -> None:
        self.do(e.CodeHashed(self.ward.engine.place.request, code))
        self.do(e.CodeMade(self.ward.engine.place.request, "plain", "code X1"))

    @rule(stale=st.sampled_from(["", "0" * 16]))
    def stale_answers(self, stale: str) -> None:
        self.do(e.FingerSeen(stale, "matched", 4))
        self.do(e.PinChecked(stale, True))
        self.do(e.CodeMade(stale, "plain", "code X1"))

    @rule(ndc=st.sampled_from(["", "0000000101", "00000000101"]), expires=st.text(max_size=10))
    def scan(self, ndc: str, expires: str) -> None:
        self.do(e.CodeSeen(ndc, "L1", expires))

    # --- drawers and tablets --------------------------------------------------------------------

    @rule(drawer=st.sampled_from(DRAWERS), position=st.sampled_from(POSITIONS))
    def move(self, drawer: str, position: str) -> None:
        if drawer in self.ward.positions:
            self.ward.positions[drawer] = position
        self.do(e.DrawerMoved(drawer, position))

    @rule(fast=st.booleans())
    def pull_what_was_released(self, fast: bool) -> None:
        access = self.ward.state.access
        if access is None or access.opened:
            return
        for position in ("open",) if fast else ("unlatched", "open"):
            self.move(access.started.drawer, position)

    @rule()
    def push_everything(self) -> None:
        for drawer in DRAWERS:
            if self.ward.positions.get(drawer, "latched") != "latched":
                self.move(drawer, "latched")

    @rule(drawer=st.sampled_from(DRAWERS), refused=st.sampled_from(["", "the coil is resting"]))
    def pulse_ended(self, drawer: str, refused: str) -> None:
        self.do(e.PulseEnded(drawer, refused))

    @rule(pocket=st.sampled_from(["P1", "P2", "M1", "M2"]), number=st.integers(-3, 3))
    def tablets_go_unseen(self, pocket: str, number: int) -> None:
        held = self.ward.state.pockets.get(pocket)
        if held is not None and self.ward.is_open.get(held.drawer):
            self.move_tablets(pocket, -number)

    def move_tablets(self, pocket: str, number: int) -> None:
        ward = self.ward
        number = max(number, -ward.tablets[pocket])
        ward.tablets[pocket] += number
        ward.unseen[pocket] -= number

    # --- time, power, lists, devices ------------------------------------------------------------

    @rule(seconds=st.sampled_from([0, 1, 3, 16, 29, 30, 46, 61, 121, 200]), step=st.booleans())
    def wait(self, seconds: int, step: bool) -> None:
        """In steps of a second, or in one leap; also the ticks are checked."""
        for _ in range(min(seconds, 20) if step else 1):
            self.ward.now_ms += 1000 if step else seconds * 1000
            self.do(e.Tick())

    @rule(days=st.sampled_from([-400, -1, 1, 4]))
    def set_the_clock(self, days: int) -> None:
        self.ward.wall_ms += days * 86_400_000
        self.do(e.Tick())

    @rule(stop=st.booleans(), leap=st.booleans(), luck=st.integers(0, 3))
    def power_off_and_on(self, stop: bool, leap: bool, luck: int) -> None:
        if luck:
            return
        if stop:
            self.do(e.Stop())
        if leap:
            self.ward.now_ms = 0
        self.ward.restart()
        self.ward.check(e.Tick())

    @rule(luck=st.integers(0, 3), plan=st.sampled_from(PLANS))
    def another_make_up(self, luck: int, plan: Plan) -> None:
        """Power off, a technician changes the cabinet, power on."""
        if not luck:
            self.ward.make_up(plan)
            self.ward.check(e.Tick())

    @rule(event=st.sampled_from((*IMPORTS, *STAFF_LISTS)))
    def lists(self, event: e.Event) -> None:
        self.do(event)

    @rule(device=st.sampled_from(["fingerprint", "badge", "x"]), cause=st.sampled_from(["", "off"]))
    def device(self, device: str, cause: str) -> None:
        self.do(e.DeviceChanged(device, cause))

    @rule(identity=st.sampled_from([SENSOR, SENSOR, "", "c3" * 16]))
    def sensor(self, identity: str) -> None:
        self.do(e.DeviceChanged("fingerprint", "", identity))

    @rule(percent=st.sampled_from([0, 15, 50, 50, 50, 50]))
    def space(self, percent: int) -> None:
        self.do(e.Space(percent))

    @rule(which=st.integers(0, 63), order=st.sampled_from(["", "court-7", "a name"]))
    def erase(self, which: int, order: str) -> None:
        names = self.ward.names()
        erased = (names[which % len(names)],)
        numbers = retention.numbered(self.ward.state, erased)
        self.do(e.Erase(erased, "term_over", order, tuple(numbers.items())))

    # --- a technician at the console --------------------------------------------------------------

    @rule(which=st.integers(0, 63))
    def technician(self, which: int) -> None:
        events = visits(self.ward.state)
        self.do(events[which % len(events)])

    @rule(which=st.integers(0, 63))
    def technician_at_work(self, which: int) -> None:
        """Let in by a pharmacist, in service mode, and on."""
        ward = self.ward
        if ward.state.service is None:
            self.do(visits(ward.state)[0])
        now = ward.state.service
        if now is not None and not now.admitted and ward.state.screen.state == machines.NOBODY:
            self.prove("P1")
            for button in ("menu", f"admit:{now.id}", "sign_out"):
                self.do(e.Pressed(button))
        for line in ("service begin", *ASKED[which % len(ASKED) :][:3]):
            session = ward.state.service.id if ward.state.service is not None else ""
            command, *arguments = line.split()
            self.do(e.ServiceAsked(session, command, tuple(arguments)))
        if "test_lock" in screens.buttons(ward.screen()):
            self.do(e.Pressed("test_lock"))
        elif lock_test.waits(ward.state) is not None:
            self.prove("P1")
            self.do(e.Pressed("test_lock"))

    # --- always ---------------------------------------------------------------------------------

    @invariant()
    def nothing_raises(self) -> None:
        if not hasattr(self, "ward"):
            return
        here = (self.ward.state.screen.state, self.ward.engine.place.page)
        if here not in self.pages:
            self.pages.add(here)
            self.ward.try_everything()

    def teardown(self) -> None:
        if hasattr(self, "ward"):
            replayed = replay(self.ward.sink)
            assert plain(replayed) == plain(self.ward.state)
            attached = journal.attached(self.ward.sink.attached)
            restored = snapshot.restore(snapshot.take(replayed), attached)
            assert plain(restored) == plain(replayed)


TestAnything = Anything.TestCase
TestAnything.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
