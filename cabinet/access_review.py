"""The access review: every person by every privilege, and the accounts that somebody must look at.

Not for changing anything. One rule: it is a replay; it reads what the entries say, and each finding
says which of them it rests on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from auth.policy import REACHING, ROLE_GROUPS, Act, Role
from cabinet import lookalikes, rights
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.effects import apply
from cabinet.plan import Review
from cabinet.state import Person, State
from cabinet.wording import ROLES

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
SHIFT_BREAK_MS = 6 * HOUR_MS  # a person who works on rests for as long between two shifts
LONGEST_SHIFT_MS = 18 * HOUR_MS  # and works no longer than this, with all overtime
FEW_SIGN_INS = 10  # too few to say how somebody usually signs in
_ACT_OF_ACCESS = {"remove": Act.REMOVE, "load": Act.LOAD, "return": Act.RETURN, "count": Act.COUNT}


@dataclass
class Use:
    """What the entries say that an account did; times are Unix ms, 0 for never."""

    listed_ms: int = 0
    sign_ins: list[int] = field(default_factory=list)
    by_pin: int = 0  # sign-ins in which the PIN stood in for an enrolled finger
    acts: dict[Act, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)  # security groups reached into
    earlier_badge_of: str = ""  # whose badge this account has now

    @property
    def last_ms(self) -> int:
        """The newest proof of this person at the cabinet."""
        return max((*self.sign_ins[-1:], *self.acts.values()), default=0)


@dataclass
class Reviewed:
    """The state that the entries lead to, and each account's use."""

    state: State
    uses: dict[str, Use]
    code_of: dict[str, int]  # person -> until when a one-time code of theirs is good


def replayed(bodies: Iterable[r.Body], attached: r.Attached) -> Reviewed:
    """Replay the entries and keep what each account did."""
    state, uses = State(), dict[str, Use]()
    badges: dict[str, str] = {}

    def use(person: str) -> Use:
        return uses.setdefault(person, Use())

    for body in bodies:
        record, wall_ms = body.record, body.wall_ms
        apply(state, body, attached)
        match record:
            case r.PersonListed() | r.PersonEnrolled():
                known = use(record.person)
                known.listed_ms = known.listed_ms or wall_ms
                if record.badge and badges.get(record.badge, record.person) != record.person:
                    known.earlier_badge_of = badges[record.badge]
                badges[record.badge] = record.person
            case r.SignedIn():
                known = use(record.person)
                known.sign_ins.append(wall_ms)
                person = state.people[record.person]
                known.by_pin += record.fallback == "sensor_fault" and bool(person.slots)
            case r.AccessStarted() if record.medicine:
                use(record.person).groups[state.group(record.medicine)] = wall_ms
        for who, act in _done(record):
            if who:
                use(who).acts[act] = wall_ms
    codes = {code.person: code.expires_ms for code in state.codes.values()}
    return Reviewed(state, uses, codes)


def _done(record: r.Record) -> tuple[tuple[str, Act], ...]:
    """Who did what by this record; "" for nobody."""
    match record:
        case r.AccessStarted():
            act = Act.OVERRIDE if record.override else _ACT_OF_ACCESS[record.kind]
            return ((record.person, act), (record.witness, Act.WITNESS))
        case r.Given():
            return ((record.person, Act.GIVE),)
        case r.Wasted():
            return ((record.person, Act.WASTE), (record.witness, Act.WITNESS))
        case r.Counted():
            return ((record.witness, Act.WITNESS),)
        case r.EmergencyBegun():
            act = Act(record.kind)
            return ((record.person, act), (record.second, act))
        case r.Reviewed():
            return ((record.by, Act.REVIEW),)
        case r.CodeIssued():
            return ((record.by, Act.INVITE),)
        case r.EnrolmentStarted():
            return ((record.enroller, Act.ENROL),)
        case r.LockReleased():
            return ((record.by, Act.RELEASE),)
        case r.PersonListed() | st.StaffListJudged():
            return ((record.by, Act.ADMINISTER),)
        case r.PersonChanged() | st.CredentialsWithdrawn():
            return ((record.by, Act.ADMINISTER), (record.approved_by, Act.GRANT))
        case _:
            return ()


# --- person by privilege --------------------------------------------------------------------------

HEADINGS = (
    *("Person", "Staff number", "Role", "Status", "Areas", "Groups", "Override groups"),
    *("Expires", "Competencies", "Last used"),
    *(act.value.replace("_", " ") for act in Act),
)


def matrix(reviewed: Reviewed, now_ms: int, *, names: bool = True) -> list[tuple[str, ...]]:
    """A row for each person under HEADINGS; a cell says "yes", groups, or why not now."""
    people = reviewed.state.people.values()
    by_role = list(Role)
    ordered = sorted(people, key=lambda it: (by_role.index(Role(it.role)), it.name, it.ref))
    return [_row(reviewed, person, now_ms, names=names) for person in ordered]


def _row(reviewed: Reviewed, person: Person, now_ms: int, *, names: bool) -> tuple[str, ...]:
    held, use = person.rights, reviewed.uses.get(person.ref, Use())
    details = person.details
    return (
        person.name if names else person.ref,
        details.staff_id if names and details is not None else "",
        ROLES[held.role],
        person.status(rights.now_of(reviewed.state, now_ms)),
        " ".join(held.areas),
        "".join(held.groups),
        "".join(held.override_groups),
        _day(held.expires_ms),
        "; ".join(f"{name} {_day(until)}".strip() for name, until in held.competencies),
        _day(use.last_ms),
        *(_cell(reviewed.state, person, act, now_ms) for act in Act),
    )


def _cell(state: State, person: Person, act: Act, now_ms: int) -> str:
    """What the person may do of `act` here and now."""
    if rights.stopped(state, person.ref, now_ms) or not person.enrolled:
        return ""
    match rights.refusal(state, person.ref, act, now_ms):
        case "":
            groups = person.rights.override_groups if act is Act.OVERRIDE else person.rights.groups
            if act is Act.OVERRIDE:
                groups = tuple(group for group in groups if group in person.rights.groups)
            return "".join(groups) if act in REACHING else "yes"
        case "training_lapsed":
            return "untrained"
        case "wrong_area":
            return "elsewhere"
        case _:
            return ""


def _day(wall_ms: int) -> str:
    """ "2026-11-22" in the cabinet's time zone, "" for never."""
    return datetime.fromtimestamp(wall_ms / 1000).date().isoformat() if wall_ms else ""


# --- accounts to look at --------------------------------------------------------------------------

KINDS = ("shared", "stale", "over-privileged", "never used", "expiring")


@dataclass(frozen=True)
class Finding:
    """An account that somebody must look at: of which of KINDS, whose, and why."""

    kind: str
    person: str  # its reference
    name: str
    staff_id: str
    why: str


def findings(
    reviewed: Reviewed, now_ms: int, terms: Review, *, names: bool = True
) -> list[Finding]:
    """Everything found, by kind, then by name."""
    state = reviewed.state
    found: list[tuple[str, Person, str]] = []
    for person in state.people.values():
        status = person.status(rights.now_of(state, now_ms))
        use = reviewed.uses.get(person.ref, Use())
        if status in ("active", "invited"):
            found += [("shared", person, why) for why in _shared(reviewed, person, use, names)]
            found += [("expiring", person, why) for why in _expiring(person, now_ms, terms)]
        if status == "active":
            found += [("stale", person, why) for why in _stale(use, now_ms, terms)]
            found += [("over-privileged", person, why) for why in _over(person, use, now_ms, terms)]
        if status in ("active", "invited"):
            found += [("never used", person, why) for why in _never(reviewed, person, use, now_ms)]
        if status == "expired":
            found.append(("expiring", person, "has expired: renew it, or say that they left"))
    told = [
        Finding(
            kind,
            person.ref,
            person.name if names else person.ref,
            person.details.staff_id if names and person.details is not None else "",
            why,
        )
        for kind, person, why in found
    ]
    return sorted(told, key=lambda it: (KINDS.index(it.kind), it.name, it.why))


def _shared(reviewed: Reviewed, person: Person, use: Use, names: bool) -> list[str]:
    """Signs that one account is used by two people, or that one human has two accounts."""
    found = []
    for other in reviewed.state.people.values():
        if other.ref == person.ref or other.standing == "left":
            continue
        called = other.name if names else other.ref
        if other.human == person.human:
            found.append(f"the same human being has the account of {called}")
        elif None not in (other.details, person.details) and lookalikes.alike(
            person.name, other.name
        ):
            found.append(f"its name is like that of {called}: one person twice?")
        if other.details is not None and person.details is not None:
            theirs = [other.details.staff_id]
            if lookalikes.likenesses([person.details.staff_id], theirs):
                found.append(f"its staff number looks like that of {called}: one person twice?")
    if use.earlier_badge_of:
        earlier = reviewed.state.people[use.earlier_badge_of]
        found.append(f"its badge was that of {earlier.name if names else earlier.ref}")
    longest_ms = _longest_run(use.sign_ins)
    if longest_ms > LONGEST_SHIFT_MS:
        hours, rest = longest_ms // HOUR_MS, SHIFT_BREAK_MS // HOUR_MS
        found.append(f"signed in over {hours} hours without {rest} hours of rest")
    if len(use.sign_ins) >= FEW_SIGN_INS and use.by_pin * 2 > len(use.sign_ins):
        share = f"{use.by_pin} of {len(use.sign_ins)}"
        found.append(
            f"badge and PIN, which can be lent, in {share} sign-ins, with a finger enrolled"
        )
    return found


def _longest_run(times: list[int]) -> int:
    """The longest time over which somebody signed in again and again without a rest, in ms."""
    longest = begun = before = 0
    for wall_ms in times:
        if not before or wall_ms - before >= SHIFT_BREAK_MS:
            begun = wall_ms
        longest, before = max(longest, wall_ms - begun), wall_ms
    return longest


def _stale(use: Use, now_ms: int, terms: Review) -> list[str]:
    if use.last_ms and now_ms - use.last_ms >= terms.stale_days * DAY_MS:
        return [f"not used since {_day(use.last_ms)}"]
    return []


def _never(reviewed: Reviewed, person: Person, use: Use, now_ms: int) -> list[str]:
    if use.last_ms or now_ms - use.listed_ms < DAY_MS:
        return []
    if person.enrolled:
        return [f"enrolled, and has never signed in; listed on {_day(use.listed_ms)}"]
    code = reviewed.code_of.get(person.ref, 0)
    good = f"; a one-time code is good until {_day(code)}" if code > now_ms else ""
    return [f"has never enrolled; listed on {_day(use.listed_ms)}{good}"]


def _over(person: Person, use: Use, now_ms: int, terms: Review) -> list[str]:
    """Rights beyond what the role brings, and such as were not used for long."""
    held, found = person.rights, []
    since_ms = now_ms - terms.stale_days * DAY_MS
    idle_for = f"not used for {terms.stale_days} days"
    beyond = [group for group in held.groups if group not in ROLE_GROUPS[Role(held.role)]]
    if beyond:
        found.append(f"has groups {''.join(beyond)} beyond what the role brings")
    if use.listed_ms > since_ms:
        return found  # too new to say what it does not use
    if held.override_groups and use.acts.get(Act.OVERRIDE, 0) < since_ms:
        found.append(f"may override {''.join(held.override_groups)}: {idle_for}")
    if "A" in held.groups and use.groups.get("A", 0) < since_ms:
        found.append(f"may reach group A (schedule II): {idle_for}")
    if held.role == Role.ADMINISTRATOR.value:
        work = (Act.INVITE, Act.ADMINISTER, Act.GRANT)
        if max(use.acts.get(act, 0) for act in work) < since_ms:
            found.append(f"an administrator's rights: {idle_for}")
    return found


def _expiring(person: Person, now_ms: int, terms: Review) -> list[str]:
    """What ends soon: the account, or a competency that it works by."""
    soon_ms = now_ms + terms.expiring_days * DAY_MS
    held, found = person.rights, []
    if held.expires_ms and now_ms < held.expires_ms <= soon_ms:
        found.append(f"expires on {_day(held.expires_ms)}")
    for name, until in held.competencies:
        if until and until <= soon_ms:
            ended = "ended" if until <= now_ms else "ends"
            found.append(f"competency {name} {ended} on {_day(until)}")
    return found


FINDING_HEADINGS = ("Finding", "Person", "Staff number", "Why")


def table(found: Iterable[Finding]) -> list[tuple[str, ...]]:
    """The findings as rows of text under FINDING_HEADINGS."""
    return [(it.kind, it.name, it.staff_id, it.why) for it in found]
