"""Everything that can happen to a cabinet, drawn at random: events in any state, fit or unfit.

For tests of the rules. The model beside it is a plain table of where tablets are; no rule of the
cabinet is repeated here.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cabinet import events as e
from cabinet import records as r
from cabinet import screens, snapshot
from cabinet import service_records as sr
from cabinet.effects import apply
from cabinet.journal import attached, replay
from cabinet.messages import MAX_FRAME_BYTES, Keypad, Letters, Screen, Shown, encode
from cabinet.plan import Drawer, Fingers, Plan
from cabinet.rules import decide
from cabinet.state import State
from tests.ward import MEDICINES, NOON_MS, PLAN, Ward, badge
from tests.ward import PEOPLE as STAFF

DRAWERS = tuple(drawer.id for drawer in PLAN.drawers)
POSITIONS = ("latched", "unlatched", "open", "disagree", "unknown", "nonsense")
PEOPLE = ("N1", "N2", "N3", "P1", "T1", "A1", "stranger", "X1")
OUTCOMES = (
    *("matched", "no_match", "unclear", "captured", "enrolled", "mismatch", "deleted"),
    *("timed_out", "cancelled", "fault", "taken", "loaded", "unusable"),
)
TYPED = ("", "0", "1", "2", "3", "20", "122031", "73910264", "Nell", "x" * 64, "\x00", "²")
CODES = ("code-1", "code X1", "nonsense")
MOVED = Drawer("D7", "Drawer 7", "single", PLAN.drawers[0].pocket)
PLANS = (
    PLAN,
    msgspec.structs.replace(PLAN, drawers=PLAN.drawers[1:], fingers=Fingers(copies=True)),
    msgspec.structs.replace(PLAN, drawers=PLAN.drawers[:3], fingers=Fingers(supervisor=True)),
    msgspec.structs.replace(
        PLAN,
        drawers=(*PLAN.drawers[1:], Drawer("D7", "Drawer 7", "single", PLAN.drawers[0].pocket)),
    ),
)
APPLIED_AT_MOST = 2  # copies of the state made for each kind of decision in each place
TRIED: dict[tuple[object, ...], int] = {}
SHOWN_FROM = 100  # on-hand counts from here on stand nowhere else in the ward


def row(staff_id: str, role: str, *, active: bool = True, its_badge: str = "") -> e.Import:
    """A list of one person."""
    status = "active" if active else "suspended"
    person = e.PersonRow(staff_id, "Nell", "New", role, its_badge, status)
    return e.Import("test", people=(("people.csv:2", person),))


def order(order_id: str, record_number: str, medicine: str, quantity: int, stops: int) -> e.Import:
    """A list of one order."""
    it = e.OrderRow(
        order_id, record_number, medicine, quantity, "1", "by mouth", "", "", NOON_MS - 1, stops
    )
    return e.Import("test", orders=(("orders.csv:2", it),))


IMPORTS = (
    e.Import("nothing"),
    row("N1", "nurse", active=False),
    row("N1", "nurse"),
    row("N2", "pharmacy_technician"),
    row("N2", "nurse", active=False),
    row("N2", "nurse"),
    row("X1", "nurse", its_badge=badge("X1")),
    row("X1", "nurse", its_badge=badge("stranger")),
    row("A1", "administrator", active=False),
    row("A1", "administrator"),
    order("O1", "1001", "OXY5", 1, 0),
    order("O1", "1002", "MOR10", 2, 0),
    order("O1", "1001", "OXY5", 2, NOON_MS + 1),
    order("O7", "1001", "IBU", 3, 0),
    e.Import("test", medicines=(("formulary.csv:2", MEDICINES[2]),)),
)


def staff(number: int, without: str = "", *, promoted: str = "", left: str = "") -> e.StaffList:
    """A signed list of everybody but one, with a row that lies."""
    rows = tuple(
        (
            f"staff.csv:{line}",
            e.PersonRow(
                *(staff_id, given, family),
                "pharmacist" if staff_id == promoted else role,
                badge(staff_id),
                "left" if staff_id == left else None,
            ),
        )
        for line, (staff_id, (given, family, role, _)) in enumerate(STAFF.items(), 2)
        if staff_id != without
    )
    return e.StaffList(number, f"{number} {without} {promoted} {left}", "note", rows)


STAFF_LISTS = (
    staff(1),
    staff(2, "N2"),
    staff(3, "N2", promoted="N1"),
    staff(4),
    staff(5, left="N3"),
    e.StaffList(9, "few", "note", staff(9).rows[:2]),
    e.StaffList(9, "empty", "note"),
    e.StaffList(problem="wrong_signature"),
)


ASKED = (
    *("status", "config show", "config burn", "shell", "service begin", "service end"),
    *("test light D1", "test light D9", "test sound", "test reader", "test scanner"),
    *("test lock D1", "test lock D3", "test lock R1", "test lock D9", "test lock R1"),
    *("test finger", "test all", "test lock", "note it-hums"),
    *("result yes", "result no", "replace badge A-1 SN1", "replace x y z"),
    *("restart controller", "restart touchscreen", "restart all", "poweroff", "poweroff now"),
    *("logs", "logs controller 5m", "network", "ledger verify", "bundle print", "bundle usb"),
)


def visits(state: State) -> list[e.Event]:
    """Whatever a technician, or who would be one, may do at the console."""
    session = state.service.id if state.service is not None else "0" * 16
    found: list[e.Event] = [
        e.ServiceProved(held, key, "Sam Okafor", 7, "ward-1", False, until_ms)
        for held in ("", session)
        for key in ("SHA256:k", "SHA256:other")
        for until_ms in (2 * NOON_MS, NOON_MS - 1)
    ]
    for line in ASKED:
        command, *arguments = line.split()
        found.append(e.ServiceAsked(session, command, tuple(arguments)))
    found += [e.ServiceAsked(session, "config", ("x",), "failed"), e.ServiceNotProved("wrong")]
    found += [
        e.ServiceWrote(held, text) for held in ("", session) for text in ("", "a \x1b", "x" * 999)
    ]
    found += [
        e.ServiceEntered("request", held, person, right, step)
        for held in ("", session)
        for person in ("", "nobody", *list(state.people)[:1], *list(state.people)[-1:])
        for right, step in ((True, 2**40), (True, 0), (False, 2**40))
    ]
    found += [e.SystemTold(session, "verify", "ok"), e.SystemTold("0" * 16, "logs", "failed")]
    return [*found, e.ServiceLeft(session, "logout"), e.ServiceLeft("0" * 16, "hung_up")]


class Attacked(Ward):
    """A ward with a shadow: a second state that knows only the bytes in the ledger."""

    def __init__(self) -> None:
        super().__init__(stocked=False)
        for number, pocket in enumerate(("P1", "P2", "M1", "M2")):
            self.load("T1", pocket, 131 + 6 * number)
        self._invite()
        self.commands.clear()
        self.shadow, self._seen = State(), 0
        self.tablets = {pocket: self.state.on_hand(pocket) for pocket in self.state.pockets}
        self.unseen = dict.fromkeys(self.tablets, 0)  # taken beside the rules since a count
        self.is_open = dict.fromkeys(DRAWERS, False)
        self.follow()

    def _invite(self) -> None:
        """Somebody new holds a code that is still good."""
        self.do(row("X1", "nurse", its_badge=badge("X1")))
        self.sign_in("A1")
        self.press("invite")
        self.press(f"issue:{self.ref('X1')}")
        self.do(e.CodeMade(self.command(e.MakeCode).request, "plain", "code X1"))
        self.press("menu")
        self.press("sign_out")

    def start(self) -> Any:
        outcome = super().start()
        if hasattr(self, "is_open"):
            for drawer, position in self.positions.items():
                self.is_open[drawer] = position in ("open", "disagree")
        return outcome

    def make_up(self, plan: Plan) -> None:
        """Power off and on with another plan; what was not there before is found shut."""
        self.plan = plan
        names = [drawer.id for drawer in plan.drawers]
        self.positions = {name: self.positions.get(name, "latched") for name in names}
        self.is_open = {name: self.is_open.get(name, False) for name in names}
        self.restart()

    # --- what is checked after every event ------------------------------------------------------

    def check(self, event: e.Event) -> None:
        """Everything that must hold now."""
        new = self.follow()
        assert plain(self.shadow) == plain(self.state), "the state is what the ledger says"
        pulses = [command for command in self.commands if isinstance(command, e.Pulse)]
        self._pulses(pulses, new)
        self.commands = [command for command in self.commands if command not in pulses]
        self._openings(event, new)
        self._books(new)
        self._screen()
        assert snapshot.take(self.shadow) == snapshot.take(self.state)

    def follow(self) -> list[r.Record]:
        """Let the shadow read what is new in the ledger."""
        attached = {it.hash.hex(): r.decode_details(it.kind, it.data) for it in self.sink.attached}
        new = []
        for data in self.sink.bodies[self._seen :]:
            assert len(data) <= r.MAX_BODY_BYTES
            body = r.decode_body(data)
            apply(self.shadow, body, attached)
            new.append(body.record)
        self._seen = len(self.sink.bodies)
        return new

    def _pulses(self, pulses: list[e.Pulse], new: list[r.Record]) -> None:
        assert len(pulses) <= 1, "one lock an event"
        started = [record for record in new if isinstance(record, r.AccessStarted)]
        tested = [record for record in new if isinstance(record, sr.LockTestOrdered)]
        ordered = [it.drawer for it in started] + [it.drawer for it in tested]
        assert [pulse.drawer for pulse in pulses] == ordered
        for test in tested:
            assert (test.key or test.person) and test.factors, "1: who, and by which factors"
            assert set(self.positions.values()) == {"latched"}, "6: one drawer at a time"
            assert not any(
                self.tablets[pocket.id]
                for drawer in self.plan.drawers
                for pocket in drawer.pocket
                if drawer.id == test.drawer and pocket.id in self.tablets
            ), "no technician alone opens a drawer with medicine in it"
        for it in started:
            assert it.person and it.session and it.factors, "1: who, and by which factors"
            assert it.pocket or it.kind == "return", "1: which pocket"
            if it.medicine and self.state.controlled(it.medicine):
                assert len(set(it.factors)) >= 2, "5: two factors"
            standing = self.state.people[it.person].standing
            assert standing == "active", "5: rights are checked at every release"
            assert set(self.positions.values()) == {"latched"}, "6: one drawer at a time"
            if it.kind == "remove" and not it.order:
                assert it.override, "without an order only for a reason"
                begun = self.shadow.emergencies.get(it.emergency)
                listed = [row.medicine for row in self.plan.override]
                assert it.medicine in listed or (begun is not None and not begun.ended)
        for record in new:
            if isinstance(record, r.EmergencyBegun):
                assert record.second not in ("", record.person), "5: two people"
                assert len(set(record.second_factors)) >= 2, "5: each with two factors"
            if isinstance(record, r.Wasted):
                assert record.witness, "5: two people"
            if isinstance(record, r.Wasted | r.Counted) and record.witness:
                assert record.witness != record.person, "5: two people"
                assert len(set(record.witness_factors)) >= 2, "5: each with two factors"

    def _openings(self, event: e.Event, new: list[r.Record]) -> None:
        if not isinstance(event, e.DrawerMoved) or event.drawer not in self.is_open:
            return
        told = [it for it in new if isinstance(it, r.DrawerOpened | r.DrawerForced)]
        if event.position in ("open", "disagree"):
            if not self.is_open[event.drawer]:
                assert len(told) == 1, "2: an opening has one record"
            self.is_open[event.drawer] = True
        elif event.position == "latched":
            self.is_open[event.drawer] = False

    def _books(self, new: list[r.Record]) -> None:
        for record in new:
            assert r.balanced(r.postings_of(record)), "3: postings sum to zero"
            match record:
                case r.Counted():
                    self.unseen[record.pocket] = record.found - self.tablets[record.pocket]
                case r.RemovalTaken() | r.Loaded():
                    for posting in record.postings:
                        pocket = posting.account.removeprefix("pocket:")
                        if pocket in self.unseen:
                            self.unseen[pocket] += posting.quantity
        for pocket, physical in self.tablets.items():
            if pocket not in self.state.pockets:
                continue  # taken out of the cabinet, with what is in it
            assert self.state.on_hand(pocket) - physical == self.unseen[pocket], "3: as counted"
        sums: dict[str, int] = {}
        for (_, medicine), quantity in self.state.balances.items():
            sums[medicine] = sums.get(medicine, 0) + quantity
        assert not any(sums.values()), "3: every dose is somewhere"

    def _screen(self) -> None:
        moment = e.Moment(self.wall_ms + self.now_ms, self.now_ms, bytes(32), self.positions)
        shown = self.screen()
        live = screens.live(self.state, self.engine.place, moment)
        screens.outputs(self.state, moment)
        assert len(encode(Shown(shown, live))) <= MAX_FRAME_BYTES
        numbers = set(re.findall(r"\d+", " ".join(words(msgspec.to_builtins(Shown(shown, live))))))
        if self.state.witnessing is not None:
            numbers.discard(str(self.state.witnessing.quantity))  # as the person typed it
        for pocket in self.state.pockets:
            expected = self.state.on_hand(pocket)
            if expected >= SHOWN_FROM:
                assert str(expected) not in numbers, f"10: {shown.name} shows what is expected"

    # --- trying without doing -------------------------------------------------------------------

    def try_everything(self) -> None:
        """Each button and each event, decided and (a few times of each kind) applied to a copy."""
        for event in (*self._presses(self.screen()), *self._events()):
            moment = e.Moment(
                self.wall_ms + self.now_ms, self.now_ms, self._random(32), dict(self.positions)
            )
            decision = decide(self.state, self.engine.place, event, moment)
            kinds = tuple(type(record).__name__ for record in decision.records)
            key = (self.state.screen.state, self.engine.place.page, type(event).__name__, kinds)
            if decision.records and TRIED.get(key, 0) < APPLIED_AT_MOST:
                self._would_apply(decision, moment)
                TRIED[key] = TRIED.get(key, 0) + 1  # only what went well

    def names(self) -> list[str]:
        """Some attachments, and one that is not there."""
        return [*list(self.state.named)[::7], "00" * 32]

    def _would_apply(self, decision: Any, moment: e.Moment) -> None:
        copy = replay(self.sink)
        details = attached(decision.attachments)
        for index, record in enumerate(decision.records, 1):
            body = r.Body(
                r.BODY_TAG,
                r.BODY_VERSION,
                "ward-1",
                copy.size + 1,
                moment.wall_ms,
                moment.mono_ms,
                copy.boot,
                f"{index}",
                record,
            )
            apply(copy, r.decode_body(r.encode_body(body)), details)
        screens.show(copy, decision.place, moment.wall_ms)
        screens.live(copy, decision.place, moment)

    def _presses(self, screen: Screen) -> Iterator[e.Pressed]:
        typed = any(isinstance(block, Keypad | Letters) for block in screen.blocks)
        for button in screens.buttons(screen):
            yield e.Pressed(button)
            if typed:
                yield from (e.Pressed(button, text) for text in TYPED)
        yield e.Pressed("open", "1")

    def templates(self) -> Iterator[e.Event]:
        """What the sensor may say of templates, asked or not."""
        orders = [it.order for it in self.state.loading if it.order]
        yield from (e.FingerSeen(it, out, 2) for it in orders for out in OUTCOMES)
        for slot in (0, 2, 12, 14):
            yield e.FingerSeen(f"read:{slot}:x", "read", slot, sealed="sealed")
            yield e.FingerSeen(f"read:{slot}:x", "fault", None, "no")
        yield e.FingerSeen("read:x", "read", 0, sealed="sealed")

    def _events(self) -> Iterator[e.Event]:
        request = self.engine.place.request
        yield from (e.DrawerMoved(drawer, it) for drawer in DRAWERS for it in POSITIONS)
        yield from (e.PulseEnded(drawer, "resting") for drawer in (*DRAWERS, "D9"))
        yield from (e.BadgeSeen(badge(it)) for it in PEOPLE[:1] + PEOPLE[-2:])
        yield from (e.FingerSeen(request, it, slot) for it in OUTCOMES for slot in (None, 0, 2))
        yield from self.templates()
        yield from (e.PinChecked(request, right) for right in (True, False))
        yield from (e.PinHashed(request, "hash"), e.PinHashed(request, unusable="too short"))
        yield from (e.CodeHashed(request, code) for code in CODES)
        yield from (e.CodeMade(request, "plain", "code X1"), e.DeviceChanged("fingerprint", "x"))
        yield from (e.CodeSeen(""), e.CodeSeen("0000000101", "L", "2031-01-31"))
        yield from (e.CodeSeen("00000000101", "L", "soon"), e.DeviceChanged("fingerprint", ""))
        yield from (e.Space(percent) for percent in (0, 1, 15, 50))
        yield from (
            e.Erase((name,), "right", order) for name in self.names() for order in ("", "1")
        )
        yield from (e.Tick(), e.Stop(), e.Start("test", PLANS[1], tuple(self.positions.items())))
        yield from (*IMPORTS, *STAFF_LISTS)
        yield from visits(self.state)


def words(told: Any) -> Iterator[str]:
    """Everything on the screen that a person reads: not ids and numbers of screens."""
    match told:
        case dict():
            for name, value in told.items():
                if name not in ("id", "number"):
                    yield from words(value)
        case list() | tuple():
            for value in told:
                yield from words(value)
        case _:
            yield str(told)


def plain(state: State) -> object:
    """The state as plain values; positions by name."""
    told = {name: getattr(state, name) for name in vars(state)}
    told["screen"] = state.screen.state
    told["drawers"] = {
        name: (it.plan, it.model.state, it.access, it.since_ms, it.alerted, it.cause, it.doubted)
        for name, it in state.drawers.items()
    }
    return told
