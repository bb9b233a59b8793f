"""Who really proved what: each factor of an entry against what was shown within that very attempt.

Hears the entries' bytes, and sees badges, fingers and what is typed in the world; never the
cabinet's own state. One rule: an attempt begins when its badge's record is on disk, for nothing is
asked for before, and what was shown earlier proves nothing in it.
"""

from collections import deque
from dataclasses import dataclass

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import service_records as sr
from cabinet import staff_records as st
from sim.happenings import Happening, Kind
from sim.model import Model
from sim.people import Person

READ_S = 60.0  # from a badge at the reader to its record: one write may take 30 s
KEPT = 64  # of what was shown
# Records of two people: who the second one is, and by what.
SECOND: dict[type, tuple[str, str]] = {
    r.Wasted: ("witness", "witness_factors"),
    r.Counted: ("witness", "witness_factors"),
    r.AccessStarted: ("witness", "witness_factors"),
    r.EmergencyBegun: ("second", "second_factors"),
    r.PersonChanged: ("approved_by", "approver_factors"),
    st.CredentialsWithdrawn: ("approved_by", "approver_factors"),
    fr.SensorFitted: ("approved_by", "approver_factors"),
    fr.Supervised: ("supervisor", "factors"),
}
# Records of what somebody did who is signed in, with the factors by which they are.
OF_SESSION = (r.AccessStarted, r.EmergencyBegun, r.Wasted, sr.ServiceAdmitted)


def second(record: r.Record) -> tuple[str, tuple[str, ...]]:
    """Who attested it as the second person, and by which factors; "" where nobody did."""
    person, factors = SECOND.get(type(record), ("", ""))
    return (getattr(record, person), getattr(record, factors)) if person else ("", ())


@dataclass
class Attempt:
    """One badge, and since when more is asked for."""

    presented: r.BadgePresented
    since_s: float


@dataclass
class Touch:
    """A finger on the glass."""

    finger: str
    lifted_s: float | None = None


class Proofs:
    """Of one story."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.attempt: Attempt | None = None
        self._session: tuple[str, str, tuple[str, ...]] = ("", "", ())  # it, its person, by what
        self._badges: deque[tuple[float, str]] = deque(maxlen=KEPT)
        self._touches: deque[Touch] = deque(maxlen=KEPT)
        self._typed: deque[tuple[float, str]] = deque(maxlen=KEPT)
        self.proven: dict[str, int] = {}  # what was looked at -> how often

    # --- what is really shown ---------------------------------------------------------------------

    def happened(self, happening: Happening) -> None:
        """What the world's log says, as it says it."""
        match happening.kind:
            case Kind.BADGE:
                self._badges.append((happening.at, happening.detail))
            case Kind.FINGER_ON:
                self._touches.append(Touch(happening.detail))
            case Kind.FINGER_OFF:
                self._touches[-1].lifted_s = happening.at
            case _:
                pass

    def typed(self, text: str) -> None:
        """Somebody typed this as a PIN, or as the code of an app."""
        self._typed.append((self._model.now_s(), text))

    # --- the entries ------------------------------------------------------------------------------

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        match record:
            case r.Started():
                self.attempt, self._session = None, ("", "", ())
            case r.BadgePresented():
                self.attempt = Attempt(record, self._model.now_s())
            case r.AttemptEnded():
                self.attempt = None
            case r.SignedIn():
                self._proved(record.person, record.factors, "signed in", record.attempt)
                self._session = (record.session, record.person, record.factors)
            case r.ScreenUnlocked():
                _, person, _ = self._session
                self._proved(person, record.factors, "unlocked the screen", record.attempt)
                self._session = (record.session, person, record.factors)
            case r.SignedOut():
                self._session = ("", "", ())
            case _:
                pass
        if isinstance(record, OF_SESSION):
            by = record.by_session if isinstance(record, sr.ServiceAdmitted) else record.session
            same = (by, record.person, record.factors) == self._session
            words = f"{type(record).__name__} by factors that nobody is signed in with"
            self._model.expect(1, same, words)
        other, factors = second(record)
        if other:
            self._proved(other, factors, "attested", "")

    def _proved(self, person: str, factors: tuple[str, ...], what: str, attempt: str) -> None:
        """Each factor was shown by that very person within the attempt that is going on."""
        expect, now = self._model.expect, self.attempt
        expect(5, len(set(factors)) >= 2, f"one factor only: {factors}")
        if now is None:
            self._model.wrong(5, f"a person {what} without an attempt")
            return
        theirs = now.presented.person == person
        expect(5, theirs, f"a person {what} whose badge was not the attempt's")
        fits = attempt in ("", now.presented.attempt)
        fits = fits and bool(attempt) is (now.presented.purpose == "sign_in")
        expect(5, fits, f"a person {what} by another attempt")
        self.proven[what] = self.proven.get(what, 0) + 1
        who = self._model.staff.get(person)
        if who is None:
            return
        for factor in factors:
            shown = self._shown(factor, who, now.since_s)
            expect(5, shown, f"a person {what} whose {factor} was not shown in this attempt")

    def _shown(self, factor: str, who: Person, since_s: float) -> bool:
        typed = [text for at, text in self._typed if at >= since_s]
        match factor:
            case "badge":
                held = [badge for at, badge in self._badges if at >= since_s - READ_S]
                return who.badge in held
            case "finger":
                there = [it for it in self._touches if (it.lifted_s or since_s) >= since_s]
                return any(it.finger in who.fingers for it in there)
            case "pin":
                return who.pin in typed
            case "totp":
                phone = self._model.phones.get(who.staff_id)
                return phone is not None and any(it in typed for it in phone.shown.values())
            case _:
                return True  # nobody here has a key
