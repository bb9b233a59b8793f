"""How long attachments are kept, and erasing them: after their term, or by lawful order.

Not for entries, which stay for ever. One rule: an erasure is itself an entry; what is younger than
its term goes only by a lawful order named in that entry, and what is in use never.
"""

import re

from cabinet import records as r
from cabinet.decision import Draft
from cabinet.events import Erase
from cabinet.patients import has_ended
from cabinet.state import State

DAY_MS = 86_400_000
MAX_AT_ONCE = 10_000
# What an entry may say of an erasure: it stays for ever, so it has no room for the erased name.
REASONS = {
    "term_over": "its term is over",
    "lawful_order": "a court or an authority ordered it",
    "right": "whom it is about has the right to it by law",
    "mistake": "it should never have been taken in",
}
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")


def in_use(state: State, now_ms: int) -> dict[str, str]:
    """The attachments that the cabinet works with now, and what for."""
    found: dict[str, str] = {}
    for person in state.people.values():
        if person.standing == "active":
            found[person.details_name] = "a person who works here"
            found[person.credential_name] = "a person who works here"
            found[person.totp_name] = "a person who works here"
            found[person.key_name] = "a person who works here"
            found |= {name: "a finger of a person who works here" for _, name in person.templates}
    for order in state.orders.values():
        if not has_ended(state, order, now_ms):
            found[order.listed.details] = "an active order"
            patient = state.patients[order.listed.patient]
            found[patient.details_name] = "a patient with an active order"
    if state.service is not None:
        for name in (state.service.technician, *state.service.notes):
            found[name] = "a technician who is at the console"
    for removal in state.removals.values():
        patient = state.patients[removal.started.patient]
        found[patient.details_name] = "a patient with an open removal"
    return found


def term_days(state: State, kind: str) -> int:
    """The term of a kind of attachment, in days."""
    if kind == "service_note":  # a part of the maintenance record
        kind = "technician"
    if kind in ("totp", "security_key", "template"):  # as PINs' hashes
        kind = "credential"
    return int(getattr(state.plan.retention, f"{kind}_days"))


def due(state: State, now_ms: int) -> list[str]:
    """Attachments past their term and not in use, oldest first."""
    used = in_use(state, now_ms)
    past = [
        name
        for name, named in state.named.items()
        if name not in used and now_ms - named.wall_ms >= term_days(state, named.kind) * DAY_MS
    ]
    return sorted(past, key=lambda name: state.named[name].wall_ms)


def summary(state: State, now_ms: int) -> list[str]:
    """What there is of each kind, a line each."""
    past, used = due(state, now_ms), in_use(state, now_ms)
    lines = []
    for kind in r.KINDS:
        names = [name for name, named in state.named.items() if named.kind == kind]
        lines.append(
            f"{kind}: {len(names)} kept for {term_days(state, kind)} days, "
            f"{sum(name in used for name in names)} in use, "
            f"{sum(name in past for name in names)} past their term"
        )
    return lines


def erase(draft: Draft, event: Erase) -> None:
    """Erase all of the names or none."""
    state, now_ms = draft.state, draft.moment.wall_ms
    problem = _problem(state, event, now_ms)
    if problem:
        draft.add(r.Refused("erase", "not_erasable", quantity=len(event.names)))
        draft.refusal = f"Nothing erased: {problem}"
        return
    numbers = dict(event.numbers)
    for name in event.names:
        kind = state.named[name].kind
        told = (event.reason, event.lawful_order, numbers.get(name, ""))
        draft.add(r.Erased(name, kind, *told))


def numbered(state: State, names: tuple[str, ...]) -> dict[str, str]:
    """Of these attachments those that hold somebody's staff number now, and the number."""
    held = {it.details_name: it.details for it in state.people.values()}
    return {
        name: details.staff_id
        for name, details in held.items()
        if details is not None and name in names
    }


def _problem(state: State, event: Erase, now_ms: int) -> str:
    if event.reason not in REASONS:
        return f"the reason must be one of {', '.join(REASONS)}"
    if event.lawful_order and not _REFERENCE.fullmatch(event.lawful_order):
        return (
            "the lawful order's reference has letters, digits, points, slashes and dashes, at most "
            "40, and no name: it stays for ever"
        )
    if not event.names or len(event.names) > MAX_AT_ONCE:
        return f"1 to {MAX_AT_ONCE} attachments can be erased at once"
    if len(dict.fromkeys(event.names)) != len(event.names):
        return "an attachment is named twice"
    used = in_use(state, now_ms)
    for name in event.names:
        named = state.named.get(name)
        if named is None:
            return f"there is no attachment {name[:16]}"
        if name in used:
            return f"attachment {name[:16]} belongs to {used[name]}"
        days = term_days(state, named.kind)
        if now_ms - named.wall_ms < days * DAY_MS and not event.lawful_order:
            return (
                f"attachment {name[:16]} ({named.kind}) is kept for {days} days; "
                "earlier only by a lawful order"
            )
    if dict(event.numbers).keys() != numbered(state, event.names).keys():
        return "the hash of each staff number that goes must stay, so that nobody is given it"
    return ""
