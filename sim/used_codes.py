"""Codes of authenticator apps, as entries and phones have them: each proves somebody once.

Not for who else is proved (`proofs.py`). One rule: a code is good that its owner's phone showed,
after every one that was used before; the cabinet's clock says nothing of that.
"""

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import service_records as sr
from cabinet import staff_records as st
from sim.model import Model
from sim.phone import STEP_S
from sim.proofs import second

WITH_APP = ("administrator", "service_technician")
NEAR = 2  # steps: the window of one, and a slow disk
APART = 2  # steps: a code may be so much older than anybody's newest, not more


class UsedCodes:
    """Of one story."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.last: dict[str, int] = {}  # person with an app -> the step of their newest code
        self.apps: dict[str, None] = {}
        self.newest = 0
        self._fresh = ""  # whose code was right within the attempt that goes on
        self._session = ""  # whose it is
        self._before_ms = 0  # of the entry before

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        match record:
            case r.Started() | r.SignedOut():
                self._fresh = self._session = ""
            case r.BadgePresented():
                self._fresh = ""
            case fr.TotpEnrolled():
                mine = self._session == record.person
                self._model.expect(5, mine, "an app was added for somebody else")
                self._used(body, record.person, record.step)
                self.apps[record.person] = None
            case fr.TotpUsed():
                known = record.person in self.apps
                self._model.expect(5, known, "a code of an app that nobody has")
                self._used(body, record.person, record.step)
                self._fresh = record.person
            case st.CredentialsWithdrawn() if record.pin_alone:
                pass
            case r.PersonEnrolled() | st.CredentialsWithdrawn():
                self.apps.pop(record.person, None)
                self.last.pop(record.person, None)  # of a new app no code was used
            case r.SignedIn():
                self._proved(record.person, record.factors)
                self._session = record.person
            case r.ScreenUnlocked():
                self._proved(self._session, record.factors)
            case sr.ServiceSignedIn() if record.person:
                self._proved(record.person, record.factors)
            case _:
                other, factors = second(record)
                if other:
                    self._proved(other, factors)
        self._before_ms = body.wall_ms

    def _used(self, body: r.Body, person: str, step: int) -> None:
        expect, last = self._model.expect, self.last.get(person, 0)
        expect(5, step > last, "a code was good a second time, or one before it")
        older = f"a code was good that is over {APART - 1} steps older than one that was used"
        expect(5, step > self.newest - APART, older)
        clocks = (body.wall_ms, self._before_ms)  # which may be set in between
        now = any(abs(ms // (1000 * STEP_S) - step) <= NEAR for ms in clocks)
        expect(5, now, "a code was good at another time than its own")
        self.last[person], self.newest = max(step, last), max(step, self.newest)
        who = self._model.staff.get(person)
        phone = self._model.phones.get(who.staff_id) if who is not None else None
        if phone is not None:
            expect(5, step in phone.shown, "a code was good that its phone never showed")

    def _proved(self, person: str, factors: tuple[str, ...]) -> None:
        """Whoever has an app has shown its code, just now."""
        expect = self._model.expect
        role, _ = self._model.roles.get(person, ("", False))
        if person in self.apps and role in WITH_APP:
            expect(5, "totp" in factors, "a proof without the code of the app")
        if "totp" in factors:
            expect(5, self._fresh == person, "a proof by a code that was not typed in it")
            self._fresh = ""
