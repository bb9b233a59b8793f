"""What must hold of staff lists: what the hospital really signed, against what the entries say.

Not the cabinet's rules. One rule: it knows the hospital's own papers, who there is in the world,
and records; people whom somebody added at the screen are on no list until one names them.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cabinet import records as r
from cabinet import staff_records as st
from cabinet.importing import Row
from sim.cast import EVERYBODY
from sim.people import Person
from sim.signed_list import SignedList

POWERFUL = ("pharmacist", "administrator")  # roles that only people give
ALL_MAY_GO = 1  # one leaver is a leaver, however few work here


@dataclass
class Account:
    """What the entries say of somebody; `given`: the powerful role that people gave them."""

    rights: r.Rights
    standing: str
    badge: str
    named: bool = False  # by a list, ever
    stopped: bool = False  # by somebody at the screen
    given: str = ""
    over: bool = False  # their hours, at the latest now; the entry does not say when


def _ending(it: r.Rights, end_ms: int) -> r.Rights:
    """The same rights with another end."""
    kept = (it.role, it.areas, it.groups, it.override_groups)
    return r.Rights(*kept, end_ms, it.competencies)


@dataclass
class ListChecks:
    """Hears every entry. Both grow: `signed`, all lists that the hospital ever signed; `meant`, to
    which of them (by digest) somebody at the screen meant to say yes or no."""

    expect: Callable[[int, bool, str], None]
    signed: Sequence[SignedList]
    meant: Mapping[str, bool]
    known_by: Callable[[str], str]  # a badge's number -> how the entries know it
    people: dict[str, Account] = field(default_factory=dict)
    number: int = 0  # of the newest list that was taken, or that somebody refused
    held: str = ""  # the digest of the list that waits
    accepted: str = ""  # and of the one to which somebody said yes
    percent: int = 10  # that may go at once
    wall_ms: int = 0  # the latest that the cabinet's clock ever said
    before: dict[str, bool] | None = None  # who worked here before the list that is being taken
    seen: dict[str, int] = field(default_factory=dict)  # what was heard -> how often

    def __post_init__(self) -> None:
        self._owners = {self.known_by(it.badge): it.staff_id for it in EVERYBODY}

    def joins(self, person: Person) -> None:
        """Somebody new is there in the world."""
        self._owners[self.known_by(person.badge)] = person.staff_id

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        self.wall_ms = max(self.wall_ms, body.wall_ms)
        match record:
            case r.Configured():
                self.percent = record.plan.rules.staff_list_gone_percent
            case r.Refused() if record.act == "staff_list":
                self._seen(record.why)
            case r.PersonListed() if not record.by:
                self._begins()
                self._named(record)
            case r.PersonChanged() if not record.by:
                self._begins()
                self._changed(record)
            case st.StaffListTaken():
                self._taken(record)
            case st.CredentialsWithdrawn() if not record.by:
                pass  # by the list that is being taken
            case _:
                self.expect(5, self.before is None, "people were changed, and by no list")
                self.before = None
                self._by_people(record)

    def _seen(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1

    def _begins(self) -> None:
        if self.before is None:
            self.before = {ref: it.standing == "active" for ref, it in self.people.items()}

    # --- what people do ---------------------------------------------------------------------------

    def _by_people(self, record: r.Record) -> None:
        match record:
            case r.PersonListed():
                self.people[record.person] = Account(record.rights, record.standing, record.badge)
            case r.PersonEnrolled():
                first = Account(r.Rights(record.role), "active", record.badge, given=record.role)
                self.people.setdefault(record.person, first).badge = record.badge
            case r.PersonChanged():
                self._changed(record)
                account = self.people[record.person]
                if record.status_after != record.status_before:
                    account.stopped = record.status_after != "active"
                if record.approved_by and record.status_after == "active":
                    account.given = record.after.role if record.after.role in POWERFUL else ""
            case r.Imported():
                self.expect(5, not record.people, "people were taken from a list without signature")
            case st.TemporaryOver():
                account = self.people[record.person]
                if account.rights.role == "temporary":  # else a list made more of them since
                    end_ms = min(account.rights.expires_ms, self.wall_ms)
                    account.rights, account.over = _ending(account.rights, end_ms), True
            case st.StaffListHeld():
                self._seen("held")
                self._signed("waits", record.number, record.digest)
                self.held, self.accepted = record.digest, ""
            case st.StaffListJudged():
                self._judged(record)

    def _judged(self, record: st.StaffListJudged) -> None:
        """Somebody said yes or no to exactly the list that waits."""
        self._seen("accepted" if record.accepted else "refused")
        by = self.people[record.by]
        may = by.standing == "active" and by.rights.role == "administrator"
        self.expect(5, may, "somebody judged a list who is no administrator")
        self.expect(5, record.digest == self.held, "a list was judged that does not wait")
        meant = self.meant.get(record.digest) is record.accepted
        self.expect(5, meant, "another list was judged than the one that was looked at")
        self.held = ""
        if record.accepted:
            self.accepted = record.digest
        else:
            self.number = max(self.number, record.number)

    # --- what lists do ----------------------------------------------------------------------------

    def _signed(self, what: str, number: int, digest: str) -> SignedList | None:
        found = [it for it in self.signed if (it.number, it.digest) == (number, digest)]
        self.expect(5, bool(found), f"a list that the hospital did not sign {what}")
        return found[0] if found else None

    def _changed(self, record: r.PersonChanged) -> None:
        """Old and new: nobody's change is lost under another's that was begun before it."""
        account = self.people[record.person]
        known, before = account.rights, record.before
        if account.over and before.expires_ms <= known.expires_ms:
            known = _ending(known, before.expires_ms)
        same = (known, account.standing) == (before, record.status_before)
        self.expect(5, same, "a change of what somebody had before another one")
        back = record.status_before != "active" and record.status_after == "active"
        unseen = back and record.before != record.after
        self.expect(5, not unseen, "a change of rights brought back somebody who was suspended")
        left = account.standing == "left" and record.status_after != "left"
        self.expect(5, not left, "somebody who left came back")
        account.rights, account.standing = record.after, record.status_after

    def _named(self, record: r.PersonListed) -> None:
        """A row of a list: what of it only people give, and whom no list brings back."""
        known, after = self.people.get(record.person), record.rights
        active = record.standing == "active"
        if record.badge:
            self._badge(record)
        if known is None:
            self.expect(5, after.role != "administrator", "a list made an administrator")
            known = self.people[record.person] = Account(r.Rights(""), "suspended", "")
        elif known.standing == "left":
            self.expect(5, record.standing == "left", "somebody who left came back by a list")
        same = after.role == known.rights.role
        if after.role in POWERFUL and (active or known.named):
            self.expect(5, same, f"a list made somebody a {after.role}")
            fits = not active or known.given == after.role
            self.expect(5, fits, f"a list brought in a {after.role} whom nobody did")
        more = [it for it in after.override_groups if it not in known.rights.override_groups]
        self.expect(5, not more, "a list gave the right to take without an order")
        if known.given == "administrator" and same:
            self.expect(5, after == known.rights, "a list changed an administrator's rights")
        if same and (known.given or known.rights.override_groups or after.role == "temporary"):
            reach = "*" in known.rights.areas or set(after.areas) <= set(known.rights.areas)
            self.expect(5, reach, "a list gave more areas to somebody who has them from people")
            ends_ms, end_ms = known.rights.expires_ms, after.expires_ms
            longer = ends_ms and (not end_ms or end_ms > ends_ms)
            self.expect(5, not longer, "a list lengthened what people gave")
        back = known.stopped and active and known.standing == "suspended"
        self.expect(5, not back, "a list brought back whom somebody at the screen suspended")
        if record.standing != known.standing:
            known.stopped = False
        known.rights, known.standing, known.named = after, record.standing, True
        known.badge = record.badge or known.badge

    def _badge(self, record: r.PersonListed) -> None:
        """It is one person's alone, whom there is."""
        owner = self._owners.get(record.badge, "")
        self.expect(5, bool(owner), "somebody was listed whom the hospital does not have")
        others = [
            ref
            for ref, it in self.people.items()
            if it.badge == record.badge and ref != record.person
        ]
        self.expect(5, not others, "two people have one badge, or one number")

    def _taken(self, record: st.StaffListTaken) -> None:
        self._begins()
        before, self.before = self.before or {}, None
        self._seen("taken")
        self.expect(5, record.number > self.number, "an older list was taken")
        paper = self._signed("was taken", record.number, record.digest)
        if paper is not None:
            self.expect(5, record.note == paper.note, "another note was kept than was signed")
            self._as_written(paper, before)
        self.number, self.held, self.accepted = record.number, "", ""

    def _as_written(self, paper: SignedList, before: dict[str, bool]) -> None:
        """Whoever works here now is on it; and not too many went without somebody's yes to it."""
        rows = list(csv.DictReader(io.StringIO(paper.data.decode("utf-8", "replace"))))
        by_badge = {self.known_by(row["badge"]): row for row in rows if row.get("badge")}
        once = len(by_badge) == len({row["staff_id"]: row for row in rows}) == len(rows)
        self.expect(5, once, "a list was taken in which a number or a badge stands twice")
        for it in self.people.values():
            if it.named and it.standing == "active":
                row = by_badge.get(it.badge, {})
                here = row.get("status") == "active"
                self.expect(5, here, "somebody works here who is not on the newest list")
        working = sum(before.values())
        gone = sum(was and self.people[ref].standing != "active" for ref, was in before.items())
        many = gone > ALL_MAY_GO and gone * 100 > working * self.percent
        yes = self.accepted == paper.digest
        self.expect(5, yes or (bool(rows) and not many), f"{gone} of {working} went unseen")

    # --- the end ----------------------------------------------------------------------------------

    def at_end(self, rows: Sequence[Row]) -> None:
        """Everybody works here whom the hospital's last word names, but for whom people stopped."""
        standing = {self._owners.get(it.badge): it for it in self.people.values()}
        for row in rows:
            it = standing.get(row["staff_id"])
            right = it is not None and (it.standing == row["status"] or it.stopped)
            self.expect(11, right, "somebody is not what the last list says of them")
