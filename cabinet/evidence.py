"""`cabinet export` and `cabinet receipt`: evidence from this cabinet's ledger for outsiders.

Not for checking it: `python -m ledger.verify` does that without this package. One rule: attachments
go out only when asked for, only those of whom the exported entries speak, and a PIN's hash never.
"""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec

from cabinet import provision, whole_file
from cabinet import records as r
from cabinet.configuration import Configuration
from cabinet.keys import Keys
from ledger.attachment import Attachment
from ledger.export import Exported, export, receipt
from ledger.receipt import encode_receipt
from ledger.store import Store

NEVER = (
    "credential",
    "totp",
    "security_key",
    "template",
)  # kinds of attachment that no export holds


class NoEvidence(Exception):
    """What was asked for cannot be given: no such entry or day, or a file in the way."""


class _Time(msgspec.Struct):
    """As much of a body as finding a day needs."""

    wall_ms: int


_times = msgspec.json.Decoder(_Time)


def _opened(configuration: Configuration, folder: Path, keys: Keys) -> Store:
    return Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True)


def write_export(
    configuration: Configuration,
    folder: Path,
    keys: Keys,
    target: Path,
    *,
    since: str = "",
    until: str = "",
    with_attachments: bool = False,
) -> Exported:
    """Export the entries from `since` to `until`, both entry numbers or local days, inclusive."""
    with _opened(configuration, folder, keys) as store:
        first, last = find_range(store, since, until)
        cosigner = provision.cosigner(configuration, keys)
        return export(
            store,
            target.absolute(),
            vkeys=(provision.signer(configuration, keys).vkey, cosigner.vkey),
            cosigner=cosigner,
            time_s=int(time.time()),
            first=first,
            last=last,
            attachments=concerned(store, first, last) if with_attachments else (),
            key_changes=key_changes(store),
        )


def write_new(file: Path, text: str) -> None:
    """A new file, mode 0600, whole or not there at all."""
    if file.exists():
        raise NoEvidence(f"{file}: exists already; a receipt goes into a new file")
    try:
        whole_file.replace(file, text.encode())
    except OSError as error:
        raise NoEvidence(f"{file}: cannot be written: {error.strerror}") from None


def write_receipt(configuration: Configuration, folder: Path, keys: Keys, seq: int) -> str:
    """The receipt of entry `seq`."""
    with _opened(configuration, folder, keys) as store:
        cosigner = provision.cosigner(configuration, keys)
        return encode_receipt(receipt(store, seq, cosigner, int(time.time())))


def find_range(store: Store, since: str, until: str) -> tuple[int, int]:
    """The first and last entry that `since` and `until` mean; every entry of a day is within."""
    first, last = _entry(since), _entry(until)
    from_ms = _day_ms(since) if since and first is None else None
    to_ms = _day_ms(until, days=1) if until and last is None else None
    if from_ms is not None or to_ms is not None:
        within = [
            entry.seq
            for entry in store.entries()
            if (from_ms or 0) <= _times.decode(entry.body).wall_ms < (to_ms or 1 << 62)
        ]
        if not within:
            raise NoEvidence("no entry was written in that time")
        first = within[0] if from_ms is not None else first
        last = within[-1] if to_ms is not None else last
    return first or 1, min(last or store.size, store.size)


def _entry(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _day_ms(text: str, days: int = 0) -> int:
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return int(time.mktime(day.timetuple()) * 1000)
    except (ValueError, OverflowError, OSError):
        raise NoEvidence(
            f"{text!r} is no entry's number and no day; write 1234 or 2026-11-22"
        ) from None


def concerned(store: Store, first: int, last: int) -> Iterator[Attachment]:
    """The attachments of the people, patients and orders that entries `first` to `last` name."""
    named: set[str] = set()
    for entry in store.entries(first, last + 1):
        named.update(_texts(msgspec.to_builtins(r.decode_body(entry.body).record)))
    wanted = set()
    for entry in store.entries(1, last + 1):
        subject, details = _about(r.decode_body(entry.body).record)
        if details and subject in named:
            wanted.add(details)
    for hashed in sorted(wanted):
        attachment = store.attachment(bytes.fromhex(hashed))
        if attachment is not None and attachment.kind not in NEVER:
            yield attachment


def key_changes(store: Store) -> list[tuple[int, str]]:
    """The entries that replaced the signing key, and what both keys signed."""
    tag = f'"type":"{r.SigningKeyChanged.__struct_config__.tag}"'.encode()
    found = []
    for entry in store.entries():
        if tag in entry.body:
            record = r.decode_body(entry.body).record
            if isinstance(record, r.SigningKeyChanged):
                found.append((entry.seq, record.note))
    return found


def _about(record: r.Record) -> tuple[str, str]:
    """Whom or what an attachment's record is about, and the attachment's hash."""
    match record:
        case r.PersonListed() | r.PersonEnrolled():
            return record.person, record.details
        case r.PatientListed():
            return record.patient, record.details
        case r.OrderListed():
            return record.order, record.details
        case _:
            return "", ""


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list() | tuple():
            for each in value:
                yield from _texts(each)
