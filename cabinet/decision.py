"""What a decision is made of: where a person stands in the screens, and the draft of what follows.

Not for what is allowed. One rule: a `Place` is nothing but the screens' memory; it is never in the
ledger, and losing it at a restart loses nothing.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from cabinet import records as r
from cabinet.events import Command, Moment
from cabinet.messages import Block, Words
from cabinet.state import State
from ledger.attachment import Attachment, make_attachment

Tone = Literal["plain", "success", "warning", "refusal"]


@dataclass(frozen=True)
class Note:
    """A line said at the top of the next screen."""

    text: str = field(repr=False)  # it may name a person
    tone: Tone = "plain"


@dataclass(frozen=True)
class Proof:
    """Who proved who they are, and by which factors; `fallback` as in SignedIn."""

    person: str
    factors: tuple[str, ...]
    fallback: str = ""


@dataclass(frozen=True)
class Newcomer:
    """What somebody who enrols has given so far."""

    staff_id: str = field(default="", repr=False)
    family: str = field(default="", repr=False)
    given: str = field(default="", repr=False)
    badge: str = ""
    pin: str = field(default="", repr=False)  # encoded hash
    first_pin: str = field(default="", repr=False)  # encoded hash, until it was typed again
    phrase: bool = False  # that PIN is a passphrase
    slots: tuple[int, ...] = ()
    captures: int = 0
    copies: bool = False  # of their fingers' templates may be kept
    human: str = ""  # keyed hash of the person number, "" for none
    person_number: str = field(default="", repr=False)  # as typed, until they are added
    renews: bool = False  # they are enrolled, and choose a new PIN alone
    fallback: str = ""  # why no finger shows that it is for them


@dataclass(frozen=True)
class Change:
    """What an administrator would make of a person; `again`: they enrol again.

    `pin_alone`: no more of it than their PIN. `before` and `was`: what the person had when the
    change was begun.
    """

    person: str
    rights: r.Rights
    standing: r.Standing
    before: r.Rights
    was: r.Standing
    why: str = ""
    again: bool = False
    new_badge: bool = False
    pin_alone: bool = False


@dataclass(frozen=True)
class Place:
    """Where the person stands in the screens."""

    page: str = "home"
    note: Note | None = None
    patient: str = ""
    order: str = ""
    removal: str = ""
    pocket: str = ""
    quantity: int = 0
    lot: str = ""
    expires: str = ""
    offset: int = 0  # first row shown of a list
    everyone: bool = False  # all patients, not only mine
    why: str = ""  # a medicine is removed without an order, or an emergency begun
    medicine: str = ""
    wanted: r.AccessStarted | None = None  # which a second person is asked to attest
    search: str = field(default="", repr=False)
    subject: str = ""  # what is reviewed
    request: str = ""  # the answer that is waited for
    keys: str = ""  # the page where a PIN or passphrase was typed that is compared
    shown_code: str = field(default="", repr=False)
    challenge: bytes = field(default=b"", repr=False)  # that a security key is to sign
    sealed: str = field(default="", repr=False)  # the secret of an app that is being added
    newcomer: Newcomer = Newcomer()
    changing: Change | None = None
    competency: str = ""
    typed: str = field(default="", repr=False)  # what people are looked for by
    kept: str = field(default="", repr=False)  # what was typed on this page, and refused
    active_ms: int = 0  # monotonic time of the last touch
    parked: "Place | None" = None  # where the person stands whose screen is locked

    def but(self, **changes: Any) -> "Place":
        """The same with these fields changed: as `dataclasses.replace`, in a tenth of its time."""
        assert changes.keys() <= self.__dict__.keys(), f"no such field: {changes.keys()}"
        other = object.__new__(Place)
        other.__dict__.update(self.__dict__, **changes)
        return other

    def said(self) -> tuple[Block, ...]:
        """The note as the first block of a screen."""
        return (Words(self.note.text, "strong", self.note.tone),) if self.note else ()


@dataclass(frozen=True)
class Decision:
    """What follows from an event: records first, commands once they are durable."""

    records: tuple[r.Record, ...]
    attachments: tuple[Attachment, ...]
    commands: tuple[Command, ...]
    place: Place
    refusal: str = ""  # what to tell whoever asked, "" when it was done
    report: tuple[str, ...] = ()  # an import's report by row


class Draft:
    """Collects what an event leads to; the state is read, never changed."""

    def __init__(self, state: State, place: Place, moment: Moment) -> None:
        self.state, self.place, self.moment = state, place, moment
        self.records: list[r.Record] = []
        self.attachments: list[Attachment] = []
        self.commands: list[Command] = []
        self.attested: Proof | None = None  # who proved inside the act what is now done
        self.refusal = ""
        self.report: list[str] = []
        self._drawn = 0

    def reference(self) -> str:
        """A fresh random reference, 16 hex digits."""
        self._drawn += 1
        return self.moment.draw(self._drawn).hex()

    def fresh(self, size: int) -> bytes:
        """Fresh random bytes, at most 32."""
        self._drawn += 1
        return self.moment.draw(self._drawn, size)

    def add(self, *records: r.Record) -> None:
        """Add records, in order."""
        self.records += records

    def attach(self, kind: str, details: r.Details) -> str:
        """Add an attachment; its salted hash in hex, by which a record names it."""
        self._drawn += 1
        salt = self.moment.draw(self._drawn, 16)
        attachment = make_attachment(kind, salt, r.encode_details(details))
        self.attachments.append(attachment)
        return attachment.hash.hex()

    def command(self, *commands: Command) -> None:
        """Add commands, carried out after the records are durable."""
        self.commands += commands

    def go(self, page: str, **changes: Any) -> None:
        """Show `page` next, with these fields of the place; no note and no request unless given."""
        fresh = {"note": None, "offset": 0, "request": "", "shown_code": "", "sealed": ""}
        self.place = self.place.but(page=page, **{"kept": "", **fresh, **changes})

    def stay(self, **changes: Any) -> None:
        """Stay on the page, with these fields of the place changed."""
        self.place = self.place.but(**changes)

    def leave(self, note: Note | None = None) -> None:
        """Forget where the person stood."""
        self.place = Place(note=note, active_ms=self.place.active_ms)

    def front(self, note: Note | None = None) -> None:
        """Back to the first screen, or to the locked one with what is parked behind it."""
        kept = self.place
        self.place = Place(note=note, active_ms=kept.active_ms, parked=kept.parked)

    def home(self, note: Note | None = None) -> None:
        """Back to the person's first page."""
        self.place = Place(note=note, active_ms=self.place.active_ms, everyone=self.place.everyone)

    def refuse(self, words: str) -> None:
        """Say no: on the screen and to whoever asked."""
        self.refusal = words
        self.stay(note=Note(words, "refusal"))

    def done(self) -> Decision:
        """The finished decision."""
        return Decision(
            tuple(self.records),
            tuple(self.attachments),
            tuple(self.commands),
            self.place,
            self.refusal,
            tuple(self.report),
        )
