"""What a change gives or takes away: power, which two give, and an administrator who stays.

Not for making a change (`administration.py`). One rule: power is the pharmacist's and the
administrator's role and the rights to remove without an order, more of them, for longer or anew.
"""

from auth.policy import Role
from cabinet import records as r
from cabinet import rights
from cabinet.decision import Change
from cabinet.state import Person, State

BY_TWO = (Role.PHARMACIST.value, Role.ADMINISTRATOR.value)  # roles that two administrators give


def lasts(state: State, person: Person, change: Change) -> bool:
    """Whether an administrator of such rights still works here, without an end."""
    after = change.rights
    return (
        change.standing == "active"
        and after.role == Role.ADMINISTRATOR.value
        and not _shut_out(person, change)
        and not after.expires_ms
        and rights.here(state, after)
    )


def _shut_out(person: Person, change: Change) -> bool:
    """Whether they prove nothing until they used their code; a finger goes on without a PIN."""
    return change.again and not (change.pin_alone and person.slots)


def _administrators_left(state: State, without: Person, wall_ms: int) -> int:
    """How many working administrators there are without this person."""
    now_ms = rights.now_of(state, wall_ms)
    return sum(
        it.role == Role.ADMINISTRATOR.value and it.status(now_ms) == "active" and it is not without
        for it in state.people.values()
    )


def last_but(state: State, person: Person, change: Change, wall_ms: int) -> bool:
    """Whether only one administrator would still work here."""
    stays = change.standing == "active" and change.rights.role == Role.ADMINISTRATOR.value
    stays = stays and not _shut_out(person, change)
    if person.role != Role.ADMINISTRATOR.value or stays:
        return False
    return _administrators_left(state, person, wall_ms) == 1


def takes_two(state: State, person: Person, change: Change, wall_ms: int) -> bool:
    """Whether the change gives what two administrators give, to somebody who had not got it."""
    after = change.rights
    if change.standing != "active":
        return False
    working = person.status(rights.now_of(state, wall_ms)) in ("active", "invited")
    before = person.rights if working else r.Rights("", areas=())
    if change.again:
        return person.role in BY_TWO or bool(person.rights.override_groups)
    more = rights.wider(before.areas, after.areas)
    more = more or rights.later(before.expires_ms, after.expires_ms)
    if after.role in BY_TWO and (before.role != after.role or more):
        return True
    override = [it for it in after.override_groups if it not in before.override_groups or more]
    return bool(override)
