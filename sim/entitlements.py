"""Who might do what, as the entries have it: invariant 5, read by somebody who knows only records.

Not a second copy of the rules: dicts of what was recorded of people, and what may follow from it.
One rule: where two readings of a record are fair, the one that excuses the cabinet counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cabinet import records as r
from cabinet import staff_records as st
from cabinet.plan import Plan

KINDS = {"badge": "have", "totp": "have", "security_key": "have", "finger": "are", "pin": "know"}
GROUPS = {"CII": "A", "CIII": "B", "CIV": "C", "CV": "D", "none": "E"}
WITNESSES = ("nurse", "charge_nurse", "pharmacist", "anaesthetist", "witness_only")
SIGNED_OUT_WITHIN_MS = 120_000  # of losing one's rights, where no drawer is open
HOUR_MS = 3_600_000
NOTICED_MS = 10_000  # until it is noticed that a session was too long; here it ticks more slowly
Expect = Callable[[int, bool, str], None]


@dataclass
class Known:
    """What the entries say of a person."""

    rights: r.Rights
    standing: str
    human: str


@dataclass
class Entitlements:
    """Hears every entry; says with `expect` what ought not to be there."""

    expect: Expect
    any_open: Callable[[], bool]  # whether a drawer stands open
    plan: Plan | None = None
    people: dict[str, Known] = field(default_factory=dict)
    medicines: dict[str, r.MedicineListed] = field(default_factory=dict)
    emergencies: dict[str, r.EmergencyBegun] = field(default_factory=dict)
    session: tuple[str, str] | None = None  # its reference and its person
    proved_ms: int = 0  # when its person last proved who they are, in this boot
    locked: bool = False
    stopped_ms: int | None = None  # since when its person may do nothing
    called: tuple[r.WitnessCalled, int, str] | None = None  # with its instant, and boot
    seen: dict[str, int] = field(default_factory=dict)  # what was looked at -> how often
    orders: dict[str, r.OrderListed] = field(default_factory=dict)
    newest_ms: int = 0  # of the entries so far: what has ended by it stays over
    good_to: dict[str, str] = field(default_factory=dict)  # pocket -> the latest day loaded into it
    loads: dict[str, tuple[str, str]] = field(default_factory=dict)  # access -> pocket, day
    on_ms: int = 0  # for which the cabinet was surely on
    clock: tuple[str, int] = ("", 0)  # the newest entry's boot, and its monotonic time
    hours: dict[str, int] = field(default_factory=dict)  # temporary user -> over at so much on_ms

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        boot, before_ms = self.clock
        self.clock = (body.boot, body.mono_ms)
        self.on_ms += body.mono_ms - before_ms if body.boot == boot else 0
        match record:
            case r.Configured():
                self.plan = record.plan
            case r.Started():
                self.session = self.called = self.stopped_ms = None
                self.locked = False
            case r.MedicineListed():
                self.medicines[record.medicine] = record
            case r.PersonListed():
                human = record.human or record.person
                self.people[record.person] = Known(record.rights, record.standing, human)
                self.hours.pop(record.person, None)
                if record.by and record.rights.role == "temporary":
                    now_ms = max(self.newest_ms, body.wall_ms)
                    self.hours[record.person] = self.on_ms + record.rights.expires_ms - now_ms
            case r.PersonChanged():
                known = self.people[record.person]
                known.rights, known.standing = record.after, record.status_after
                if record.approved_by:
                    self._two(body, "approval", record.by, record.approved_by, ())
            case r.PersonEnrolled():
                first = Known(r.Rights(record.role), "active", record.person)
                self.people.setdefault(record.person, first)
            case r.SignedIn() | r.ScreenUnlocked() | r.ScreenLocked() | r.SignedOut():
                self._session(body, record)
            case r.WitnessCalled():
                self._at_work(body, "asked for a witness", record.session, record.person)
                self.called = (record, body.mono_ms, body.boot)
            case r.EmergencyBegun() | r.EmergencyEnded():
                self._emergency(body, record)
            case r.OrderListed():
                self.orders[record.order] = record
            case r.AccessStarted():
                self._access(body, record)
                self._in_time(body, record)
            case r.Loaded():
                pocket, day = self.loads.pop(record.access)
                self.good_to[pocket] = max(self.good_to.get(pocket, ""), day)
            case st.ClockPutRight():
                self.newest_ms = 0
            case r.Given():
                self._at_work(body, "gave", record.session, record.person)
            case r.Wasted():
                self._at_work(body, "wasted", record.session, record.person)
                self._trained(body, "waste", record.person)
                self.witnessed(body, record.person, record.witness, record.witness_factors)
            case r.Counted() if record.witness:
                self.witnessed(body, record.person, record.witness, record.witness_factors)
            case _:
                pass
        self._goes_on(body)
        self.newest_ms = max(self.newest_ms, body.wall_ms)

    # --- people -----------------------------------------------------------------------------------

    def _why_not(self, body: r.Body, person: str) -> str:
        """Why this person may do nothing at all, "" when they may."""
        known = self.people[person]
        if known.standing != "active":
            return known.standing
        expires_ms, now_ms = known.rights.expires_ms, max(self.newest_ms, body.wall_ms)
        hours_over = person in self.hours and self.on_ms >= self.hours[person]
        over = hours_over or 0 < expires_ms <= now_ms
        return "expired" if over else ""

    def may_work(self, body: r.Body, person: str) -> bool:
        """Whether they are active and of this area."""
        areas = self.people[person].rights.areas
        here = self.plan is not None and ("*" in areas or self.plan.area in areas)
        return here and not self._why_not(body, person)

    def good(self, body: r.Body, did: str, person: str) -> None:
        """They may be at work at this cabinet, now."""
        self.seen[did] = self.seen.get(did, 0) + 1
        why = self._why_not(body, person)
        self.expect(5, not why, f"somebody {why} {did}")
        areas = self.people[person].rights.areas
        here = self.plan is not None and ("*" in areas or self.plan.area in areas)
        self.expect(5, here, f"somebody of another area {did}")

    def _trained(self, body: r.Body, act: str, person: str) -> None:
        held = dict(self.people[person].rights.competencies)
        for training in self.plan.training if self.plan is not None else ():
            if act in training.acts:
                until_ms = held.get(training.competency, -1)
                trained = not until_ms or body.wall_ms < until_ms
                self.expect(5, trained, f"somebody without {training.competency}: {act}")

    def _at_work(self, body: r.Body, did: str, session: str, person: str) -> None:
        """They are the one person at the screen, which is not locked."""
        self.good(body, did, person)
        self.expect(5, self.session == (session, person), f"somebody {did} who is not signed in")
        self.expect(5, not self.locked, f"somebody {did} behind a locked screen")
        for_ms, plan = body.mono_ms - self.proved_ms, self.plan
        most_ms = (plan.timings.session_most_h if plan is not None else 12) * HOUR_MS
        words = f"somebody {did} {for_ms // HOUR_MS} h after they proved who they are"
        self.expect(5, for_ms <= most_ms + NOTICED_MS, words)

    def _session(
        self, body: r.Body, record: r.SignedIn | r.ScreenUnlocked | r.ScreenLocked | r.SignedOut
    ) -> None:
        match record:
            case r.SignedIn():
                self.expect(5, self.session is None, "two people are signed in")
                self.good(body, "signed in", record.person)
                self.kinds("signed in", record.factors)
                self.session, self.locked = (record.session, record.person), False
                self.proved_ms = body.mono_ms
            case r.ScreenUnlocked():
                self.kinds("unlocked", record.factors)
                self.locked, self.proved_ms = False, body.mono_ms
            case r.ScreenLocked():
                self.locked = True
            case r.SignedOut():
                self.session, self.locked, self.called = None, False, None

    def kinds(self, did: str, factors: tuple[str, ...]) -> None:
        kinds = dict.fromkeys(KINDS[factor] for factor in factors)
        self.expect(5, len(kinds) >= 2, f"somebody {did} by one kind of factor")

    def _goes_on(self, body: r.Body) -> None:
        """Whoever lost their rights is signed out within a bound."""
        stopped = self.session is not None and self._why_not(body, self.session[1])
        if not stopped or self.any_open():
            self.stopped_ms = None
        elif self.stopped_ms is None:
            self.stopped_ms = body.mono_ms
        else:
            gone_on_ms = body.mono_ms - self.stopped_ms
            in_time = gone_on_ms <= SIGNED_OUT_WITHIN_MS
            self.expect(5, in_time, f"somebody {stopped} is still signed in")

    # --- two people -------------------------------------------------------------------------------

    def _two(
        self, body: r.Body, act: str, one: str, other: str, roles: tuple[str, ...] = WITNESSES
    ) -> None:
        """The second one is another human, may be at work here, and is of one of `roles`."""
        self.good(body, f"witnessed ({act})", other)
        same = self.people[one].human == self.people[other].human
        self.expect(5, not same, f"{act}: one human as two people")
        theirs = self.people[other].rights.role
        self.expect(5, theirs in (roles or (theirs,)), f"{act}: a {theirs} witnessed")

    def witnessed(
        self,
        body: r.Body,
        one: str,
        other: str,
        factors: tuple[str, ...],
        roles: tuple[str, ...] = WITNESSES,
    ) -> None:
        """Another human, by two kinds of factor, inside the act and in time."""
        called, self.called = self.called, None
        act = called[0].act if called is not None else "nothing"
        self.expect(5, called is not None and called[0].person == one, f"{act}: nobody was called")
        self._two(body, act, one, other, roles)
        self.kinds("witnessed", factors)
        if roles is WITNESSES and act != "critical_override":
            self._trained(body, "witness", other)
        if called is not None and self.plan is not None and called[2] == body.boot:
            within_ms = self.plan.timings.witness_within_s * 1000
            late = body.mono_ms - called[1] > within_ms
            self.expect(5, not late, f"{act}: the witness came after {within_ms // 1000} s")

    # --- without an order -------------------------------------------------------------------------

    def _emergency(self, body: r.Body, record: r.EmergencyBegun | r.EmergencyEnded) -> None:
        if isinstance(record, r.EmergencyEnded):
            self.emergencies.pop(record.emergency, None)
            return
        self._at_work(body, f"began {record.kind}", record.session, record.person)
        self.kinds("began it", record.factors)
        rows = self.plan.policy if self.plan is not None else ()
        alone = any(it.act == "break_glass" and it.witness is False for it in rows)
        if not record.second:
            fits = alone and record.kind == "break_glass"
            self.expect(5, fits, f"{record.kind} without a second person")
        else:
            self.witnessed(body, record.person, record.second, record.second_factors)
        self.emergencies[record.emergency] = record

    def _access(self, body: r.Body, started: r.AccessStarted) -> None:
        self._at_work(body, f"opened a drawer: {started.kind}", started.session, started.person)
        rights, plan = self.people[started.person].rights, self.plan
        assert plan is not None
        act = "override" if started.override else started.kind
        self._trained(body, act, started.person)
        on = self.emergencies.get(started.emergency)
        if started.emergency:
            self.expect(5, on is not None and self._is_on(body, on), "an emergency that is over")
            own = on is None or on.kind != "break_glass" or on.person == started.person
            self.expect(5, own, "somebody else's break-glass")
        listed = self.medicines.get(started.medicine)
        if listed is None or started.kind == "return":
            return
        group = listed.group or GROUPS[listed.schedule]
        lifted = on.kind if on is not None and started.override else ""
        reached = group in rights.groups or lifted == "break_glass"
        self.expect(5, reached, f"{act} of another security group")
        if started.override and not lifted:
            may = group in rights.override_groups
            self.expect(5, may, "removed without an order and without the right to")
            on_list = started.medicine in [it.medicine for it in plan.override]
            self.expect(5, on_list, "removed without an order what is not on the list")

    def _in_time(self, body: r.Body, started: r.AccessStarted) -> None:
        """Neither an order that has ended, by whatever entry, nor one that has not begun."""
        now_ms = max(self.newest_ms, body.wall_ms)
        today = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
        good_to = self.good_to.get(started.pocket, "")
        if started.kind == "load":
            good_to = started.expires
            self.loads[started.access] = (started.pocket, good_to or "9999-12-31")
        if started.kind in ("load", "remove"):
            self.expect(5, not "" < good_to < today, f"{started.kind} of what has expired")
        order = self.orders.get(started.order)
        if started.kind == "remove" and order is not None:
            self.seen["an order's end"] = self.seen.get("an order's end", 0) + bool(order.stops_ms)
            over = 0 < order.stops_ms <= now_ms
            self.expect(5, not over, "removed by an order that has ended")
            self.expect(5, order.starts_ms <= body.wall_ms, "removed before the order begins")

    def _is_on(self, body: r.Body, begun: r.EmergencyBegun) -> bool:
        return body.wall_ms < begun.expires_ms
