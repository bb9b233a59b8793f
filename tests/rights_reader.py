"""A reader of the ledger who checks that nobody did what they might not: from the bodies alone.

It knows no rule of the cabinet and no code of its policy: only the tables that are written by hand
in `test_privileges.py`, the three kinds of factor, and what the design's invariant 5 says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cabinet import records as r
from cabinet.plan import Plan, Rules, Timings
from tests.test_privileges import COLUMNS, MAY

KINDS = {"badge": "have", "totp": "have", "security_key": "have", "finger": "are", "pin": "know"}
GROUPS = {"CII": "A", "CIII": "B", "CIV": "C", "CV": "D", "none": "E"}
REACHING = ("remove", "load", "count")


@dataclass
class Known:
    """What the ledger says of a person."""

    rights: r.Rights
    standing: str
    human: str
    enrolled: bool = False


class Reader:
    """Reads bodies in their order; AssertionError at the first that ought not to be there."""

    def __init__(self) -> None:
        self.seen = 0
        self.now_ms = 0
        self.plan = Plan("", (), Timings(), Rules())
        self.people: dict[str, Known] = {}
        self.medicines: dict[str, r.MedicineListed] = {}
        self.session: tuple[str, str, tuple[str, ...]] | None = None
        self.attempt: r.BadgePresented | None = None
        self.called: tuple[r.WitnessCalled, int] | None = None
        self.accesses: dict[str, r.AccessStarted] = {}
        self.removals: dict[str, r.AccessStarted] = {}
        self.checked: dict[str, int] = {}

    def follow(self, bodies: Sequence[bytes]) -> None:
        """Read what is new."""
        for data in bodies[self.seen :]:
            body = r.decode_body(data)
            self.now_ms = max(self.now_ms, body.wall_ms)
            self.read(body)
        self.seen = len(bodies)

    def read(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        match record:
            case r.Configured():
                self.plan = record.plan
            case r.Started():
                self.session = self.attempt = self.called = None
            case r.MedicineListed():
                self.medicines[record.medicine] = record
            case r.PersonListed() | r.PersonChanged() | r.PersonEnrolled():
                self._person(record)
            case r.BadgePresented():
                self.attempt = record
            case r.AttemptEnded() | r.WitnessDismissed():
                self.attempt = None
            case r.SignedIn() | r.ScreenUnlocked() | r.SignedOut():
                self._session(record)
            case r.WitnessCalled():
                self.called = (record, body.mono_ms)
            case r.AccessStarted() | r.RemovalTaken():
                self._access(record)
            case r.Given():
                self._act("give", record.person, record.session, self._medicine(record.removal))
            case r.Wasted() | r.Counted():
                self._attested(record, body.mono_ms)

    # --- people ---------------------------------------------------------------------------------

    def _person(self, record: r.PersonListed | r.PersonChanged | r.PersonEnrolled) -> None:
        known = self.people.get(record.person)
        match record:
            case r.PersonListed():
                enrolled = known is not None and known.enrolled
                human = record.human or record.person
                assert known is None or known.standing != "left" or record.standing == "left"
                if known is not None and known.rights.role != record.rights.role:
                    by_two = ("administrator", "pharmacist", "temporary")
                    assert record.rights.role not in by_two, "a list grants no such role"
                before = known.rights.override_groups if known is not None else ()
                assert not [it for it in record.rights.override_groups if it not in before]
                self.people[record.person] = Known(record.rights, record.standing, human, enrolled)
            case r.PersonChanged():
                assert known is not None
                known.rights, known.standing = record.after, record.status_after
            case r.PersonEnrolled():
                if known is None:
                    known = Known(r.Rights(record.role), "active", record.person)
                    self.people[record.person] = known
                known.enrolled = True

    def _good(self, ref: str, act: str, medicine: str = "") -> None:
        """The person may do this, here and now."""
        known = self.people[ref]
        own = known.rights
        assert known.enrolled and known.standing == "active", f"{act}: {known.standing}"
        assert not own.expires_ms or self.now_ms < own.expires_ms, f"{act}: expired"
        assert MAY[act][COLUMNS.index(own.role)], f"{act}: not for a {own.role}"
        assert "*" in own.areas or self.plan.area in own.areas, f"{act}: elsewhere"
        if medicine and act in REACHING:
            listed = self.medicines[medicine]
            assert (listed.group or GROUPS[listed.schedule]) in own.groups, f"{act}: group"
        held = dict(own.competencies)
        for training in self.plan.training:
            if act in training.acts:
                until = held.get(training.competency, -1)
                assert until == 0 or self.now_ms < until, f"{act}: untrained"

    def _proved(self, factors: tuple[str, ...], medicine: str) -> None:
        kinds = {KINDS[factor] for factor in factors}
        assert factors and kinds != {"are"}, "a finger is never the only factor"
        if not medicine or self.medicines[medicine].schedule != "none":
            assert len(kinds) >= 2, "two kinds of factor"

    # --- what they did --------------------------------------------------------------------------

    def _session(self, record: r.SignedIn | r.ScreenUnlocked | r.SignedOut) -> None:
        match record:
            case r.SignedOut():
                assert self.session is not None and self.session[0] == record.session
                self.session = None
            case r.SignedIn():
                assert self.session is None, "one person at the screen"
                self._came(record.person, "sign_in")
                self._proved(record.factors, "")
                assert self.people[record.person].standing == "active"
                self.session = (record.session, record.person, record.factors)
                self._count("sign_in")
            case r.ScreenUnlocked():
                assert self.session is not None and self.session[0] == record.session
                self._came(self.session[1], "sign_in")
                self._proved(record.factors, "")
                self.session = (*self.session[:2], record.factors)

    def _came(self, ref: str, purpose: str) -> None:
        """A badge of theirs was held to the reader for this, just now."""
        attempt = self.attempt
        assert attempt is not None and (attempt.person, attempt.purpose) == (ref, purpose)
        self.attempt = None

    def _act(self, act: str, person: str, session: str, medicine: str) -> None:
        assert self.session is not None, f"{act} with nobody signed in"
        assert self.session[:2] == (session, person), f"{act} by somebody else"
        self._good(person, act, medicine)
        self._proved(self.session[2], medicine)
        self._count(act, medicine)

    def _access(self, record: r.AccessStarted | r.RemovalTaken) -> None:
        if isinstance(record, r.RemovalTaken):
            self.removals[record.removal] = self.accesses[record.access]
            return
        self.accesses[record.access] = record
        self._act(record.kind, record.person, record.session, record.medicine)
        self._proved(record.factors, record.medicine)

    def _attested(self, record: r.Wasted | r.Counted, mono_ms: int) -> None:
        """Two different humans, the second inside the act and in time, where two are needed."""
        if isinstance(record, r.Wasted):
            act, medicine = "waste", self._medicine(record.removal)
            self._act(act, record.person, record.session, medicine)
            self._proved(record.factors, medicine)
        else:
            started = self.accesses[record.access]
            if started.kind != "count" or self.medicines[record.medicine].schedule == "none":
                return
            act, medicine = "count", record.medicine
            self._good(record.person, act, medicine)
        assert self.called is not None, f"{act}: no second person was asked for"
        called, called_ms = self.called
        assert called.person == record.person, f"{act}: of another person"
        assert mono_ms - called_ms <= self.plan.timings.witness_within_s * 1000, f"{act}: late"
        self._came(record.witness, "witness")
        self._good(record.witness, "witness")
        self._proved(record.witness_factors, "")
        one, other = self.people[record.person], self.people[record.witness]
        assert one.human != other.human, f"{act}: one human is not two people"
        self.called = None
        self._count(f"witnessed {act}")

    def _medicine(self, removal: str) -> str:
        return self.removals[removal].medicine

    def _count(self, act: str, medicine: str = "") -> None:
        controlled = medicine and self.medicines[medicine].schedule != "none"
        name = f"{act} controlled" if controlled else act
        self.checked[name] = self.checked.get(name, 0) + 1
