"""A reader of the ledger who checks that nobody did what they might not: from the bodies alone.

It knows no rule of the cabinet and no code of its policy: only the tables that are written by hand
in `test_privileges.py`, the three kinds of factor, and what the design's invariant 5 says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.plan import Plan, Rules, Timings
from tests.test_privileges import COLUMNS, MAY

KINDS = {"badge": "have", "totp": "have", "security_key": "have", "finger": "are", "pin": "know"}
GROUPS = {"CII": "A", "CIII": "B", "CIV": "C", "CV": "D", "none": "E"}
REACHING = ("remove", "override", "load", "count")
SUPERVISORS = ("charge_nurse", "pharmacist")
BY_TWO = ("administrator", "pharmacist")  # roles that two administrators give


@dataclass
class Known:
    """What the ledger says of a person."""

    rights: r.Rights
    standing: str
    human: str
    enrolled: bool = False
    made_by: str = ""


def _more(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    return any(each not in before for each in after)


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
        self.emergencies: dict[str, r.EmergencyBegun] = {}
        self.checked: dict[str, int] = {}
        self.codes: dict[str, r.CodeIssued] = {}
        self.alone = False  # the person at the screen, whom nobody supervised and somebody should
        self.enrolment: r.EnrolmentStarted | None = None
        self.by_one: dict[str, bool] = {}  # one human issued the code and stood by

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
            case r.CodeIssued():
                self.codes[record.code] = record
            case st.CredentialsWithdrawn():
                self.people[record.person].enrolled &= record.pin_alone
            case st.PinRenewed():
                self._renewed(record)
            case st.TemporaryOver():
                over = self.people[record.person]
                end_ms = min(over.rights.expires_ms, self.now_ms)
                if over.rights.role == "temporary":
                    over.rights = msgspec.structs.replace(over.rights, expires_ms=end_ms)
            case st.AccessRecovered():
                first, second = record.persons
                self._good(first, "recover")
                self._good(second, "recover")
                assert self.people[first].human != self.people[second].human
                for ref, code in zip(record.persons, record.codes, strict=True):
                    self.codes[code] = r.CodeIssued(code, ref, "", record.expires_ms)
            case st.ClockPutRight():
                for ref in record.persons:
                    self._good(ref, "recover")
                self.now_ms = body.wall_ms
            case r.EnrolmentStarted():
                self._stood_by(record)
            case r.BadgePresented():
                self.attempt = record
            case r.AttemptEnded() | r.WitnessDismissed():
                self.attempt = None
            case r.SignedIn() | r.ScreenUnlocked() | r.SignedOut():
                self._session(record)
            case r.WitnessCalled():
                self.called = (record, body.mono_ms)
            case r.AccessStarted() | r.RemovalTaken():
                self._access(record, body.mono_ms)
            case r.Given():
                self._act("give", record.person, record.session, self._medicine(record.removal))
            case r.Wasted() | r.Counted():
                self._attested(record, body.mono_ms)
            case fr.SensorFitted():
                self._fitted(record, body.mono_ms)
            case fr.Supervised():
                self._supervised(record, body.mono_ms)
            case r.EmergencyBegun():
                self._emergency(record, body.mono_ms)
            case r.EmergencyEnded():
                del self.emergencies[record.emergency]

    # --- people ---------------------------------------------------------------------------------

    def _person(self, record: r.PersonListed | r.PersonChanged | r.PersonEnrolled) -> None:
        known = self.people.get(record.person)
        match record:
            case r.PersonListed():
                enrolled = known is not None and known.enrolled
                human = record.human or record.person
                assert known is None or known.standing != "left" or record.standing == "left"
                role, before = record.rights.role, r.Rights("")
                if known is not None:
                    before = known.rights
                if role != before.role:
                    assert role != "administrator", "a list makes no administrator"
                    assert role != "pharmacist" or known is None, "nor a pharmacist of a nurse"
                if role == "temporary" and known is None:
                    self._good(record.by, "temporary")
                    assert record.rights.expires_ms, "a temporary user always expires"
                assert not _more(before.override_groups, record.rights.override_groups)
                made_by = known.made_by if known is not None else record.by
                self.people[record.person] = Known(
                    record.rights, record.standing, human, enrolled, made_by
                )
            case r.PersonChanged():
                assert known is not None and known.rights == record.before
                self._changed(record)
                known.rights, known.standing = record.after, record.status_after
            case r.PersonEnrolled():
                if known is None:
                    known = Known(r.Rights(record.role), "active", record.person)
                    self.people[record.person] = known
                known.enrolled = True
                assert self.enrolment is not None and self.enrolment.person == record.person

    def _stood_by(self, record: r.EnrolmentStarted) -> None:
        """Two people are behind every account but those of the first two codes."""
        self.enrolment = record
        code = self.codes[record.code]
        self.by_one[record.person] = False
        if not code.by:  # the first administrators, and those whom the recovery cards let in
            return
        assert self.session is None and record.enroller, "whoever stands by was signed out"
        self._good(record.enroller, "enrol")
        self._proved(record.factors, "")
        one, other = self.people[code.by].human, self.people[record.enroller].human
        self.by_one[record.person] = one == other
        if self.people[record.person].rights.role != "temporary":
            assert one != other, "one human made an account that works alone"
            self._count("enrolled by two")

    def _renewed(self, record: st.PinRenewed) -> None:
        """A new PIN has two people behind it as well, and the one whose it is before them."""
        assert self.enrolment is not None and self.enrolment.person == record.person
        assert self.enrolment.enrolment == record.enrolment and self.enrolment.enroller
        assert self.people[record.person].enrolled and "badge" in record.factors
        assert "finger" in record.factors or record.fallback
        self._count("a new PIN by two")

    def _changed(self, record: r.PersonChanged) -> None:
        """Power is given by two different administrators who both proved who they are."""
        before, after = record.before, record.after
        grants = _more(before.override_groups, after.override_groups)
        grants = grants or (after.role != before.role and after.role in BY_TWO)
        if not record.by:
            assert not grants, "a list grants nothing that people grant"
        elif grants:
            self._good(record.by, "grant")
            self._proved(record.factors, "")
            self._second(record.by, record.approved_by, record.approver_factors, "grant")
            assert record.person not in (record.by, record.approved_by), "nobody for themselves"
            self._count("grant by two")

    def _second(self, first: str, second: str, factors: tuple[str, ...], act: str) -> None:
        """A second human came to the reader for this, may do it, and proved who they are."""
        self._came(second, "witness")
        self._good(second, act)
        self._proved(factors, "")
        assert self.people[first].human != self.people[second].human, f"{act}: one human is not two"
        for one, other in ((first, second), (second, first)):
            if self.people[one].rights.role == "temporary":
                made_by = self.people[self.people[one].made_by].human
                assert made_by != self.people[other].human, f"{act}: beside their own maker"

    def _good(
        self, ref: str, act: str, medicine: str = "", *, lifted: tuple[str, ...] = ()
    ) -> None:
        """The person may do this, here and now."""
        known = self.people[ref]
        own = known.rights
        assert known.enrolled and known.standing == "active", f"{act}: {known.standing}"
        alone = own.role != "temporary" and self.by_one.get(ref)
        assert not alone, f"{act}: one human made an account that works alone"
        assert not own.expires_ms or self.now_ms < own.expires_ms, f"{act}: expired"
        assert MAY[act][COLUMNS.index(own.role)], f"{act}: not for a {own.role}"
        assert "*" in own.areas or self.plan.area in own.areas, f"{act}: elsewhere"
        if medicine and act in REACHING:
            listed = self.medicines[medicine]
            group = listed.group or GROUPS[listed.schedule]
            assert group in own.groups or "group" in lifted, f"{act}: group"
            if act == "override" and "override" not in lifted:
                assert group in own.override_groups, f"{act}: override group"
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
                role = self.people[record.person].rights.role
                without = record.fallback in ("sensor_down", "sensor_fault")
                asked = self.plan.fingers.supervisor and without
                self.alone = asked and role not in (*SUPERVISORS, "administrator")
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

    def _act(
        self, act: str, person: str, session: str, medicine: str, lifted: tuple[str, ...] = ()
    ) -> None:
        assert self.session is not None, f"{act} with nobody signed in"
        assert self.session[:2] == (session, person), f"{act} by somebody else"
        assert not self.alone, f"{act}: nobody supervised the sign-in"
        self._good(person, act, medicine, lifted=lifted)
        self._proved(self.session[2], medicine)
        self._count(act, medicine)

    def _access(self, record: r.AccessStarted | r.RemovalTaken, mono_ms: int) -> None:
        if isinstance(record, r.RemovalTaken):
            self.removals[record.removal] = self.accesses[record.access]
            return
        self.accesses[record.access] = record
        act: str = "override" if record.override else record.kind
        lifted: tuple[str, ...] = ()
        assert record.kind != "remove" or record.order or record.override, "an order or a reason"
        if record.emergency:
            lifted = self._lifted(self.emergencies[record.emergency], record.person)
        self._act(act, record.person, record.session, record.medicine, lifted)
        self._proved(record.factors, record.medicine)
        told = (act, record.person, record.medicine)
        asked = record.kind != "count" and self._asked("witness", *told)
        assert record.witness or not asked, f"{act}: the site lets nobody do it alone"
        if self._asked("reason", *told):
            assert record.reason or record.override, f"{act}: the site asks why"
            self._count(f"{act} with a reason")
        if record.witness:
            self._called(act, record.access, record.person, record.quantity, mono_ms)
            self._second(record.person, record.witness, record.witness_factors, "witness")
            self._count(f"witnessed {act}", record.medicine)

    def _asked(self, what: str, act: str, person: str, medicine: str) -> bool:
        """Whether a row of the site's own policy asks this ("witness", "reason") here."""
        if not medicine:
            return False
        role = self.people[person].rights.role
        schedule = self.medicines[medicine].schedule
        named = {"CII": "CII", "none": "none"}.get(schedule, "controlled")
        return any(
            row.act == act
            and getattr(row, what)
            and row.role in ("", role)
            and row.medicine_class in ("", named)
            for row in self.plan.policy
        )

    def _called(self, act: str, subject: str, person: str, quantity: int, mono_ms: int) -> None:
        """A second person was called to exactly this, a short while ago, and for nothing since."""
        assert self.called is not None, f"{act}: no second person was asked for"
        called, called_ms = self.called
        assert (called.subject, called.person, called.quantity) == (subject, person, quantity), act
        assert mono_ms - called_ms <= self.plan.timings.witness_within_s * 1000, f"{act}: late"
        self.called = None

    def _attested(self, record: r.Wasted | r.Counted, mono_ms: int) -> None:
        """Two different humans, the second inside the act and in time, where two are needed."""
        if isinstance(record, r.Wasted):
            act, medicine = "waste", self._medicine(record.removal)
            self._act(act, record.person, record.session, medicine)
            self._proved(record.factors, medicine)
            assert record.why or not self._asked("reason", act, record.person, medicine)
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
        self._second(record.person, record.witness, record.witness_factors, "witness")
        self.called = None
        self._count(f"witnessed {act}")

    def _emergency(self, record: r.EmergencyBegun, mono_ms: int) -> None:
        """Begun by two, each of whom proved it inside the act; it ends by itself."""
        self._act(record.kind, record.person, record.session, "")
        assert self.called is not None and record.why and record.lasts_ms
        self._second(record.person, record.second, record.second_factors, "witness")
        assert mono_ms - self.called[1] <= self.plan.timings.witness_within_s * 1000
        self.called = None
        self.emergencies[record.emergency] = record
        self._count(f"{record.kind} by two")

    def _supervised(self, record: fr.Supervised, mono_ms: int) -> None:
        """Somebody else stood by, whose work it is, in time."""
        assert self.session is not None and self.session[:2] == (record.session, record.person)
        assert self.called is not None and self.called[0].act == "supervise"
        assert mono_ms - self.called[1] <= self.plan.timings.witness_within_s * 1000
        self._second(record.person, record.supervisor, record.factors, "supervise")
        self.called, self.alone = None, False
        self._count("supervised")

    def _fitted(self, record: fr.SensorFitted, mono_ms: int) -> None:
        """Kept templates are loaded by two, one of them an administrator, inside the act."""
        if record.by:
            self._good(record.by, "administer")
        if not record.load:
            return
        assert self.session is not None and self.session[1] == record.by
        self._good(record.by, "load_fingers")
        self._proved(record.factors, "")
        assert self.called is not None and self.called[0].act == "load_fingers"
        assert mono_ms - self.called[1] <= self.plan.timings.witness_within_s * 1000
        self._second(record.by, record.approved_by, record.approver_factors, "load_fingers")
        self.called = None
        self._count("loaded by two")

    def _lifted(self, begun: r.EmergencyBegun, person: str) -> tuple[str, ...]:
        """What the emergency lifts for this person, while it lasts."""
        assert self.now_ms < begun.expires_ms, "an emergency ends by itself"
        if begun.kind == "break_glass":
            assert begun.person == person, "break-glass is one person's"
            return ("group", "override")
        return ("override",)

    def _medicine(self, removal: str) -> str:
        return self.removals[removal].medicine

    def _count(self, act: str, medicine: str = "") -> None:
        controlled = medicine and self.medicines[medicine].schedule != "none"
        name = f"{act} controlled" if controlled else act
        self.checked[name] = self.checked.get(name, 0) + 1
