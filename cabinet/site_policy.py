"""What a site asks besides the floor, checked: its rows of the policy and of training.

Not for the floor (`auth/policy.py`). One rule: a site asks for more, never for less; what would be
less is refused with the text that asks it.
"""

from collections.abc import Iterator
from datetime import date

from auth import policy
from auth.policy import Act
from cabinet.plan import Asked, Override, Training, row_of

MAX_POLICY = 24
MAX_TRAINING = 12
MAX_OVERRIDE = 24  # ISMP: a short list, for emergencies
MAX_DOSE_UNITS = 20
MAX_NAME_CHARS = 32
_ACTS = [act.value for act in Act]
# What the screens can ask for where the floor does not: a row that nobody asks for would be a lie.
_CAN_ASK = {
    "witness": (Act.COUNT, Act.BREAK_GLASS, Act.REMOVE, Act.OVERRIDE, Act.LOAD, Act.RETURN),
    "reason": (Act.REMOVE, Act.RETURN, Act.WASTE),
}


# No screen does these yet.
_NEVER_ASKED = (Act.EMPTY_RETURN_BIN, Act.RESOLVE, Act.RECOVER_DRAWER, Act.REVIEW)
# Of the others only these are of some medicine, and differ by its class.
_OF_A_MEDICINE = (
    *(Act.REMOVE, Act.OVERRIDE, Act.GIVE, Act.WASTE, Act.RETURN, Act.WITNESS, Act.LOAD, Act.COUNT),
)


def wrong(training: tuple[Training, ...], asked: tuple[Asked, ...]) -> Iterator[tuple[str, str]]:
    """What is wrong: the key in the file, and the reason."""
    if len(training) > MAX_TRAINING:
        yield "training", f"at most {MAX_TRAINING} rows"
    for index, each in enumerate(training):
        name = each.competency
        if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable() or set(name) & set(":;"):
            reason = f"is not a name of 1 to {MAX_NAME_CHARS} characters without : and ;"
            yield f"training[{index}].competency", reason
        if not each.acts or any(act not in _ACTS for act in each.acts):
            yield f"training[{index}].acts", f"are not among {', '.join(_ACTS)}"
        elif never := [act for act in each.acts if Act(act) in _NEVER_ASKED]:
            yield f"training[{index}].acts", f"{never[0]} is nothing that any screen here does"
    if len(asked) > MAX_POLICY:
        yield "policy", f"at most {MAX_POLICY} rows"
    for index, row in enumerate(asked):
        yield from ((f"policy[{index}].{name}", reason) for name, reason in _wrong_row(row))


def _wrong_row(asked: Asked) -> Iterator[tuple[str, str]]:
    known = {
        "act": _ACTS,
        "class": ["", *(each.value for each in policy.MedicineClass)],
        "role": ["", *(role.value for role in policy.Role)],
    }
    said = {"act": asked.act, "class": asked.medicine_class, "role": asked.role}
    unknown = [name for name, value in said.items() if value not in known[name]]
    for name in unknown:
        yield name, f"{said[name]!r} is not one of {', '.join(filter(None, known[name]))}"
    if unknown:
        return
    if asked.kinds is not None and not 0 < asked.kinds <= policy.MOST_KINDS:
        yield "kinds", f"{asked.kinds} is outside 1 to {policy.MOST_KINDS}"
    row = row_of(asked)
    yield from _never_asked(row)
    for name, acts in _CAN_ASK.items():
        if getattr(row, name) and row.act not in acts and not _everywhere(row, name):
            yield name, f"cannot be asked for {asked.act} at this cabinet's screens"
    looser = policy.loosened(row)
    if looser is not None:
        least = str(looser.least).lower()
        yield looser.asked, f"may not be less than {least} for {asked.act}: {looser.cite}"


def _never_asked(row: policy.Row) -> Iterator[tuple[str, str]]:
    """Where nobody would ever be asked what the row asks."""
    if row.act in _NEVER_ASKED:
        yield "act", f"{row.act.value} is nothing that any screen here does"
    if row.medicine_class is not None and row.act not in _OF_A_MEDICINE:
        yield "class", f"{row.act.value} is of no medicine, so leave the class out"
    if row.role is not None and not policy.may(row.role, row.act):
        yield "role", f"{row.role.value} may not do {row.act.value} at all"
    if row.act is Act.RECOVER and row.strong:
        yield "strong", f"cannot be asked for {row.act.value}: two recovery cards are"


def _everywhere(row: policy.Row, name: str) -> bool:
    """Whether the floor asks it already, wherever the row speaks."""
    return all(
        getattr(policy.floor(row.act, each, role), name)
        for each in policy.MedicineClass
        for role in policy.Role
        if row.matches(row.act, each, role)
    )


def wrong_override(listed: tuple[Override, ...], medicines: list[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the list for removal without an order: it is short, and has owners."""
    if len(listed) > MAX_OVERRIDE:
        yield "override", f"at most {MAX_OVERRIDE} rows"
    seen: list[str] = []
    for index, row in enumerate(listed):
        if row.medicine not in medicines or row.medicine in seen:
            reason = f"{row.medicine!r} has no pocket in this cabinet, or stands here twice"
            yield f"override[{index}].medicine", reason
        seen.append(row.medicine)
        if not 1 <= row.most <= MAX_DOSE_UNITS:
            yield f"override[{index}].most", f"{row.most} is outside 1 to {MAX_DOSE_UNITS}"
        if not 0 < len(row.owner) <= MAX_NAME_CHARS or not row.owner.isprintable():
            reason = f"names who answers for it, in 1 to {MAX_NAME_CHARS} characters"
            yield f"override[{index}].owner", reason
        if not _is_day(row.review):
            yield f"override[{index}].review", "is not a date such as 2027-03-31"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
