"""Which accounts may be, and with which rights: by whom they were made, enrolled and changed.

Reads entries, the names that are attached to them, and which finger is really in a slot; never the
cabinet's rules or state. One rule: nobody makes an account that works alone, and nobody gives power
alone; where two readings of a record are fair, the one that excuses the cabinet counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
from sim.entitlements import Entitlements
from sim.proofs import second

POWER = ("pharmacist", "administrator")
ENROLLERS = ("charge_nurse", *POWER)
TEMPORARY, MAKERS = "temporary", ("charge_nurse",)
HOUR_MS = 3_600_000
GRANT = "grant"  # the act for which a second administrator is called
# Letters and digits of other alphabets that are drawn like Latin letters, small and capital.
SMALL = str.maketrans("аеіјорсухѕԁһοανρ01", "aeijopcyxsdhoavpol")
CAPITAL = str.maketrans("АВЕКМНОРСТУХІЈЅΟΑΡ01", "ABEKMHOPCTYXIJSOAPOI")
Change = r.PersonChanged | st.CredentialsWithdrawn


def look_alike(name: str, other: str) -> bool:
    """Whether only a computer tells the two apart; namesakes nobody does."""
    small = name.casefold().translate(SMALL) == other.casefold().translate(SMALL)
    capital = name.upper().translate(CAPITAL) == other.upper().translate(CAPITAL)
    return (small or capital) and name.casefold() != other.casefold()


@dataclass
class Issued:
    """A one-time code."""

    person: str
    by: str
    expires_ms: int
    used: bool = False


@dataclass
class Accounts:
    """Of one story. Hears after `entitled`, which knows who is signed in and who may work."""

    entitled: Entitlements
    name_of: Callable[[str], str]  # of an attachment, "" while none can be read
    fingers: Callable[[], Mapping[int, str]]  # what is in the sensor's slots
    codes: dict[str, Issued] = field(default_factory=dict)
    maker: dict[str, str] = field(default_factory=dict)  # of temporary users
    slots: dict[str, tuple[int, ...]] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)  # person -> the attachment with the name
    enrolment: r.EnrolmentStarted | None = None
    pinless: dict[str, None] = field(default_factory=dict)  # who is to choose a new PIN alone
    taken: str = ""  # an enrolment whose finger was somebody else's
    called: r.WitnessCalled | None = None
    was: tuple[str, str, tuple[str, ...]] = ("", "", ())  # signed in: session, person, factors
    out: tuple[str, tuple[str, ...], int] = ("", (), 0)  # who made room for a newcomer, which entry
    newest_ms: int = 0
    seen: dict[str, int] = field(default_factory=dict)  # what was looked at -> how often

    def _expect(self, holds: bool, words: str) -> None:
        self.entitled.expect(5, holds, words)

    def _human(self, person: str) -> str:
        known = self.entitled.people.get(person)
        return known.human if known is not None else person

    def _rights(self, person: str) -> r.Rights:
        known = self.entitled.people.get(person)
        return known.rights if known is not None else r.Rights("")

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        self.newest_ms = max(self.newest_ms, body.wall_ms)
        match record:
            case r.Started():
                self.called, self.was = None, ("", "", ())
            case r.SignedIn():
                self.was = (record.session, record.person, record.factors)
            case r.ScreenUnlocked():
                self.was = (record.session, self.was[1], record.factors)
            case r.SignedOut():
                self.out = (*self.was[1:], body.seq if record.why == "enrolment" else 0)
                self.called, self.was = None, ("", "", ())
            case r.WitnessCalled():
                self.called = record
            case r.WitnessDismissed():
                self.called = None
            case r.PersonListed():
                self._listed(body, record)
            case r.CodeIssued():
                self._issued(body, record)
            case st.AccessRecovered():
                for person, code in zip(record.persons, record.codes, strict=True):
                    self.codes[code] = Issued(person, "", record.expires_ms)
            case r.EnrolmentStarted():
                self._started(body, record)
            case r.EnrolmentEnded():
                self.enrolment = None
            case r.PersonEnrolled():
                self._enrolled(body, record)
            case st.PinRenewed():
                self._renewed(body, record)
            case r.PersonChanged() | st.CredentialsWithdrawn() if record.by:
                self._changed(body, record)
            case _:
                self._fingers(record)
        self._second(record)

    # --- whoever is new ---------------------------------------------------------------------------

    def _acts(self, body: r.Body, did: str, person: str, roles: tuple[str, ...]) -> None:
        """They are at work at this screen, as one of these roles."""
        self.seen[did] = self.seen.get(did, 0) + 1
        self.entitled.good(body, did, person)
        self._expect(self.was[1] == person, f"somebody {did} who is not signed in")
        self._expect(not self.entitled.locked, f"somebody {did} behind a locked screen")
        role = self._rights(person).role
        self._expect(role in roles, f"a {role} {did}")

    def _listed(self, body: r.Body, record: r.PersonListed) -> None:
        new = record.person not in self.details
        self.details[record.person] = record.details
        if record.standing == "left":
            self.slots.pop(record.person, None)
        if record.by:
            temporary = record.rights.role == TEMPORARY
            roles = MAKERS if temporary else ("administrator",)
            self._acts(body, f"added a {record.rights.role}", record.by, roles)
            self._expect(not self._powerful(record.rights), "power was given to somebody new")
            if temporary:
                self.maker[record.person] = record.by
                other = self._human(record.person) != self._human(record.by)
                self._expect(other, "somebody made themselves a temporary user")
        if new:
            self._looks_like_nobody(record.person)

    def _looks_like_nobody(self, person: str) -> None:
        name = self.name_of(self.details[person])
        for other, known in self.entitled.people.items():
            if other == person or known.standing == "left" or not name:
                continue
            theirs = self.name_of(self.details.get(other, ""))
            alike = look_alike(name, theirs)
            self._expect(not alike, "two accounts have names that look alike")

    def _issued(self, body: r.Body, record: r.CodeIssued) -> None:
        plan = self.entitled.plan
        if record.by and plan is not None:
            longest_ms = plan.rules.code_valid_h * HOUR_MS
            in_time = record.expires_ms <= self.newest_ms + longest_ms
            self._expect(in_time, "a code is good for longer than the site wants")
        if record.by:
            own = self.maker.get(record.person) == record.by
            roles = MAKERS if own else ("administrator",)
            self._acts(body, "issued a code", record.by, roles)
        for code in self.codes.values():
            code.used |= bool(record.person) and code.person == record.person
        self.codes[record.code] = Issued(record.person, record.by, record.expires_ms)

    # --- enrolling --------------------------------------------------------------------------------

    def _started(self, body: r.Body, record: r.EnrolmentStarted) -> None:
        self.enrolment = record
        code = self.codes.get(record.code)
        self._expect(code is not None and not code.used, "somebody enrols by a code of before")
        if code is None:
            return
        self._expect(code.person in ("", record.person), "somebody enrols by another's code")
        self._expect(self.newest_ms < code.expires_ms, "somebody enrols by an old code")
        if code.by:
            self._stands_by(body, record, code)

    def _stands_by(self, body: r.Body, record: r.EnrolmentStarted, code: Issued) -> None:
        enroller, did = record.enroller, "stood by an enrolment"
        self.seen[did] = self.seen.get(did, 0) + 1
        self._expect(bool(enroller), "nobody stands by an enrolment")
        if not enroller:
            return
        self.entitled.good(body, did, enroller)
        self.entitled.kinds(did, record.factors)
        just = self.out == (enroller, record.factors, body.seq - 1)
        self._expect(just, f"somebody {did} who was not signed in just before")
        role, human = self._rights(enroller).role, self._human(enroller)
        self._expect(role in ENROLLERS, f"a {role} {did}")
        self._expect(human != self._human(record.person), f"somebody {did} of their own")
        made = self.maker.get(record.person) == code.by
        mine = human == self._human(code.by)
        self._expect(made or not mine, f"somebody {did} by the code that they issued")

    def _enrolled(self, body: r.Body, record: r.PersonEnrolled) -> None:
        started, self.enrolment = self.enrolment, None
        self.details[record.person] = record.details
        if started is None:
            self._expect(False, "somebody is enrolled without an enrolment")
            return
        same = (started.enrolment, started.person) == (record.enrolment, record.person)
        self._expect(same, "somebody is enrolled by another's enrolment")
        if started.code in self.codes:
            self.codes[started.code].used = True
        if started.enroller:
            self.entitled.good(body, "stood by to the end", started.enroller)
        kept = set(record.slots) <= set(started.slots)
        self._expect(kept, "a finger is in a slot that was not kept for it")
        shared = self.taken == record.enrolment and not record.slots
        self._expect(not shared, "somebody else's finger was left out, and that was all")
        self.slots.pop(record.person, None)
        self.pinless.pop(record.person, None)
        held = self.fingers()
        others = {held.get(slot): ref for ref, slots in self.slots.items() for slot in slots}
        for slot in record.slots:
            nobodys = slot not in held or held[slot] not in others
            self._expect(nobodys, "the finger of another account is enrolled")
        self.slots[record.person] = record.slots

    def _renewed(self, body: r.Body, record: st.PinRenewed) -> None:
        """Of somebody whose PIN alone was withdrawn, beside an enroller, by their own finger."""
        did = "chose a new PIN"
        self.seen[did] = self.seen.get(did, 0) + 1
        started, self.enrolment = self.enrolment, None
        waits = record.person in self.pinless
        self.pinless.pop(record.person, None)
        self._expect(waits, f"somebody {did} whose PIN was not withdrawn")
        same = started is not None and (started.enrolment, started.person) == (
            record.enrolment,
            record.person,
        )
        self._expect(same, f"somebody {did} by another's enrolment")
        if started is None:
            return
        if started.code in self.codes:
            self.codes[started.code].used = True
        self._expect(bool(started.enroller), f"somebody {did} with nobody beside them")
        if started.enroller:
            self.entitled.good(body, "stood by to the end", started.enroller)
        finger = "finger" in record.factors
        without = record.fallback if self.slots.get(record.person) else "not_enrolled"
        self._expect(finger or bool(without), f"somebody {did} by a badge alone")
        self._expect("badge" in record.factors, f"somebody {did} without a badge")

    def _fingers(self, record: r.Record) -> None:
        match record:
            case fr.FingerTaken():
                self.taken = record.enrolment
                code = self.codes.get(self.enrolment.code) if self.enrolment is not None else None
                if code is not None and code.by:
                    code.used = True
            case fr.SensorFitted():
                self.slots.clear()
            case fr.TemplateLoaded():
                slots = self.slots.get(record.person, ())
                self.slots[record.person] = (*slots, record.slot)
            case st.TemporaryOver():
                self.slots.pop(record.person, None)
            case _:
                pass

    # --- rights -----------------------------------------------------------------------------------

    @staticmethod
    def _powerful(held: r.Rights) -> bool:
        return held.role in POWER or bool(held.override_groups)

    def _gives(self, change: r.PersonChanged) -> bool:
        """Whether somebody may now do what two administrators give, and might not before."""
        before, after = change.before, change.after
        if change.status_after != "active":
            return False
        back = change.status_before != "active"
        longer = bool(before.expires_ms) and not 0 < after.expires_ms <= before.expires_ms
        wider = "*" not in before.areas and not set(after.areas) <= set(before.areas)
        more = back or longer or wider
        role = after.role in POWER and (more or before.role != after.role)
        override = any(more or it not in before.override_groups for it in after.override_groups)
        return role or override

    def _changed(self, body: r.Body, record: Change) -> None:
        change = record if isinstance(record, r.PersonChanged) else None
        did = "changed what somebody may do" if change is not None else "had somebody enrol again"
        person, by = record.person, record.by
        leaves = change is not None and change.status_after == "left"
        ends = leaves and self._rights(person).role == TEMPORARY
        roles = (*MAKERS, "administrator") if ends else ("administrator",)
        self._acts(body, did, by, roles)
        self.entitled.kinds(did, record.factors)
        self._expect(self.was[2] == record.factors, f"somebody {did} by factors of another time")
        own = self._human(by) == self._human(person)
        self._expect(not own, "somebody changed their own rights")
        held = self._rights(person)
        if self._powerful(held) if change is None else self._gives(change):
            self._expect(bool(record.approved_by), "one administrator alone gave power")
        if record.approved_by:
            self._approved(record, anew=change is None)
        if isinstance(record, st.CredentialsWithdrawn):
            self.pinless.pop(person, None)
            if record.pin_alone:
                self.pinless[person] = None
                return
        if change is None or leaves:
            self.slots.pop(person, None)

    def _approved(self, record: Change, *, anew: bool) -> None:
        called, self.called = self.called, None
        asked = called is not None and (called.act, called.subject) == (GRANT, record.person)
        self._expect(asked, "a change was approved that nobody was asked about")
        self.entitled.kinds("approved", record.approver_factors)
        role, human = self._rights(record.approved_by).role, self._human(record.approved_by)
        self._expect(role == "administrator", f"a {role} approved what gives power")
        self._expect(human != self._human(record.by), "one human approved their own change")
        own = not anew and human == self._human(record.person)
        self._expect(not own, "somebody approved their own power")

    # --- two people -------------------------------------------------------------------------------

    def _second(self, record: r.Record) -> None:
        """A temporary user and whoever made them are one."""
        other, _ = second(record)
        first = getattr(record, "person", "")
        if not other or self._rights(first).role != TEMPORARY:
            return
        maker = self.maker.get(first, "")
        one = bool(maker) and self._human(maker) == self._human(other)
        self._expect(not one, "whoever made a temporary user is the second person beside them")
