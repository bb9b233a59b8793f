"""What must hold of the service console: who is let in, what is recorded, and what it never says.

Hears the entries' bytes and every message of the line; never the cabinet's own state, but for the
one question of what an answer would be with other counts. One rule: as for all checks, the model
and the bytes are believed, not what they judge.
"""

import hashlib
from collections.abc import Callable

from cabinet import console_messages as m
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.plan import CONTROLLED
from cabinet.service_desk import ServiceDesk
from cabinet.state import State
from sim.laptop import Laptop
from sim.model import Model

OFF_BY = 1000
PROOF_S = 150.0  # what a technician's key proved so long ago proves nothing now
UNPLUGGED_S = 10.0  # and the session is over
# What answers from the state and facts alone, and changes nothing by being asked.
PLAIN = ("status", "devices", "drawers", "config", "ledger", "power", "version", "report")


class ServiceChecks:
    """Of one story."""

    def __init__(self, model: Model, tells: Callable[[bytes], bool]) -> None:
        """`tells`: whether a name, number, badge or PIN is in these bytes."""
        self._model, self._tells = model, tells
        self.session = ""
        self.admitted = self.working = False
        self._testing: sr.ServiceTestBegun | None = None
        self._opened = False  # the drawer whose lock is tested, by a pharmacist
        self._entries = 0  # of commands and notes
        self._newest: sr.ServiceCommand | None = None
        self._proofs: list[tuple[float, str]] = []  # when, and by which key
        self.visits: dict[str, int] = {}  # why sessions ended -> how often

    # --- the entries ------------------------------------------------------------------------------

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record, expect = body.record, self._model.expect
        match record:
            case r.Started():
                self._over()
            case sr.ServiceSignedIn():
                self._signed_in(record)
            case sr.ServiceAdmitted():
                role, active = self._model.roles.get(record.person, ("", False))
                may = record.session == self.session and role == "pharmacist" and active
                expect(5, may, f"a {role} (active: {active}) let a technician in")
                self.admitted = True
            case sr.ServiceCommand() | sr.ServiceNoted():
                self._entries += 1
                self._newest = record if isinstance(record, sr.ServiceCommand) else None
                done = isinstance(record, sr.ServiceNoted) or record.outcome == "ok"
                mine = record.session == self.session and (self.admitted or not done)
                expect(5, mine, "a command of somebody whom nobody let in")
            case sr.ServiceBegun():
                expect(5, self.admitted, "service mode of somebody whom nobody let in")
                self.working = True
            case sr.ServiceFinished():
                self.working = self.working and not record.returned
            case sr.ServiceTestBegun():
                expect(5, self.working, "a test outside service mode")
                self._testing, self._opened = record, False
            case sr.ServiceTested():
                self._testing = None
            case sr.LockTestOrdered():
                self._lock_pulsed(record)
            case sr.ServiceEnded():
                self.visits[record.why] = self.visits.get(record.why, 0) + 1
                self._over()
            case r.SignedIn() if self.working:
                asked = self._testing is not None and self._testing.what == "lock"
                expect(5, asked, "somebody signed in while the cabinet is in service")
            case r.AccessStarted() if self.working or record.service:
                self._opens(record)
            case _:
                pass

    def _over(self) -> None:
        self.session, self.admitted, self.working = "", False, False
        self._testing = None

    def _signed_in(self, record: sr.ServiceSignedIn) -> None:
        expect, now_s = self._model.expect, self._model.now_s()
        expect(5, not self.session, "a second technician at the console")
        shown = [key for at, key in self._proofs if now_s - at <= PROOF_S]
        expect(5, record.key in shown, "a technician signed in whose key proved nothing")
        schedules = self._model.schedules
        kept = [schedules.get(medicine, "none") for medicine, _ in self._model.pockets.values()]
        must = any(schedule in CONTROLLED for schedule in kept)
        expect(5, record.admission or not must, "no pharmacist need let this technician in")
        self.session, self.admitted = record.session, not record.admission

    def _lock_pulsed(self, record: sr.LockTestOrdered) -> None:
        """Only of an empty drawer, and for somebody who is named."""
        model, drawer = self._model, record.drawer
        named = record.session == self.session and bool(record.key or record.person)
        model.expect(1, named and self.working, "a lock is tested for nobody")
        places = [drawer] if drawer in model.bins else []
        places += [pocket for pocket, (_, its) in model.pockets.items() if its == drawer]
        lies = [place for place in places if model.world.tablets(place)]
        model.expect(6, not lies, f"a technician alone reaches what lies in {', '.join(lies)}")

    def _opens(self, record: r.AccessStarted) -> None:
        """While a technician works a drawer opens for a pharmacist's count, at their request."""
        testing, expect = self._testing, self._model.expect
        role, _ = self._model.roles.get(record.person, ("", False))
        asked = testing is not None and (testing.what, testing.place) == ("lock", record.drawer)
        for_it = record.service == self.session and record.kind == "count" and not self._opened
        words = f"a {role} opened {record.drawer} while the cabinet is in service"
        expect(5, asked and for_it and role == "pharmacist", words)
        self._opened = True

    # --- the line ---------------------------------------------------------------------------------

    def proof(self, key: str) -> None:
        """A technician proves with this key, and honestly."""
        self._proofs = [*self._proofs[-7:], (self._model.now_s(), key)]

    def said(self, laptop: Laptop, message: m.ToController) -> None:
        """A laptop's message."""
        if isinstance(message, m.Command | m.Write):
            laptop.expected = self._entries

    def heard(self, laptop: Laptop, message: m.ToConsole, body: bytes) -> None:
        """What a laptop is told."""
        model = self._model
        model.checks += 1
        if self._tells(body):
            model.wrong(9, f"a name, number, badge or PIN in a {type(message).__name__}")
        match message:
            case m.SignedIn():
                model.expect(5, laptop.honest, "a forged proof signed somebody in at the console")
                laptop.session = self.session
            case m.Ended():
                laptop.session = ""
            case m.Answer() if laptop.session:
                recorded = self._entries > laptop.expected
                model.expect(1, recorded, "a command's answer without its record")
                newest, tables = self._newest, message.tables
                if newest is not None:
                    same = newest.outcome == message.outcome
                    model.expect(1, same, f"{message.outcome} told, {newest.outcome} recorded")
                    told = hashlib.sha256(m.body(tables)).hexdigest() if tables else ""
                    model.expect(1, newest.digest == told, "another answer than its record proves")
            case m.Answer():
                model.expect(5, message.outcome == "refused", "an answer to nobody's session")
            case _:
                pass

    def unplugged(self, session: str) -> None:
        """A cable was pulled a while ago: its session is over."""
        over = not session or self.session != session
        self._model.expect(5, over, "a session outlived its cable")

    # --- the answers ------------------------------------------------------------------------------

    def asked(self, desk: ServiceDesk, state: State, message: m.Command) -> None:
        """No answer depends on how many are expected."""
        if message.command not in PLAIN:
            return
        true, reply = state.balances, desk._reply(message)
        state.balances = dict(true)
        for pocket, (kind, _) in self._model.pockets.items():
            key = (f"pocket:{pocket}", kind)
            state.balances[key] = true.get(key, 0) + OFF_BY
        try:
            other = desk._reply(message)
        finally:
            state.balances = true
        self._model.expect(10, reply == other, f"{message.command} tells what is expected")
