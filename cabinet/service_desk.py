"""The live side of the console socket: challenges, proofs, and each command's answer to its peer.

Not for what is allowed (`service.py`) or what an answer says (`service_answers.py`). One rule: a
session belongs to the connection that proved it, and every command goes through a step before its
answer goes out.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from auth.ssh_proof import NAMESPACE, Trust, staff_numbers
from auth.ssh_signature import public_key
from cabinet import (
    authenticator,
    captures,
    service,
    service_answers,
    service_system,
    service_work,
)
from cabinet import console_messages as m
from cabinet import events as e
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.configuration import Configuration
from cabinet.console_socket import ConsoleCame, ConsoleEvent, ConsoleGone, ConsoleSaid
from cabinet.local_socket import Peer
from cabinet.outside import WITNESS
from cabinet.proof_worker import ProofChecked, ProofJob
from cabinet.service_answers import Facts, History, Reply
from cabinet.service_traffic import Traffic
from cabinet.state import Service
from cabinet.system_desk import Host as SystemHost
from cabinet.system_desk import SystemDesk
from cabinet.system_requests import Requests

CHALLENGE_S = 300
NO_WAY = "cabinet.toml names no service CA and no other way, so nobody can sign in here."
NOT_HERE = "That way of signing in is not allowed at this cabinet."
ONE_MOMENT = "One moment."
WHY_ENDED = {
    "logout": "Logged out.",
    "hung_up": "The line was lost.",
    "idle": "No command came for too long: the session is over.",
    "time": "The session's time is over. Sign in again.",
    "stopped": "The controller restarts.",
    "not_admitted": "No pharmacist let you in: the session is over.",
    "withdrawn": "Your access was withdrawn: the session is over.",
}


@dataclass
class _Visitor:
    """One console and what it is in the middle of."""

    challenge: str = ""
    until_s: float = 0.0
    checking: bool = False
    request: str = ""  # of a PIN and a code that are compared
    session: str = ""
    waits: bool = False  # for a pharmacist
    watching: bool = False  # states and pins; frames are watched by `Traffic`
    seen: tuple[str, ...] = ()


class Host(SystemHost, Protocol):
    """Where steps are taken, and chance comes from."""

    def random(self, size: int, /) -> bytes: ...


class ServiceDesk:
    """Everything here is called by the one thread that takes the steps."""

    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        host: Host,
        facts: Facts,
        submit: Callable[[ProofJob], None],
        compare: Callable[[e.CheckTechnician], None],
    ) -> None:
        """`submit` has a certificate's proof checked, `compare` a PIN and a code."""
        self._configuration, self._host, self._facts = configuration, host, facts
        self._submit, self._compare = submit, compare
        self._comparing = False  # one at a time: nobody at the touchscreen waits behind more
        self._visitors: dict[Peer, _Visitor] = {}
        self._history = History()
        paths = configuration.paths
        self._traffic = Traffic(facts, lambda lines: captures.keep(folder / paths.requests, lines))
        requests = Requests(folder / paths.requests, folder / paths.facts)
        witnesses = tuple(f"{WITNESS}{it.name}" for it in configuration.witness)
        self._system = SystemDesk(requests, host, self._tell_session, witnesses)
        self._traffic.over()  # what a session left that a restart ended
        rules = configuration.service
        self._trust = Trust(
            tuple(public_key(key) for key in rules.ca),
            (configuration.cabinet.id, *([rules.fleet] if rules.fleet else [])),
            rules.certificate_h,
            folder / rules.revoked if rules.revoked else None,
            rules.named_certificates,
        )

    # --- what comes -----------------------------------------------------------------------------

    def take(self, event: ConsoleEvent | ProofChecked | e.ServiceEntered) -> None:
        """A console came, said something or went; or its proof was checked."""
        if isinstance(event, ConsoleCame):
            self._visitors[event.peer] = _Visitor()
            self._send(event.peer, self._banner())
            return
        if isinstance(event, e.ServiceEntered):
            self._compared(event)
            return
        visitor = self._visitors.get(event.peer)
        if visitor is None:
            return  # it went meanwhile
        match event:
            case ConsoleGone():
                del self._visitors[event.peer]
                if visitor.session:
                    self._host.step(e.ServiceLeft(visitor.session, "hung_up"))
            case ProofChecked():
                self._checked(event, visitor)
            case ConsoleSaid():
                self._said(event.peer, visitor, event.message)

    def _said(self, peer: Peer, visitor: _Visitor, message: m.ToController) -> None:
        match message:
            case m.Begin():
                self._begin(peer, visitor)
            case m.Respond():
                self._respond(peer, visitor, message)
            case m.Prove():
                self._prove(peer, visitor, message)
            case m.Command():
                self._stop(visitor)
                self._command(peer, visitor, message)
            case m.Write():
                self._stop(visitor)
                outcome = self._host.step(e.ServiceWrote(visitor.session, message.text))
                said = outcome.refusal or " ".join(outcome.report)
                self._send(peer, m.Answer(message.id, "refused" if outcome.refusal else "ok", said))
            case m.Stop():
                self._stop(visitor)
            case m.Leave() if visitor.session:
                self._host.step(e.ServiceLeft(visitor.session, "logout"))
            case _:
                self._send(peer, m.Ended(WHY_ENDED["logout"]))

    def _stop(self, visitor: _Visitor) -> None:
        """Nothing more is watched, if it is the one at work who says so."""
        if visitor.session:
            visitor.watching = False
            self._traffic.watch("", self._host.now_s())

    def request(self, act: sr.SystemAct) -> None:
        """A command of the rules: ask the system for this act."""
        self._system.request(act)

    def follow(self) -> None:
        """After whatever happened: who is let in, whose watch or request has something new."""
        self._system.follow()
        now = self._host.state.service
        for peer, visitor in list(self._visitors.items()):
            if now is None or now.id != visitor.session:
                continue
            if visitor.waits and now.admitted:
                visitor.waits = False
                self._send(peer, m.Admitted())
            for line in self._traffic.turn(self._host.now_s()):
                self._send(peer, m.Seen(line))
            if visitor.watching:
                lines = service_answers.watched(self._host.state, self._facts.wires())
                for line in lines:
                    if line not in visitor.seen:
                        self._send(peer, m.Seen(line))
                visitor.seen = lines

    def note(self, bodies: Sequence[r.Body]) -> None:
        """What was recorded: the devices' history, and sessions that ended."""
        for body in bodies:
            self._history.note(body)
            if isinstance(body.record, sr.ServiceTested | sr.ServiceTestBegun):
                self._tell(body.record)
            if isinstance(body.record, sr.ServiceEnded):
                self._traffic.over()
                for peer, visitor in list(self._visitors.items()):
                    if visitor.session == body.record.session:
                        visitor.session, visitor.watching, visitor.waits = "", False, False
                        self._send(peer, m.Ended(WHY_ENDED[body.record.why]))

    def _tell_session(self, session: str, message: m.ToConsole) -> None:
        for peer, visitor in list(self._visitors.items()):
            if visitor.session == session:
                self._send(peer, message)

    def _tell(self, record: sr.ServiceTested | sr.ServiceTestBegun) -> None:
        """The result of a test, to whoever asked for it, and in a test of all what comes next."""
        if isinstance(record, sr.ServiceTested):
            what = " ".join(filter(None, (record.what, record.place)))
            cause = f": {record.cause}" if record.cause else ""
            words = f"Test of {what}: {record.outcome}{cause}."
        elif record.of and record.rest != tuple(service_work.everything(self._host.state)[1:]):
            words = service_work.guide(self._host.state, record)
        else:
            return  # the command's own answer says it
        self._tell_session(record.session, m.Seen(words))

    # --- signing in -----------------------------------------------------------------------------

    def _banner(self) -> m.Banner:
        state = self._host.state
        when = datetime.fromtimestamp(self._host.wall_s(), UTC).strftime("%Y-%m-%d %H:%M UTC")
        return m.Banner(
            f"{state.name} ({state.cabinet})",
            service_answers.in_one_line(state),
            when,
            "" if self._ways() else NO_WAY,
            self._ways(),
        )

    def _ways(self) -> tuple[m.Way, ...]:
        """How somebody may sign in here."""
        allowed = self._host.state.plan.service.sign_in
        return tuple(way for way in allowed if way == "code" or self._trust.keys)

    def _begin(self, peer: Peer, visitor: _Visitor) -> None:
        state, now_s = self._host.state, self._host.now_s()
        wait_s = service.wait_s(state, int(now_s * 1000))
        if "certificate" not in self._ways():
            self._send(peer, m.Denied(NOT_HERE if self._ways() else NO_WAY))
        elif state.service is not None and state.service.id != visitor.session:
            self._send(peer, m.Denied(service.BUSY))
        elif wait_s:
            self._send(peer, m.Denied(f"Too many failures. Wait {wait_s} s.", wait_s))
        elif visitor.checking:
            self._send(peer, m.Denied(ONE_MOMENT))
        else:
            when = datetime.fromtimestamp(self._host.wall_s(), UTC).strftime("%Y%m%dT%H%M%SZ")
            nonce = self._host.random(20).hex()
            visitor.challenge = f"{NAMESPACE}:{state.cabinet}:{when}:{nonce}"
            visitor.until_s = now_s + CHALLENGE_S
            self._send(peer, m.Challenge(visitor.challenge, CHALLENGE_S, NAMESPACE))

    def _respond(self, peer: Peer, visitor: _Visitor, message: m.Respond) -> None:
        challenge, visitor.challenge = visitor.challenge, ""  # each counts once
        now_s = self._host.now_s()
        wait_s = service.wait_s(self._host.state, int(now_s * 1000))
        if wait_s or visitor.checking:
            self._send(peer, m.Denied(f"Too many failures. Wait {wait_s} s.", wait_s))
        elif not challenge or now_s >= visitor.until_s:
            self._send(peer, m.Denied("There is no challenge any more. Begin again."))
        else:
            visitor.checking = True
            self._submit(ProofJob(peer, challenge, message.signature, self._trust))

    def _checked(self, event: ProofChecked, visitor: _Visitor) -> None:
        visitor.checking = False
        held = event.certificate
        if held is None:
            self._host.step(e.ServiceNotProved(event.why))  # counts, or noise would fill the disk
            wait_s = service.wait_s(self._host.state, int(self._host.now_s() * 1000))
            self._send(event.peer, m.Denied(event.words, wait_s))
            return
        outcome = self._host.step(
            e.ServiceProved(
                visitor.session,
                held.key,
                held.person,
                held.serial,
                next(name for name in self._trust.names if name in held.principals),
                held.hardware,
                held.valid_until_s * 1000,
                staff_numbers(held),
            )
        )
        now = self._host.state.service
        if outcome.refusal or now is None:
            self._send(event.peer, m.Denied(outcome.refusal))
        else:
            self._let_in(event.peer, visitor, now)

    def _let_in(self, peer: Peer, visitor: _Visitor, now: Service) -> None:
        """A session begins, or goes on."""
        visitor.session, visitor.waits = now.id, not now.admitted
        lasts_s = now.ends_ms // 1000 - int(self._host.now_s())
        idle_s = self._host.state.plan.service.idle_min * 60
        admit_s = service.admission_s(self._host.state, int(self._host.now_s() * 1000))
        self._send(peer, m.SignedIn(now.name, lasts_s, idle_s, admit_s))

    # --- by PIN and code ------------------------------------------------------------------------

    def _prove(self, peer: Peer, visitor: _Visitor, message: m.Prove) -> None:
        """The same is done, and takes as long, whether there is such a person or not."""
        state, now_s = self._host.state, self._host.now_s()
        wait_s = service.wait_s(state, int(now_s * 1000))
        if "code" not in self._ways():
            self._send(peer, m.Denied(NOT_HERE if self._ways() else NO_WAY))
        elif state.service is not None and state.service.id != visitor.session:
            self._send(peer, m.Denied(service.BUSY))
        elif wait_s:
            self._send(peer, m.Denied(f"Too many failures. Wait {wait_s} s.", wait_s))
        elif visitor.checking or self._comparing:
            self._send(peer, m.Denied(ONE_MOMENT))
        else:
            visitor.checking = self._comparing = True
            visitor.request = self._host.random(8).hex()
            person = service.asked_for(state, message.staff_id)
            secrets = (person.pin, person.totp) if person is not None else ("", "")
            self._compare(
                e.CheckTechnician(
                    visitor.request,
                    visitor.session,
                    person.ref if person is not None else "",
                    secrets[0],
                    message.pin,
                    secrets[1],
                    message.code,
                    int(self._host.wall_s()),
                    authenticator.spent(state, person) if person is not None else 0,
                )
            )

    def _compared(self, event: e.ServiceEntered) -> None:
        """It counts also where the cable was pulled meanwhile; but then it signs nobody in."""
        self._comparing = False
        found = [it for it in self._visitors.items() if it[1].request == event.request]
        if not found and event.pin_right and event.step:
            return
        outcome = self._host.step(event)
        for peer, visitor in found:
            visitor.checking, visitor.request = False, ""
            now = self._host.state.service
            if outcome.refusal or now is None:
                wait_s = service.wait_s(self._host.state, int(self._host.now_s() * 1000))
                self._send(peer, m.Denied(outcome.refusal, wait_s))
            else:
                self._let_in(peer, visitor, now)

    # --- commands -------------------------------------------------------------------------------

    def _command(self, peer: Peer, visitor: _Visitor, message: m.Command) -> None:
        words = service.refusal(self._host.state, visitor.session, message.command)
        reads = not words and message.command in service.READING
        act = None if words else service_system.act(message.command, message.arguments)
        if act is not None:
            busy = self._system.busy(act)
            reply = Reply("failed", "That is under way already.") if busy else Reply()
        else:
            reply = self._reply(message) if reads else Reply()
        tables = m.fitted(reply.tables)
        digest = hashlib.sha256(m.body(tables)).hexdigest() if tables else ""
        outcome = self._host.step(
            e.ServiceAsked(
                visitor.session, message.command, message.arguments, reply.outcome, digest
            )
        )
        if outcome.refusal:
            self._send(peer, m.Answer(message.id, "refused", outcome.refusal))
            return
        if act is not None and reply.outcome == "ok" and self._system.answer_to(act, message):
            return
        said = reply.words or " ".join(outcome.report)
        self._send(peer, m.Answer(message.id, reply.outcome, said, tables))
        if message.command == "watch" and reply.outcome == "ok":
            device = message.arguments[0] if message.arguments else ""
            self._traffic.watch(device, self._host.now_s())
            visitor.watching = not device
            visitor.seen = service_answers.watched(self._host.state, self._facts.wires())

    def _reply(self, message: m.Command) -> Reply:
        if message.command == "record":
            return self._traffic.ask(message.arguments, self._host.now_s(), self._host.wall_s())
        return service_answers.answer(
            message.command,
            message.arguments,
            self._host.state,
            self._facts,
            self._history,
            self._host.wall_s(),
            service_work.under_way(self._host.state, int(self._host.now_s() * 1000)),
        )

    def _send(self, peer: Peer, message: m.ToConsole) -> None:
        if not peer.send(m.encode(message)):
            visitor = self._visitors.pop(peer, None)
            if visitor is not None and visitor.session:
                self._host.step(e.ServiceLeft(visitor.session, "hung_up"))
