"""One step of the machine: event, decision, commit, apply; then the commands may be carried out.

Not for carrying them out, and without loop, thread or clock. One rule: this order, always; an error
on the way leaves nothing commanded.
"""

from dataclasses import dataclass

from cabinet import records as r
from cabinet.decision import Place
from cabinet.effects import apply
from cabinet.events import Command, Event, Moment
from cabinet.journal import Journal, attached
from cabinet.rules import decide
from cabinet.state import State


@dataclass(frozen=True)
class Outcome:
    """What a step led to: the entries now on disk and what may be done about them."""

    bodies: tuple[r.Body, ...]
    commands: tuple[Command, ...]
    refusal: str
    report: tuple[str, ...]


class Engine:
    """The cabinet's state, where the person stands, and the step that moves both."""

    def __init__(self, state: State, journal: Journal) -> None:
        self.state, self.place, self._journal = state, Place(), journal

    def step(self, event: Event, moment: Moment) -> Outcome:
        """Decide, make durable, apply; the journal's error leaves state and place as they were."""
        decision = decide(self.state, self.place, event, moment)
        bodies: list[r.Body] = []
        if decision.records:
            bodies = self._journal.append(decision.records, decision.attachments, moment)
            details = attached(decision.attachments)
            for body in bodies:
                apply(self.state, body, details)
        self.place = decision.place
        return Outcome(tuple(bodies), decision.commands, decision.refusal, decision.report)
