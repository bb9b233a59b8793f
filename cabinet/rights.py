"""Whether a person may do something now: status, expiry, role, groups, area and training.

Not for who somebody is (`signin.py`), nor for the tables (`auth/policy.py`). One rule: it is asked
anew for every release, every settlement, every witness and every list on a screen.
"""

from collections.abc import Collection
from functools import lru_cache

from auth import policy
from auth.policy import Act, Needs, Role
from cabinet import lookalikes
from cabinet.plan import Asked, row_of
from cabinet.records import Rights
from cabinet.state import Person, State

STOPPED = ("rights_withdrawn", "rights_expired")  # of the person as a whole: the session ends too


def now_of(state: State, wall_ms: int) -> int:
    """The time that every end is told by: a clock that was set back makes nothing good again.

    Beginnings are told by the clock alone. `clock_put_right` is the way back from a clock that was
    far ahead.
    """
    return max(wall_ms, state.last_wall_ms)


def stopped(state: State, person_ref: str, wall_ms: int) -> str:
    """Why this person may do nothing at all now: one of STOPPED, or ""."""
    person = state.people.get(person_ref)
    if person is None:
        return "rights_withdrawn"
    match person.status(now_of(state, wall_ms)):
        case "active":
            return ""
        case "expired":
            return "rights_expired"
        case _:
            return "rights_withdrawn"


def refusal(state: State, person_ref: str, act: Act, wall_ms: int, medicine: str = "") -> str:
    """Why this person may not do `act` now, with `medicine`: a key of wording.REASONS, or ""."""
    why = stopped(state, person_ref, wall_ms)
    if why:
        return why
    person = state.people[person_ref]
    rights = person.rights
    if not policy.may(Role(rights.role), act):
        return "not_allowed"
    if not here(state, rights):
        return "wrong_area"
    if medicine and act in policy.REACHING:
        group = state.group(medicine)
        if group not in rights.groups:
            return "wrong_group"
        if act is Act.OVERRIDE and group not in rights.override_groups:
            return "wrong_override_group"
    held = dict(rights.competencies)
    now_ms = now_of(state, wall_ms)
    acts = (act, Act.REMOVE) if act is Act.OVERRIDE else (act,)  # it is a removal, whoever ordered
    for training in state.plan.training:
        if any(it.value in training.acts for it in acts):
            until_ms = held.get(training.competency)
            if until_ms is None or (until_ms and now_ms >= until_ms):
                return "training_lapsed"
    return ""


def here(state: State, rights: Rights) -> bool:
    """Whether these rights reach to where this cabinet stands."""
    return policy.EVERYWHERE in rights.areas or state.plan.area in rights.areas


def needs_of(state: State, person_ref: str, act: Act, medicine: str = "") -> Needs:
    """What `act` with `medicine` asks of this person here."""
    listed = state.medicines.get(medicine)
    medicine_class = policy.class_of(listed.schedule if listed is not None else "")
    role = Role(state.people[person_ref].rights.role)
    return policy.needs(act, medicine_class, role, site_rows(state.plan.policy))


def unproven(
    state: State, person_ref: str, act: Act, factors: tuple[str, ...], medicine: str = ""
) -> str:
    """Which rule of proof `factors` do not meet for `act`: a key of wording.REASONS, or ""."""
    return policy.unproven(needs_of(state, person_ref, act, medicine), factors)


def allowed(state: State, act: Act, wall_ms: int, medicine: str = "") -> bool:
    """Whether the person at the screen may do `act` now."""
    session = state.session
    return session is not None and not refusal(state, session.person, act, wall_ms, medicine)


def wider(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether the areas `after` reach further than `before`."""
    return policy.EVERYWHERE not in before and any(it not in before for it in after)


def later(before_ms: int, after_ms: int) -> bool:
    """Whether rights that ended at `before_ms` (0: never) would end later, or not at all."""
    return bool(before_ms) and (not after_ms or after_ms > before_ms)


def lasting(state: State, now_ms: int) -> list[Person]:
    """Administrators who work here and whose access does not end: while one stays, nobody is
    locked out for ever."""
    return [
        person
        for person in state.people.values()
        if person.role == Role.ADMINISTRATOR.value and person.status(now_ms) == "active"
        if not person.rights.expires_ms and here(state, person.rights)
    ]


def accounts_of(state: State, numbers: Collection[str]) -> tuple[str, ...]:
    """Whoever has one of these staff numbers, in whichever case and spaces it was written down."""
    if not numbers:
        return ()
    wanted = {lookalikes.written(number) for number in numbers}
    return tuple(ref for it, ref in state.by_staff_id.items() if lookalikes.written(it) in wanted)


def same_human(state: State, one: str, other: str) -> bool:
    """Whether two accounts are one human being's."""
    return state.people[one].human == state.people[other].human


@lru_cache(maxsize=8)
def site_rows(asked: tuple[Asked, ...]) -> tuple[policy.Row, ...]:
    """A site's rows as the policy knows them."""
    return tuple(row_of(each) for each in asked)
