"""What is signed besides heads: a new key, and what two people decide with the recovery key.

Pure. One rule: a statement's text names its ledger and the number of the entry that holds it, so
that it says nothing anywhere else; and none of them can be read as a head.
"""

from collections.abc import Sequence

from cabinet import records as r
from cabinet import staff_records as st
from ledger.errors import LedgerError, WrongSignature
from ledger.escrow import recovery_name
from ledger.keyring import key_change_text
from ledger.note import Signer, Verifier, open_note, parse_note


class WrongStatement(Exception):
    """A statement in the ledger that was not signed as it must be."""


def change_key(seq: int, origin: str, by: Signer, new: Signer) -> str:
    """The note of entry `seq`, signed by the key that goes, or the recovery key, and the new."""
    text = key_change_text(origin, seq, new.vkey)
    return by.sign(text) + new.sign(text).rpartition("\n\n")[2]


def check_key_change(
    record: r.SigningKeyChanged, seq: int, old: Verifier, recovery: str
) -> Verifier:
    """The key that comes, if it and the old or the recovery key signed entry `seq`.

    WrongStatement otherwise.
    """
    try:
        new = Verifier(record.verifier)
        text, _ = parse_note(record.note)
        if text != key_change_text(old.name, seq, record.verifier) or new.name != old.name:
            raise WrongSignature("it speaks of another key, entry or ledger")
        open_note(record.note, [new])
        open_note(record.note, [old, Verifier(recovery)] if recovery else [old])
    except LedgerError as error:
        raise WrongStatement(f"the change of the signing key is not proven: {error}") from None
    return new


def _recovery(origin: str, title: str, seq: int, root: bytes, *lines: str) -> str:
    """What the recovery key signs of entry `seq`, which follows entries of root `root`."""
    return "\n".join((recovery_name(origin), title, str(seq), root.hex(), *lines)) + "\n"


def _rollback(
    origin: str,
    seq: int,
    root: bytes,
    anchors: Sequence[tuple[int, str]],
    words: tuple[str, str, str, str],
) -> str:
    heads = (f"{size} {kept}" for size, kept in anchors)
    return _recovery(origin, "adc rollback accepted v1", seq, root, *heads, " ".join(words))


def accept_rollback(
    seq: int,
    root: bytes,
    origin: str,
    signer: Signer,
    *,
    anchors: Sequence[tuple[int, str]],
    reason: str,
    incident: str,
    persons: tuple[str, str],
) -> str:
    """The note of entry `seq`, which follows entries of root `root`; by the recovery key."""
    return signer.sign(_rollback(origin, seq, root, anchors, (reason, incident, *persons)))


def _access(origin: str, seq: int, root: bytes, words: tuple[str, ...]) -> str:
    return _recovery(origin, "adc access recovered v1", seq, root, " ".join(words))


def recover_access(
    seq: int,
    root: bytes,
    origin: str,
    signer: Signer,
    *,
    incident: str,
    persons: tuple[str, str],
    codes: tuple[str, str],
) -> str:
    """The note of entry `seq`, which follows entries of root `root`; by the recovery key."""
    return signer.sign(_access(origin, seq, root, (incident, *persons, *codes)))


def _clock(origin: str, seq: int, root: bytes, words: tuple[str, ...]) -> str:
    return _recovery(origin, "adc clock put right v1", seq, root, " ".join(words))


def put_clock_right(
    seq: int,
    root: bytes,
    origin: str,
    signer: Signer,
    *,
    incident: str,
    persons: tuple[str, str],
    ahead_ms: int,
) -> str:
    """The note of entry `seq`, which follows entries of root `root`; by the recovery key."""
    return signer.sign(_clock(origin, seq, root, (incident, *persons, str(ahead_ms))))


def check_recovery(
    record: r.RollbackAccepted | st.AccessRecovered | st.ClockPutRight,
    seq: int,
    root: bytes,
    origin: str,
    recovery: str,
) -> None:
    """WrongStatement unless the recovery key signed this record as entry `seq` after `root`."""
    match record:
        case r.RollbackAccepted():
            anchors = tuple((anchor.size, anchor.root) for anchor in record.anchors)
            words = (record.reason, record.incident, *record.persons)
            meant = _rollback(origin, seq, root, anchors, words)
        case st.AccessRecovered():
            meant = _access(origin, seq, root, (record.incident, *record.persons, *record.codes))
        case st.ClockPutRight(incident, persons, ahead_ms):
            meant = _clock(origin, seq, root, (incident, *persons, str(ahead_ms)))
    try:
        text = open_note(record.note, [Verifier(recovery)])
    except LedgerError as error:
        raise WrongStatement(f"the recovery key did not sign this: {error}") from None
    if text != meant:
        raise WrongStatement("what the recovery key signed is not this entry")
