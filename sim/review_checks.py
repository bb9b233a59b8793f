"""What was taken without an order waits for a verdict: by whom it may be judged, and when.

Reads entries alone. One rule: an emergency, and each removal under none, is judged once, after it
ended, by a pharmacist who is no human that took part; nothing else ends the wait.
"""

from dataclasses import dataclass, field

from cabinet import records as r
from sim.entitlements import Entitlements
from sim.model import Model

JUDGES = ("pharmacist",)


@dataclass
class ReviewChecks:
    """Of one story. Hears after `people`, who know who is signed in."""

    model: Model
    people: Entitlements
    started: dict[str, r.AccessStarted] = field(default_factory=dict)  # without an order, by access
    going_on: dict[str, None] = field(default_factory=dict)  # emergencies

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record, unjudged = body.record, self.model.unjudged
        match record:
            case r.EmergencyBegun():
                unjudged[record.emergency] = {record.person: None}
                if record.second:
                    unjudged[record.emergency][record.second] = None
                self.going_on[record.emergency] = None
            case r.EmergencyEnded():
                self.going_on.pop(record.emergency, None)
            case r.AccessStarted() if record.override:
                self.started[record.access] = record
            case r.RemovalTaken() if record.access in self.started:
                access = self.started.pop(record.access)
                under = access.emergency if access.emergency in unjudged else record.removal
                took_part = (access.person, *filter(None, (access.witness,)))
                unjudged.setdefault(under, {}).update(dict.fromkeys(took_part))
            case r.Reviewed():
                self._judged(body, record)
            case _:
                pass

    def _judged(self, body: r.Body, record: r.Reviewed) -> None:
        people, expect = self.people, self.people.expect
        people.good(body, "judged", record.by)
        signed_in = people.session == (record.session, record.by) and not people.locked
        expect(5, signed_in, "somebody judged who is not signed in")
        judge = people.people[record.by]
        expect(5, judge.rights.role in JUDGES, f"a {judge.rights.role} judged")
        waits = record.subject in self.model.unjudged
        expect(5, waits, "a verdict on what waits for none")
        took_part = self.model.unjudged.pop(record.subject, {})
        own = any(people.people[person].human == judge.human for person in took_part)
        expect(5, not own, "somebody judged what they took part in")
        expect(5, record.subject not in self.going_on, "an emergency was judged that is still on")
