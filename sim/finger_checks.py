"""Which finger stands for whom, on which sensor, and who stands by where none does: invariant 5.

Read by somebody who knows the entries, and the world: which sensor was in, whose finger lay on it,
what its slots hold. Not a second copy of the rules. One rule: as for all entitlements
(`entitlements.py`), of two fair readings the one that excuses the cabinet counts.
"""

from collections.abc import Sequence

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
from drivers.fingerprint_session import marked_page
from sim.entitlements import Entitlements
from sim.happenings import Happening, Kind
from sim.model import Model
from sim.proofs import second
from sim.runtime import SimulatedRuntime

SUPERVISORS = ("charge_nurse", "pharmacist")
LOADERS = (*SUPERVISORS, "administrator")
WITHOUT_SENSOR = ("sensor_down", "sensor_fault")  # why a PIN stood in
ERASED_WITHIN_MS = 600_000  # of a copy's finger's end, while one controller runs
PARTIAL = ("totp", "security_key")  # asked for after the finger, which has a record of its own


class FingerChecks:
    """Hears every entry after `people` did, and all that happens; says what ought not to be."""

    def __init__(self, runtime: SimulatedRuntime, model: Model, people: Entitlements) -> None:
        self._runtime, self._model, self._people = runtime, model, people
        self.slots: dict[str, list[int]] = {}  # person -> theirs, on the cabinet's own sensor
        self._reserved: dict[tuple[str, int], None] = {}  # fingers that wait to be loaded
        self._orders: dict[str, fr.TemplateOrdered] = {}
        self._enrolled: dict[tuple[str, int], str] = {}  # what was in a slot when it became theirs
        self._said_yes: dict[str, bool] = {}  # person -> to copies
        self._copies: dict[str, str] = {}  # template -> whose
        self._owed: dict[str, tuple[str, int]] = {}  # copies to be erased: boot, and since when
        self._loads = False  # the sensor that is in was approved by two, to be loaded
        self._on_glass = ""
        self._beneath = self._found = runtime.sensor  # what is in; what was in and not the own one
        self._seen = [runtime.sensor]
        self._felt: dict[str, float] = {}  # finger -> when it last lay on the cabinet's own sensor
        self._badge_s = 0.0  # when the proof that goes on began
        self._attempt = ""  # whose it is
        self._session = ""
        self._unsupervised = self._supervised = ""  # a session
        self._pinless: dict[str, None] = {}  # who is to choose a new PIN alone
        self._makers: dict[str, str] = {}  # temporary user -> who made them

    def expect(self, holds: bool, words: str, invariant: int = 5) -> None:
        """Check one thing."""
        self._model.expect(invariant, holds, words)

    # --- the world --------------------------------------------------------------------------------

    def happened(self, it: Happening) -> None:
        """A finger on the glass or off it, or another sensor under it."""
        if it.kind in (Kind.FINGER_ON, Kind.FINGER_OFF, Kind.SENSOR):
            self._feel(it.at)
        if it.kind is Kind.FINGER_ON:
            self._on_glass = it.detail
        elif it.kind is Kind.FINGER_OFF:
            self._on_glass = ""

    def _feel(self, now_s: float) -> None:
        """What lies on the glass lay there until now; on a strange sensor it proves nothing."""
        if self._on_glass and self._beneath is self._runtime.own_sensor:
            self._felt[self._on_glass] = now_s
        self._beneath = self._runtime.sensor
        if self._beneath not in self._seen:
            self._seen.append(self._beneath)

    def _holds(self, slot: int) -> str:
        """Whose finger is in this slot of the cabinet's own sensor, "" for nobody's."""
        return self._runtime.own_sensor.templates.get(slot, "")

    # --- the entries ------------------------------------------------------------------------------

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        self._feel(self._model.now_s())
        self._proved(record, *second(record))
        match record:
            case r.SignedIn() | fr.FactorProven():
                self._proved(record, record.person, record.factors)
            case r.ScreenUnlocked():
                self._proved(record, self._attempt, record.factors)
            case _:
                pass
        match record:
            case r.BadgePresented():
                self._badge_s, self._attempt = self._model.now_s(), record.person
            case fr.SensorForeign():
                self._found = self._runtime.sensor
            case fr.SensorFitted():
                self._fitted(body, record)
            case fr.TemplateKept() | fr.TemplateOrdered() | fr.TemplateLoaded():
                self._template(record)
            case fr.FingerWiped():
                self.expect(
                    not self._holds(record.slot), "a slot is said to be empty that holds a finger"
                )
            case r.Erased() if record.kind == "template":
                self._copies.pop(record.attachment, None)
                self._owed.pop(record.attachment, None)
            case _:
                self._of_people(body, record)
                self._of_sessions(body, record)
        for template, (boot, since_ms) in list(self._owed.items()):
            if boot != body.boot:
                self._owed[template] = (body.boot, body.mono_ms)
            else:
                kept = body.mono_ms - since_ms <= ERASED_WITHIN_MS
                self.expect(kept, "a copy outlives its finger", 9)

    # --- fingers ----------------------------------------------------------------------------------

    def _proved(self, record: r.Record, person: str, factors: tuple[str, ...]) -> None:
        """A finger counts that was felt by the cabinet's own sensor, in a slot that is theirs."""
        partial = isinstance(record, fr.FactorProven)
        if "finger" not in factors or (not partial and any(it in factors for it in PARTIAL)):
            return
        who = self._model.staff.get(person)
        theirs = who.fingers if who is not None else tuple(self._felt)
        felt_s = max((self._felt.get(it, -1.0) for it in theirs), default=-1.0)
        self.expect(bool(self.slots.get(person)), "a finger of somebody who has none here")
        self.expect(felt_s >= self._badge_s, "a finger that the cabinet's own sensor never felt")

    def _fitted(self, body: r.Body, record: fr.SensorFitted) -> None:
        anybody = any(self.slots.values()) or bool(self._reserved)
        self.expect(bool(record.by) or not anybody, "nobody decided for another sensor")
        if record.load:
            self._people.witnessed(
                body, record.by, record.approved_by, record.approver_factors, LOADERS
            )
        page, runtime = marked_page(record.sensor), self._runtime
        unmarked = self._found if 0 in runtime.sensor.notepad else runtime.sensor
        approved = next((it for it in self._seen if it.notepad.get(0) == page), unmarked)
        # An entry that was cut off on its way is heard at the start: hands were quicker by then.
        late = runtime.boot is None or not runtime.boot.ready
        same = approved is runtime.sensor or late
        self.expect(same, "another sensor is approved than the one that is in")
        runtime.own_sensor = approved
        for person, slots in self.slots.items():
            self._reserved.update({(person, slot): None for slot in slots})
            self._has(person, ())
        if not record.load:
            self._reserved.clear()
            self._owe(body, list(self._copies))
        self._loads = record.load
        self._orders.clear()

    def _template(self, record: fr.TemplateKept | fr.TemplateOrdered | fr.TemplateLoaded) -> None:
        person = record.person
        match record:
            case fr.TemplateKept():
                yes = self._said_yes.get(person, False)
                self.expect(yes, "a copy of the finger of somebody who wants none", 9)
                self._copies[record.template] = person
            case fr.TemplateOrdered():
                self.expect(self._loads, "a finger is loaded that no two people approved")
                theirs = self._copies.get(record.template) == person
                self.expect(theirs, "a copy is loaded that is not theirs, or is gone")
                self._orders[record.order] = record
            case fr.TemplateLoaded():
                order = self._orders.pop(record.order, None)
                fits = order is not None and (order.person, order.slot) == (person, record.slot)
                self.expect(fits, "a finger is loaded that was not ordered")
                there = self._holds(record.slot) == self._enrolled.get((person, record.slot))
                self.expect(there, "a slot counts that was not proven")
                self._has(person, [*self.slots.get(person, ()), record.slot])
                self._reserved.pop((person, record.slot), None)

    def _of_people(self, body: r.Body, record: r.Record) -> None:
        match record:
            case r.PersonEnrolled():
                self._enrolled.update({(record.person, it): self._holds(it) for it in record.slots})
                there = all(self._holds(slot) for slot in record.slots)
                self.expect(there, "somebody is enrolled with a slot that holds nobody's finger")
                self._has(record.person, record.slots)
                self._said_yes[record.person] = record.copies
            case st.CredentialsWithdrawn() if record.pin_alone:
                self._pinless[record.person] = None
            case r.EnrolmentStarted() if record.person in self._pinless and record.enroller:
                self._badge_s = self._model.now_s()
            case st.PinRenewed():
                self._pinless.pop(record.person, None)
                self._proved(record, record.person, record.factors)
            case r.EnrolmentStarted() | st.CredentialsWithdrawn():
                self._pinless.pop(record.person, None)
                self._without_finger(body, record.person)
            case r.PersonChanged() if record.status_after == "left":
                self._without_finger(body, record.person)
            case r.PersonListed():
                if record.rights.role == "temporary" and record.by:
                    self._makers[record.person] = record.by
                if record.standing == "left":
                    self._without_finger(body, record.person)
            case fr.CopiesTakenBack():
                self._said_yes[record.person] = False
                self._owe(body, self._copies_of(record.person))
            case _:
                pass

    def _without_finger(self, body: r.Body, person: str) -> None:
        self._has(person, ())
        self._said_yes[person] = False
        self._owe(body, self._copies_of(person))
        self._reserved = {key: None for key in self._reserved if key[0] != person}

    def _has(self, person: str, slots: Sequence[int]) -> None:
        """These slots are theirs, as they know themselves."""
        self.slots[person] = list(slots)
        self._model.fingerless.pop(person, None)
        if not slots:
            self._model.fingerless[person] = None

    def _copies_of(self, person: str) -> list[str]:
        return [template for template, whose in self._copies.items() if whose == person]

    def _owe(self, body: r.Body, templates: list[str]) -> None:
        for template in templates:
            self._owed.setdefault(template, (body.boot, body.mono_ms))

    # --- supervisors ------------------------------------------------------------------------------

    def _of_sessions(self, body: r.Body, record: r.Record) -> None:
        match record:
            case r.Started() | r.SignedOut():
                self._session = self._unsupervised = self._supervised = ""
            case r.SignedIn():
                self._session, self._supervised = record.session, ""
                self._begun(body, record.session, record.person, record.fallback)
            case r.ScreenUnlocked() if record.session != self._supervised:
                self._begun(body, record.session, self._attempt, record.fallback)
            case fr.Supervised():
                self._supervise(body, record)
            case r.AccessStarted():
                self._works(record.session, f"opened a drawer ({record.kind})")
            case r.Given() | r.Wasted() | r.EmergencyBegun():
                self._works(record.session, "gave, wasted or began an emergency")
            case r.CodeIssued() | r.PersonChanged() if record.by:
                self._works(self._session, "changed people")
            case _:
                pass

    def _begun(self, body: r.Body, session: str, person: str, fallback: str) -> None:
        plan = self._people.plan
        asked = plan is not None and plan.fingers.supervisor and fallback in WITHOUT_SENSOR
        self._unsupervised = session if asked and not self._alone(body, person) else ""

    def _alone(self, body: r.Body, person: str) -> bool:
        """Whoever may supervise; an administrator, where nobody may."""
        role = self._people.people[person].rights.role
        if role in SUPERVISORS:
            return True
        others = [ref for ref, it in self._people.people.items() if it.rights.role in SUPERVISORS]
        return role == "administrator" and not any(self._people.may_work(body, it) for it in others)

    def _supervise(self, body: r.Body, record: fr.Supervised) -> None:
        self.expect(record.session == self._unsupervised, "supervised, and nobody was to be")
        self._people.witnessed(body, record.person, record.supervisor, record.factors, SUPERVISORS)
        maker = self._makers.get(record.person, "")
        humans = [self._people.people[it].human for it in (maker, record.supervisor) if it]
        self.expect(not maker or humans[0] != humans[1], "supervised by whoever made them")
        self._unsupervised, self._supervised = "", record.session

    def _works(self, session: str, did: str) -> None:
        alone = bool(session) and session == self._unsupervised
        self.expect(not alone, f"somebody signed in without the sensor, and alone, {did}")
