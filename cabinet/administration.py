"""People, at the touchscreen: added, changed, suspended, enrolled again; each with old and new.

Not for what is shown (`administration_screens.py`) nor for lists. One rule: nobody changes their
own rights, and what makes a pharmacist, an administrator or an override takes two administrators,
the second of whom proves who they are inside the act.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace as but

from auth.policy import EVERYWHERE, GROUPS, ROLE_GROUPS, Act, Role
from cabinet import copies, lookalikes, numbers, rights
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Change, Draft, Newcomer, Note, Proof
from cabinet.events import MakeCode
from cabinet.lists import LAST_MS, MAX_AREAS, MAX_COMPETENCIES, MAX_NAME_CHARS
from cabinet.power import BY_TWO, lasts, takes_two
from cabinet.state import Person, State
from cabinet.wording import REASONS, ROLES

ADDING = ("add_staff_id", "add_family", "add_given", "add_human", "add_role")
GIVEN = tuple(role.value for role in Role if role is not Role.TEMPORARY)  # roles given here
MAX_TYPED_CHARS = 30
DATE_DIGITS = 8
STOPS: dict[str, tuple[r.Standing, str]] = {  # button -> what then, and why
    "leave": ("suspended", "On leave"),
    "inquiry": ("suspended", "Under inquiry"),
    "other": ("suspended", "Another reason"),
    "left": ("left", "Left for good"),
}
AGAIN = {  # what somebody is given anew, and why it is recorded
    "secret": "New PIN or passphrase",
    "pin": "Enrolled again",
    "badge": "Enrolled again, new badge",
}
PAGES = (
    *("people", "find_person", "add_staff_id", "add_family", "add_given", "add_human", "add_role"),
    *("person", "stop_person", "check_person", "edit", "edit_role", "edit_areas", "edit_area"),
    *("edit_groups", "edit_override", "edit_expiry", "edit_competencies", "edit_competency"),
    "edit_again",
)
VERBS = (
    *("person", "find_people", "add_person", "add_staff_id", "add_family", "add_given"),
    *("add_human", "add_role", "edit", "stop_person", "resume", "enrol_again"),
    *("check_change", "save_change"),
    *("set_role", "set_area", "set_area_typed", "set_group", "set_override", "set_end"),
    *("set_no_end", "competency", "competency_until", "competency_always", "competency_gone"),
    "take_back",
)


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the people's screens; whoever presses may still administer."""
    if not _may(draft, Act.ADMINISTER):
        return
    verb, _, subject = button.partition(":")
    if verb in ("person", "find_people") or verb.startswith("add_"):
        _people(draft, verb, subject, text)
    elif draft.place.changing is None or draft.place.changing.person not in draft.state.people:
        draft.refuse("Choose a person first.")
    else:
        _person(draft, draft.place.changing, verb, subject, text)


def _may(draft: Draft, act: Act) -> bool:
    """Whether the person at the screen may do `act`; if not, a record and the reason."""
    state, session = draft.state, draft.state.session
    assert session is not None
    why = rights.refusal(state, session.person, act, draft.moment.wall_ms)
    why = why or rights.unproven(state, session.person, act, session.factors)
    if why:
        draft.add(r.Refused(act.value, why, session.id, session.person))
        draft.refuse(REASONS[why])
    return not why


def begun(person: Person) -> Change:
    """A change of this person that changes nothing yet."""
    return _from(person.ref, person.rights, person.standing)


def _from(ref: str, held: r.Rights, standing: r.Standing) -> Change:
    return Change(ref, held, standing, held, standing)


def found(state: State, typed: str) -> list[Person]:
    """The people whose name or staff number has what was typed in it, by name."""
    wanted = lookalikes.written(typed)
    shown = [
        person
        for person in state.people.values()
        if wanted in lookalikes.written(person.name)
        or (person.details is not None and wanted in lookalikes.written(person.details.staff_id))
    ]
    return sorted(shown, key=lambda person: (person.name, person.ref))


def resembling(state: State, person: Person) -> list[Person]:
    """Others who still work here and whose name could be taken for this person's."""
    return [
        other
        for other in state.people.values()
        if other.ref != person.ref and other.details is not None and person.details is not None
        if other.standing != "left" and lookalikes.alike(other.name, person.name)
    ]


# --- whom -----------------------------------------------------------------------------------------


def _people(draft: Draft, verb: str, subject: str, text: str) -> None:
    text = " ".join(text.split())
    typed = text if text.isprintable() and len(text) <= MAX_TYPED_CHARS else ""
    newcomer = draft.place.newcomer
    match verb:
        case "person":
            draft.go("person", changing=begun(draft.state.people[subject]))
        case "add_person":
            draft.go("add_staff_id", newcomer=Newcomer(), changing=None)
        case "find_people":
            if found(draft.state, typed):
                draft.go("people", typed=typed, changing=None)
            else:
                draft.refuse(REASONS["nobody_found"])
        case "add_staff_id":
            if why := numbers.refusal(draft.state, typed):
                draft.refuse(why)
                return
            draft.go("add_family", newcomer=replace(newcomer, staff_id=typed))
        case "add_family" | "add_given":
            part = verb.removeprefix("add_")
            if not typed or lookalikes.unfit(typed):
                draft.refuse("Enter the name as it is written.")
                return
            if part == "family":
                draft.go("add_given", newcomer=replace(newcomer, family=lookalikes.capitals(typed)))
            else:
                newcomer = replace(newcomer, given=lookalikes.capitals(typed))
                if not numbers.disguised(draft, newcomer):
                    draft.go("add_human", newcomer=newcomer)
        case "add_human":
            numbers.pressed(draft, text)
        case "add_role":
            _add(draft, subject)


def _add(draft: Draft, role: str) -> None:
    """List somebody new; roles that two administrators give come after, as a change."""
    state, session, newcomer = draft.state, draft.state.session, draft.place.newcomer
    assert session is not None
    name = f"{newcomer.given} {newcomer.family}"
    if numbers.refusal(state, newcomer.staff_id) or role not in GIVEN or role in BY_TWO:
        draft.refuse("That cannot be pressed now.")
        return
    if numbers.disguised(draft, newcomer):
        return
    details = r.PersonDetails(newcomer.staff_id, newcomer.given, newcomer.family)
    ref, held = draft.reference(), r.Rights(role, groups=ROLE_GROUPS[Role(role)])
    name_of = draft.attach("person", details)
    draft.add(r.PersonListed(ref, "", "active", held, newcomer.human, name_of, session.person))
    draft.go(
        "person",
        changing=_from(ref, held, "active"),
        note=Note(f"{name} was added. They enrol with a code.", "success"),
        newcomer=Newcomer(),
    )


# --- what -----------------------------------------------------------------------------------------


def _person(draft: Draft, change: Change, verb: str, subject: str, text: str) -> None:
    person, held = draft.state.people[change.person], change.rights
    match verb:
        case "edit":
            draft.go(f"edit_{subject}" if subject else "edit", changing=change)
        case "check_change":
            _checked(draft, change)
        case "save_change":
            _save(draft, person, change)
        case "stop_person" if not subject:
            draft.go("stop_person")
        case "stop_person":
            standing, why = STOPS[subject]
            _checked(draft, replace(begun(person), standing=standing, why=why))
        case "take_back":
            copies.taken_back(draft, person)
        case "resume":
            _checked(draft, replace(begun(person), standing="active", why="Resumed"))
        case "enrol_again":
            lost, alone = subject == "badge", subject == "secret"
            again = replace(begun(person), again=True, new_badge=lost, pin_alone=alone)
            _checked(draft, replace(again, why=AGAIN[subject]))
        case "set_role":
            groups = ROLE_GROUPS[Role(subject)]
            after = but(held, role=subject, groups=groups, override_groups=())
            _checked(draft, replace(change, rights=after))
        case "set_group":
            groups = _toggled(held.groups, subject)
            override = tuple(it for it in held.override_groups if it in groups)
            _stay(draft, change, but(held, groups=groups, override_groups=override))
        case "set_override":
            _stay(draft, change, but(held, override_groups=_toggled(held.override_groups, subject)))
        case "set_area" | "set_area_typed":
            _area(draft, change, subject or "".join(text.split()))
        case "set_no_end":
            _checked(draft, replace(change, rights=but(held, expires_ms=0)))
        case "set_end":
            end_ms = end_of_day(text)
            if end_ms <= draft.moment.wall_ms:
                draft.refuse(REASONS["bad_day"])
                return
            _checked(draft, replace(change, rights=but(held, expires_ms=end_ms)))
        case _:
            _competency(draft, change, verb, subject, text)


def _stay(draft: Draft, change: Change, after: r.Rights) -> None:
    """The rights as chosen so far, on the same page."""
    draft.stay(changing=replace(change, rights=after), note=None)


def _toggled(groups: tuple[str, ...], group: str) -> tuple[str, ...]:
    return tuple(it for it in GROUPS if (it in groups) is not (it == group))


def _area(draft: Draft, change: Change, area: str) -> None:
    """Everywhere, or some areas: one more or one less."""
    held = [it for it in change.rights.areas if it != EVERYWHERE]
    if area == EVERYWHERE:
        areas: tuple[str, ...] = (EVERYWHERE,)
    elif area in held:
        areas = tuple(it for it in held if it != area)
    else:
        areas = (*held, area)
    if not 0 < len(area) <= MAX_NAME_CHARS or len(areas) > MAX_AREAS or not area.isprintable():
        draft.refuse("Enter the name of an area, as cabinet.toml has it.")
        return
    after = replace(change, rights=but(change.rights, areas=areas))
    draft.stay(page="edit_areas", changing=after, note=None)


def _competency(draft: Draft, change: Change, verb: str, subject: str, text: str) -> None:
    """Until when somebody is trained for something."""
    held = change.rights.competencies
    name, until = draft.place.competency, 0
    match verb:
        case "competency":
            draft.go("edit_competency", competency=subject)
            return
        case "competency_until":
            until = end_of_day(text)
            if until <= draft.moment.wall_ms:
                draft.refuse(REASONS["bad_day"])
                return
    kept = tuple(it for it in held if it[0] != name)
    after = kept if verb == "competency_gone" else (*kept, (name, until))
    if len(after) > MAX_COMPETENCIES:
        draft.refuse("That is more than a person can have.")
        return
    changed = replace(change, rights=but(change.rights, competencies=after))
    draft.go("edit_competencies", changing=changed)


def end_of_day(digits: str) -> int:
    """The end of the day typed as "31122026", Unix ms in UTC; 0 for what is no day."""
    if len(digits) != DATE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return 0
    try:
        last = date(int(digits[4:]), int(digits[2:4]), int(digits[:2]))
        end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        return 0
    end_ms = int(end.timestamp()) * 1000
    return end_ms if end_ms < LAST_MS else 0


# --- saving ---------------------------------------------------------------------------------------


def _checked(draft: Draft, change: Change) -> None:
    """Show what would change, old and new, before it does."""
    person = draft.state.people[change.person]
    if change == begun(person):
        draft.go("person", changing=change, note=Note("Nothing was changed."))
    else:
        draft.go("check_person", changing=change)


def refusal(state: State, person: Person, change: Change, wall_ms: int) -> str:
    """Why this change of `person` may not be made by whoever is at the screen, or ""."""
    session = state.session
    assert session is not None
    if rights.same_human(state, person.ref, session.person):
        return "own_rights"
    if person.standing == "left":
        return "left"
    if person.details is None and change.standing == "active":
        return "erased"  # nobody works here without a name
    if (change.before, change.was) != (person.rights, person.standing):
        return "changed_meanwhile"  # a list came: what was begun would undo it, unseen
    if change.pin_alone and not person.enrolled:
        return "changed_meanwhile"  # there is no PIN to be renewed
    temporary = Role.TEMPORARY.value in (person.role, change.rights.role)
    if temporary and change.rights != person.rights:
        return "temporary_rights"
    last = rights.lasting(state, rights.now_of(state, wall_ms)) == [person]
    if last and not lasts(state, person, change):
        return "last_administrator"
    return ""


def _save(draft: Draft, person: Person, change: Change) -> None:
    state, session, wall_ms = draft.state, draft.state.session, draft.moment.wall_ms
    assert session is not None
    why = refusal(state, person, change, wall_ms)
    if why:
        draft.add(r.Refused(Act.ADMINISTER.value, why, session.id, session.person))
        draft.refuse(REASONS[why])
    elif takes_two(state, person, change, wall_ms):
        if _may(draft, Act.GRANT):
            draft.add(
                r.WitnessCalled(person.ref, session.id, session.person, 0, "grant", change.why)
            )
            draft.go("witness")
    else:
        _saved(draft, person, change, None)


def granted(draft: Draft, proof: Proof) -> None:
    """The second administrator proved who they are: it is done, if it still may be."""
    state, session, change = draft.state, draft.state.session, draft.place.changing
    assert session is not None and state.attempt is not None and state.witnessing is not None
    wall_ms = draft.moment.wall_ms
    why = rights.refusal(state, session.person, Act.GRANT, wall_ms)
    person = state.people[state.witnessing.subject]
    if not why and (change is None or change.person != person.ref):
        why = "not_shown"  # what was to be approved is not on the screen
    if change is not None:
        why = why or refusal(state, person, change, wall_ms)
        if not change.again and rights.same_human(state, proof.person, person.ref):
            why = why or "own_rights"
    if why or change is None:
        draft.add(
            r.Refused(Act.GRANT.value, why, session.id, session.person),
            r.AttemptEnded(state.attempt.id, why),
        )
        draft.go("witness", note=Note(REASONS[why], "refusal"))
        return
    _saved(draft, person, change, proof)


def not_granted(draft: Draft, why: str) -> None:
    """The change was called off, or no second administrator came."""
    words = "Not changed: nobody approved it." if why == "timed_out" else "Not changed."
    draft.go("check_person", note=Note(words, "warning"))


def _saved(draft: Draft, person: Person, change: Change, proof: Proof | None) -> None:
    session = draft.state.session
    assert session is not None
    second = proof or Proof("", ())
    if change.again:
        by, approved = (session.person, session.factors), (second.person, second.factors)
        said = (*by, change.new_badge, change.why, *approved, second.fallback, change.pin_alone)
        draft.add(st.CredentialsWithdrawn(person.ref, *said))
        request = draft.reference()
        draft.command(MakeCode(request))
        draft.go("invite", request=request, changing=None, patient=person.ref)
        return
    draft.add(
        r.PersonChanged(
            person.ref,
            session.person,
            second.person,
            person.rights,
            change.rights,
            person.standing,
            change.standing,
            change.why,
            session.factors,
            second.factors,
            second.fallback,
        )
    )
    words = f"{person.name}: {told(person, change)}."
    saved = _from(person.ref, change.rights, change.standing)
    draft.go("person", changing=saved, note=Note(words, "success"))


def told(person: Person, change: Change) -> str:
    """In a few words, what the change was."""
    if change.standing != person.standing:
        return {"active": "works here again", "suspended": "suspended", "left": "left"}[
            change.standing
        ]
    if change.rights.role != person.role:
        return f"now {ROLES[change.rights.role].lower()}"
    return "changed"
