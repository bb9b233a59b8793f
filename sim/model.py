"""What is so, kept simple: where each tablet is, who holds what, what the entries' bytes say.

Not a second copy of the rules: dicts and sums. One rule: it believes the world, and the bytes that
were acknowledged, never the cabinet's own state, which it is there to judge.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cabinet import records as r
from cabinet import service_records as sr
from sim.happenings import Happening, Kind
from sim.people import Person
from sim.phone import Phone
from sim.views import Fault
from sim.violation import Opening, Violation
from sim.world import World

REMOVERS = ("nurse", "charge_nurse", "pharmacist")
CUSTODIANS = (*REMOVERS, "temporary")
STOCKERS = ("pharmacist", "pharmacy_technician")
WRITTEN_MS = 31_000  # from the decision to the disk, at most
MOST_WRONG = 20
LATE_S = 0.05  # a driver may end a pulse
SURE_AFTER_S = 40.0  # of a sensor's mending, or a slow disk's


@dataclass
class Model:
    """One story's truth."""

    world: World
    now_s: Callable[[], float]
    wall_s: Callable[[], float]  # as the cabinet has it
    pulse_s: float
    rest_s: float
    checks: int = 0
    entries: int = 0
    accesses: int = 0
    readers: list[Callable[[r.Body], None]] = field(default_factory=list)  # hear each entry
    violations: list[Violation] = field(default_factory=list)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    pockets: dict[str, tuple[str, str]] = field(default_factory=dict)  # -> medicine, drawer
    confessed: dict[str, int] = field(default_factory=dict)  # pocket -> units gone unseen
    schedules: dict[str, str] = field(default_factory=dict)
    roles: dict[str, tuple[str, bool]] = field(default_factory=dict)  # person -> role, active
    badges: dict[str, str] = field(default_factory=dict)  # keyed hash -> person
    staff: dict[str, Person] = field(default_factory=dict)  # by their reference
    phones: dict[str, Phone] = field(default_factory=dict)  # by staff id, of who has an app
    orders: dict[str, r.OrderListed] = field(default_factory=dict)
    nurses: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of a patient
    active: dict[str, None] = field(default_factory=dict)  # orders without an end
    bins: dict[str, None] = field(default_factory=dict)  # drawers that are return bins
    binned: dict[tuple[str, str], int] = field(default_factory=dict)  # put in or not, unseen
    hot: dict[str, None] = field(default_factory=dict)  # drawers whose coil does not let go
    openings: dict[str, Opening] = field(default_factory=dict)  # drawer -> its last
    removals: dict[str, tuple[str, int]] = field(default_factory=dict)  # -> medicine, still open
    ordered: dict[str, list[str]] = field(default_factory=dict)  # drawer -> orders not yet pulsed
    latched: dict[str, bool] = field(default_factory=dict)
    latched_at: dict[str, float] = field(default_factory=dict)
    again: dict[str, None] = field(default_factory=dict)  # drawers that a start found open
    broken: dict[str, int] = field(default_factory=dict)  # how many faults its sensors have now
    broken_until: dict[str, float] = field(default_factory=dict)  # a drawer's sensors
    late_until: float = 0.0  # what came may be recorded so late
    unexplained: dict[str, float] = field(default_factory=dict)  # drawer -> opened when, unrecorded
    declared: dict[str, int] = field(default_factory=dict)  # pocket -> units wrongly taken or put
    counted: dict[str, int] = field(default_factory=dict)  # pocket -> what was typed as its count
    stirred: dict[str, None] = field(default_factory=dict)  # pockets to look at again
    fingerless: dict[str, None] = field(default_factory=dict)  # people without an enrolled one
    unjudged: dict[str, dict[str, None]] = field(default_factory=dict)  # owed verdict -> of whom
    open: dict[str, bool] = field(default_factory=dict)
    said_open: dict[str, None] = field(default_factory=dict)  # and not latched since
    coil_on: dict[str, float] = field(default_factory=dict)
    coil_off: dict[str, float] = field(default_factory=dict)
    chain: bytes = b"\0" * 32  # over every acknowledged body
    links: dict[int, bytes] = field(default_factory=dict)  # size -> chain, now and then
    duties: dict[str, int] = field(default_factory=dict)  # why a check was set aside -> how often

    def wrong(self, invariant: int, words: str) -> None:
        """Note that an invariant does not hold."""
        if len(self.violations) < MOST_WRONG:
            found = Violation(invariant, words, self.now_s(), self.entries)
            self.violations.append(found)

    def expect(self, invariant: int, holds: bool, words: str) -> None:
        """Check one thing."""
        self.checks += 1
        if not holds:
            self.wrong(invariant, words)

    def begin(self) -> None:
        """What was before the story is believed: its people's hands were not watched."""
        self.violations.clear()
        self.checks = 0
        for opening in self.openings.values():
            opening.over, opening.net = True, 0
        self.ordered.clear()
        self.unexplained.clear()
        for pocket, (medicine, _) in self.pockets.items():
            expected = self.balances.get((f"pocket:{pocket}", medicine), 0)
            self.confessed[pocket] = expected - self.lying(pocket)

    # --- the bytes that were acknowledged --------------------------------------------------------

    def acked(self, bodies: Sequence[bytes]) -> None:
        """These are on disk; nothing was done about them yet."""
        for data in bodies:
            self.chain = hashlib.sha256(self.chain + data).digest()
            self.entries += 1
            if self.entries % 500 == 0:
                self.links[self.entries] = self.chain
            body = r.decode_body(data)
            self.expect(4, body.seq == self.entries, f"entry {body.seq} came as {self.entries}")
            self.entered(body.record)
            for reader in self.readers:
                reader(body)

    def entered(self, record: r.Record) -> None:
        """What one record says happened."""
        postings = r.postings_of(record)
        if postings:
            self._post(record, postings)
        match record:
            case r.Configured():
                for drawer in record.plan.drawers:
                    if drawer.kind == "return_bin":
                        self.bins[drawer.id] = None
                    for pocket in drawer.pocket:
                        self.pockets[pocket.id] = (pocket.medicine, drawer.id)
                        self.confessed.setdefault(pocket.id, 0)
            case r.MedicineListed():
                self.schedules[record.medicine] = record.schedule
            case r.PersonListed() | r.PersonEnrolled():
                if isinstance(record, r.PersonListed):
                    self.roles[record.person] = (record.rights.role, record.standing == "active")
                else:
                    self.roles[record.person] = (record.role, True)
                if record.badge:
                    self.badges[record.badge] = record.person
            case r.PersonChanged():
                self.roles[record.person] = (record.after.role, record.status_after == "active")
            case r.PatientListed():
                self.nurses[record.patient] = record.nurses
            case r.OrderListed():
                self.orders[record.order] = record
                self.active.pop(record.order, None)
                if not record.stops_ms:
                    self.active[record.order] = None
            case r.OrderStopped():
                self.orders.pop(record.order, None)
                self.active.pop(record.order, None)
            case r.AccessStarted():
                self._access(record)
            case r.DrawerOpened() | r.DrawerForced():
                self._said_open(record.drawer)
            case r.DrawerClosed():
                lately = self.now_s() - self.latched_at.get(record.drawer, 0.0) <= 1.0
                shut = lately or self.latched.get(record.drawer, True)
                self.expect(
                    2,
                    shut or self._unsure(record.drawer),
                    f"{record.drawer} is said to be shut, and is not",
                )
            case r.Started():
                self.again = dict.fromkeys(self.open)
            case r.AccessInterrupted():
                if record.opened:
                    opening = self._opening(record.access)
                    self.unexplained.pop(opening.started.drawer, None)
                self._unfinished(record.access)
            case sr.LockTestOrdered():
                self.ordered.setdefault(record.drawer, []).append(record.access)
            case sr.LockTestInterrupted():
                if record.opened:
                    self.unexplained.pop(record.drawer, None)
            case r.AccessLeft() | r.AccessLapsed() | r.AccessFailed() | r.CancelledBeforeOpen():
                self._unfinished(record.access)
            case r.CancelledAfterOpen() | r.CountDone():
                self._unfinished(record.access)
            case _:
                self._moved(record)

    def _said_open(self, drawer: str) -> None:
        """One opening is one record; after a restart what is still open is said again."""
        new = drawer in self.unexplained
        if not self.latched.get(drawer, True):
            self.said_open[drawer] = None
        again = drawer in self.again and self.open.get(drawer, False)
        self.unexplained.pop(drawer, None)
        self.again.pop(drawer, None)
        seen = new or again or self._unsure(drawer)
        self.expect(2, seen, f"{drawer} is said to have been opened, and was not")

    def _unsure(self, drawer: str) -> bool:
        """Whether its sensors may have said what is not so, or were heard late."""
        if self.broken.get(drawer, 0):
            return True
        return self.now_s() <= max(self.broken_until.get(drawer, 0.0), self.late_until)

    def _moved(self, record: r.Record) -> None:
        """Records that move medicine: what they post must be what was ordered or counted."""
        match record:
            case r.Counted():
                opening = self._opening(record.access)
                if record.witness:
                    self.expect(5, record.witness != record.person, "one's own count witnessed")
                lies = self.lying(record.pocket)
                self.confessed[record.pocket] = record.found - lies
                typed = self.counted.get(record.pocket, record.found)
                self.expect(3, record.found == typed, f"{typed} typed, {record.found} counted")
                opening.net = 0
            case r.RemovalTaken():
                opening = self._opening(record.access)
                started = opening.started
                self.expect(3, record.quantity == started.quantity, "another amount than ordered")
                self._agrees(started.pocket, opening.net - started.quantity)
                opening.net, opening.over = 0, True
                self.removals[record.removal] = (started.medicine, started.quantity)
            case r.Loaded():
                opening = self._opening(record.access)
                started = opening.started
                self.expect(3, record.quantity == started.quantity, "another amount than ordered")
                self._agrees(started.pocket, opening.net + started.quantity)
                opening.net, opening.over = 0, True
            case r.Given() | r.Wasted() | r.Returned():
                self._settled(record)
            case _:
                pass

    def _agrees(self, pocket: str, wrongly: int) -> None:
        """What moved is what the person was told to move, but for what they did wrongly."""
        declared = self.declared.pop(pocket, 0)
        self.expect(3, wrongly == declared, f"{pocket}: {wrongly} wrongly moved, not {declared}")
        self.confessed[pocket] += wrongly

    def _settled(self, record: r.Given | r.Wasted | r.Returned) -> None:
        medicine, left = self.removals.get(record.removal, ("", 0))
        self.expect(3, 0 < record.quantity <= left, f"{record.quantity} of {left} settled")
        self.removals[record.removal] = (medicine, left - record.quantity)
        if left == record.quantity:
            del self.removals[record.removal]
        if isinstance(record, r.Wasted):
            self.expect(5, record.witness != record.person, "somebody witnessed their own waste")
            role, active = self.roles.get(record.witness, ("", False))
            self.expect(5, active and role in REMOVERS, f"a {role} witnessed, active: {active}")
        if isinstance(record, r.Returned):
            opening = self._opening(record.access)
            drawer, wrongly = opening.started.drawer, opening.net + record.quantity
            declared = self.declared.pop(drawer, 0)
            self.expect(3, wrongly == declared, f"{drawer}: {wrongly} wrongly, not {declared}")
            self._unbin(drawer, medicine, wrongly)
            opening.net, opening.over = 0, True

    def _unbin(self, drawer: str, medicine: str, units: int) -> None:
        """So many fewer lie in a return bin than the cabinet may know."""
        key = (drawer, medicine)
        self.binned[key] = self.binned.get(key, 0) + units

    def _opening(self, access: str) -> Opening:
        for opening in self.openings.values():
            if opening.started.access == access:
                return opening
        self.wrong(1, "a record of an access that was never started")
        return Opening(r.AccessStarted("", "count", "", "", (), ""))

    def _unfinished(self, access: str) -> None:
        """It ended without a word of what moved: whatever did, did so unseen."""
        opening = self._opening(access)
        if opening.started.pocket:
            self.confessed[opening.started.pocket] += opening.net
        elif opening.net:
            self._unbin(opening.started.drawer, opening.started.medicine, opening.net)
        opening.net, opening.over = 0, True

    def _post(self, record: r.Record, postings: tuple[r.Posting, ...]) -> None:
        sums: dict[str, int] = {}
        for posting in postings:
            key = (posting.account, posting.medicine)
            kind, _, place = posting.account.partition(":")
            if kind in ("pocket", "return_bin"):
                self.stirred[place] = None
            sums[posting.medicine] = sums.get(posting.medicine, 0) + posting.quantity
            balance = self.balances.pop(key, 0) + posting.quantity
            if balance:
                self.balances[key] = balance
        name = type(record).__name__
        self.expect(3, not any(sums.values()), f"the postings of {name} do not sum to zero")

    def _access(self, started: r.AccessStarted) -> None:
        self.accesses += 1
        role, active = self.roles.get(started.person, ("", False))
        may = {"load": STOCKERS, "remove": CUSTODIANS, "return": CUSTODIANS}.get(
            started.kind, (*CUSTODIANS, *STOCKERS)
        )
        self.expect(5, active and role in may, f"a {role} (active: {active}) did {started.kind}")
        if self.schedules.get(started.medicine, "none") != "none":
            self.expect(5, len(set(started.factors)) >= 2, "a controlled substance, one factor")
        self.expect(1, bool(started.session and started.person), "nobody ordered the opening")
        if started.pocket:
            drawer = self.pockets[started.pocket][1]
            self.expect(6, drawer == started.drawer, "the pocket is in another drawer")
        if started.kind == "remove" and not started.override:
            order = self.orders.get(started.order)
            now_ms = self.wall_s() * 1000 + 1
            fits = (
                order is not None
                and 0 < started.quantity <= order.quantity
                and order.starts_ms <= now_ms
                and (not order.stops_ms or now_ms - WRITTEN_MS < order.stops_ms)
            )
            self.expect(5, fits, f"{started.quantity} of an order that does not allow it")
        for drawer, is_open in self.open.items():
            self.expect(6, not is_open, f"{started.drawer} ordered open while {drawer} is")
        before = self.openings.get(started.drawer)
        if before is not None and not before.over:
            self._unfinished(before.started.access)
        self.openings[started.drawer] = Opening(started)
        self.ordered.setdefault(started.drawer, []).append(started.access)

    def gone(self, pocket: str) -> int:
        """What the cabinet cannot know is missing there now: expected less physical."""
        opening = self.openings.get(self.pockets[pocket][1])
        going_on = opening is not None and not opening.over
        mine = going_on and opening is not None and opening.started.pocket == pocket
        return self.confessed[pocket] + (opening.net if mine and opening is not None else 0)

    def gone_from_bin(self, drawer: str, medicine: str) -> int:
        """The same of a return bin."""
        opening = self.openings.get(drawer)
        mine = opening is not None and not opening.over and opening.started.medicine == medicine
        going_on = opening.net if mine and opening is not None else 0
        return self.binned.get((drawer, medicine), 0) + going_on

    def admit(self, drawer: str, told: int | None) -> None:
        """Whoever shuts it knows what the screen `told` to move, and what they moved."""
        opening = self.openings.get(drawer)
        if told is None or opening is None or opening.over or not opening.started.medicine:
            return
        into = opening.started.kind in ("load", "return")
        place = opening.started.pocket or drawer
        self.declared[place] = opening.net + (told if into else -told)

    # --- the physical world ---------------------------------------------------------------------

    def lying(self, pocket: str) -> int:
        """How many really lie in it."""
        return self.world.tablets(pocket).get(self.pockets[pocket][0], 0)

    def happened(self, happening: Happening) -> None:
        """What the world's log says, as it says it."""
        drawer, at = happening.drawer, happening.at
        match happening.kind:
            case Kind.COIL_ON:
                orders = self.ordered.get(drawer, [])
                self.expect(1, bool(orders), f"{drawer} energised without an order on disk")
                self.ordered[drawer] = orders[1:]
                off = self.coil_off.get(drawer)
                rested = off is None or at - off >= self.rest_s - 0.001
                self.expect(8, rested, f"{drawer} energised {at - (off or 0):.2f} s after the last")
                others = [it for it, is_open in self.open.items() if is_open]
                self.expect(6, not others, f"{drawer} energised while {others} stand open")
                self.coil_on[drawer] = at
            case Kind.COIL_OFF | Kind.COIL_CUT:
                began = self.coil_on.pop(drawer, at)
                if drawer in self.hot:  # the software's pulse ended as it should; the coil did not
                    at = min(at, began + self.pulse_s)
                    if drawer not in self.stuck_coils():
                        del self.hot[drawer]
                long_s = at - began
                self.expect(8, long_s <= self.pulse_s + LATE_S, f"{drawer} on for {long_s:.3f} s")
                self.coil_off[drawer] = at
            case Kind.OPENED:
                self.open[drawer] = True
                if drawer not in self.said_open:
                    self.unexplained[drawer] = at
            case Kind.CLOSED:
                self.open[drawer] = False
            case Kind.TAKEN | Kind.PUT:
                units = happening.count if happening.kind is Kind.TAKEN else -happening.count
                self._handled(drawer, happening.place, happening.medicine, units)
            case Kind.HOOK_ENGAGED:
                self.latched[drawer], self.latched_at[drawer] = True, at
                self.said_open.pop(drawer, None)
            case Kind.HOOK_RELEASED:
                self.latched[drawer] = False
            case Kind.FAULTED if happening.detail == Fault.COIL_STUCK.value:
                self.hot[drawer] = None
            case Kind.MENDED if happening.detail == Fault.COIL_STUCK.value:
                if drawer not in self.coil_on:
                    del self.hot[drawer]
            case Kind.FAULTED | Kind.MENDED if happening.detail == Fault.JAMMED_OPEN.value:
                pass  # its sensors say what is so
            case Kind.FAULTED:
                self.broken[drawer] = self.broken.get(drawer, 0) + 1
            case Kind.MENDED:
                self.broken[drawer] -= 1
                self.broken_until[drawer] = at + SURE_AFTER_S
            case _:
                pass

    def stuck_coils(self) -> list[str]:
        """Drawers whose coil stays on although nothing drives it."""
        return [it.id for it in self.world.view().drawers if Fault.COIL_STUCK in it.faults]

    def _handled(self, drawer: str, place: str, medicine: str, units: int) -> None:
        opening = self.openings.get(drawer)
        self.stirred[place] = None
        if place in self.bins:
            mine = opening is not None and not opening.over
            if mine and opening is not None and opening.started.medicine == medicine:
                opening.net += units
            else:
                self._unbin(place, medicine, units)
        elif opening is not None and not opening.over and opening.started.pocket == place:
            opening.net += units
        else:
            self.confessed[place] += units  # a hand in a drawer that nobody opened for it
