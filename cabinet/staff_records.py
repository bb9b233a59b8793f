"""What the ledger holds of signed staff lists and of what administrators do to people's accounts.

Records like those in `records.py`, and under its rule; what a person's rights are stands there.
"""

import msgspec

FINGER_MISSED = "finger_missed"  # why an enrolment ended, that spends its code


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class StaffListTaken(_Record, frozen=True, forbid_unknown_fields=True, tag="staff_list_taken"):
    """The end of taking a signed staff list: its number, SHA-256 and signed note.

    `people`: its rows; `gone`: how many it suspended because they are not on it any more.
    """

    number: int
    digest: str
    note: str
    people: int
    gone: int


class StaffListHeld(_Record, frozen=True, forbid_unknown_fields=True, tag="staff_list_held"):
    """A signed staff list waits for an administrator: too many would lose their access.

    `losing` names them (the first few hundred) of `count`, out of `working` people.
    """

    number: int
    digest: str
    people: int
    working: int
    count: int
    losing: tuple[str, ...]


class StaffListJudged(_Record, frozen=True, forbid_unknown_fields=True, tag="staff_list_judged"):
    """An administrator looked at the list that is held: it is taken when it comes again, or never.

    `digest` is that of exactly this list.
    """

    number: int
    digest: str
    by: str
    accepted: bool


class CredentialsWithdrawn(
    _Record, frozen=True, forbid_unknown_fields=True, tag="credentials_withdrawn"
):
    """Fingers, PIN and authenticator of a person count no more: they enrol again, by a new code.

    `new_badge`: their badge counts no more either. `pin_alone`: nothing but their PIN counts no
    more, and they choose a new one by that code. `by` and `approved_by` as in PersonChanged.
    """

    person: str
    by: str
    factors: tuple[str, ...]
    new_badge: bool
    why: str
    approved_by: str = ""
    approver_factors: tuple[str, ...] = ()
    approver_fallback: str = ""
    pin_alone: bool = False


class PinRenewed(_Record, frozen=True, forbid_unknown_fields=True, tag="pin_renewed"):
    """Somebody chose a new PIN by a code, beside the enroller of `enrolment`; all else stays.

    `factors`: by which they showed that it is they, a finger where one could be asked for;
    `fallback` says why it could not. `credential` names the attachment with the PIN's hash.
    """

    enrolment: str
    person: str
    factors: tuple[str, ...]
    fallback: str
    credential: str


class AccessRecovered(_Record, frozen=True, forbid_unknown_fields=True, tag="access_recovered"):
    """Two people whom the recovery cards let enrol again: each has one of `codes` (keyed hashes).

    Nobody stands by, and any badge that is nobody's will do. `note` is signed by the offline
    recovery key; its text: "<origin>/recovery", "adc access recovered v1", this entry's number, the
    root (hex) over the entries before it, and a last line of incident, the people and the codes.
    """

    incident: str
    persons: tuple[str, str]
    codes: tuple[str, str]
    expires_ms: int
    note: str


class ClockPutRight(_Record, frozen=True, forbid_unknown_fields=True, tag="clock_put_right"):
    """Two people attested that the clock is right, and that entries before were `ahead_ms` ahead.

    From here on ends are told from this entry's time. `note` is signed by the offline recovery
    key; its text: "<origin>/recovery", "adc clock put right v1", this entry's number, the root
    (hex) over the entries before it, and a last line of incident, the people and `ahead_ms`.
    """

    incident: str
    persons: tuple[str, str]
    ahead_ms: int
    note: str


class TemporaryOver(_Record, frozen=True, forbid_unknown_fields=True, tag="temporary_over"):
    """The cabinet was on for as long as this temporary user may work, whatever its clock says."""

    person: str


StaffRecord = (
    StaffListTaken
    | StaffListHeld
    | StaffListJudged
    | CredentialsWithdrawn
    | PinRenewed
    | AccessRecovered
    | ClockPutRight
    | TemporaryOver
)
