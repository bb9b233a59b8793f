"""What was asked of the system behind the cabinet, and what became of it, told at the console.

Not for who may ask (`service_system.py`). One rule: whatever a unit does or leaves undone, there is
one answer within its time, and it is a record before it is shown.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cabinet import console_messages as m
from cabinet import events as e
from cabinet import service_records as sr
from cabinet import system_answers
from cabinet.redaction import known_names
from cabinet.service_system import GOES_DOWN
from cabinet.state import State
from cabinet.step import Outcome
from cabinet.system_answers import LogsWanted, NotAnAnswer, Told
from cabinet.system_requests import Requests

WITHIN_S: dict[sr.SystemAct, float] = {"verify": 600.0, "bundle": 600.0, "bundle-usb": 600.0}
SOON_S = 25.0  # with PACE_S less than the console waits
PACE_S = 3.0  # between two requests of one act, far below what stops a path unit
CALLED: dict[sr.SystemAct, str] = {
    "verify": "ledger verify",
    "bundle": "bundle print",
    "bundle-usb": "bundle usb",
    "restart-controller": "restart controller",
    "restart-touchscreen": "restart touchscreen",
}
LET_GO = "Not carried out before service mode was over or a test begun, and withdrawn."
_log = logging.getLogger(__name__)


class Host(Protocol):
    """Where steps are taken."""

    @property
    def state(self) -> State: ...

    def step(self, event: e.Event) -> Outcome: ...

    def now_s(self) -> float: ...

    def wall_s(self) -> float: ...


@dataclass
class _Waiting:
    """One act that was asked; with `id`, its answer answers that command."""

    session: str
    at_s: float  # not asked before
    until_s: float
    asked: bool = False
    id: int = 0
    logs: LogsWanted = field(default_factory=LogsWanted)
    problem: str = ""
    progress: str = ""


class SystemDesk:
    """Everything here is called by the one thread that takes the steps."""

    def __init__(
        self,
        requests: Requests,
        host: Host,
        tell: Callable[[str, m.ToConsole], None],
        witnesses: Sequence[str],
    ) -> None:
        """`tell(session, message)` reaches the console of that session, if it is still there.

        `witnesses`: as the devices are called that stand for them.
        """
        self._witnesses = witnesses
        self._requests, self._host, self._tell = requests, host, tell
        self._waiting: dict[sr.SystemAct, _Waiting] = {}
        self._last_s: dict[sr.SystemAct, float] = {}
        requests.prepare()

    def busy(self, act: sr.SystemAct) -> bool:
        """Whether it was asked and is not over."""
        return act in self._waiting

    def request(self, act: sr.SystemAct) -> None:
        """Its record is durable: touch its file."""
        session = self._host.state.service.id if self._host.state.service is not None else ""
        now_s = self._host.now_s()
        at_s = max(now_s, self._last_s.get(act, now_s - PACE_S) + PACE_S)
        self._waiting[act] = _Waiting(session, at_s, at_s + WITHIN_S.get(act, SOON_S))
        self._ask(act, self._waiting[act])

    def _ask(self, act: sr.SystemAct, waiting: _Waiting) -> None:
        """Touch its file, when it is time."""
        if waiting.asked or self._host.now_s() < waiting.at_s:
            return
        waiting.asked, self._last_s[act] = True, self._host.now_s()
        try:
            self._requests.ask(act)
        except OSError as error:
            _log.error("the request %s cannot be made: %s", act, error)
            waiting.problem = f"It cannot be asked of the system: {error.strerror or error}."

    def answer_to(self, act: sr.SystemAct, command: m.Command) -> bool:
        """Whether its answer answers this command, and is not told in lines later."""
        if act not in ("logs", "network"):
            return False
        waiting = self._waiting[act]
        waiting.id = command.id
        waiting.logs = system_answers.logs_wanted(command.arguments) or waiting.logs
        return True

    def follow(self) -> None:
        """Look what became of it."""
        for act, waiting in list(self._waiting.items()):
            told = self._look(act, waiting)
            if told is None:
                continue
            if told.outcome != "going":
                del self._waiting[act]
                self._finish(act, waiting, told)
            elif told.words != waiting.progress:
                waiting.progress = told.words
                waiting.until_s = self._host.now_s() + WITHIN_S.get(act, SOON_S)
                self._tell(
                    waiting.session,
                    m.Seen(f"{CALLED.get(act, act)}: {system_answers.redact_fact(told.words)}"),
                )

    def _look(self, act: sr.SystemAct, waiting: _Waiting) -> Told | None:
        let_go = act in GOES_DOWN and not self._in_service(waiting)
        if not let_go:
            self._ask(act, waiting)
        if not waiting.asked:
            return Told("failed", LET_GO) if let_go else None
        if waiting.problem:
            return Told("failed", waiting.problem[:400])
        try:
            told = self._requests.answer(act)
        except (OSError, NotAnAnswer) as error:
            _log.error("the answer to %s cannot be used: %s", act, error or "it is none")
            return Told("failed", "What the system answered cannot be read.")
        if told is not None:
            return told
        taken = self._requests.taken(act)
        if taken and act in GOES_DOWN:
            return Told("ok")
        if self._host.now_s() < waiting.until_s and not let_go:
            return None
        self._requests.withdraw(act)
        if let_go:
            return Told("failed", LET_GO)
        unit = "usb" if act == "bundle-usb" else act
        return Told(
            "failed",
            f"Nothing came of it in time: see logs system, and whether cabinet-{unit}.service "
            + ("ended well." if taken else "is started by its path unit."),
        )

    def _in_service(self, waiting: _Waiting) -> bool:
        """Whether the cabinet is still in the service mode of who asked, and nothing is opened."""
        now = self._host.state.service
        if now is None or now.id != waiting.session or now.testing is not None:
            return False
        return now.working and self._host.state.access is None

    def _finish(self, act: sr.SystemAct, waiting: _Waiting, told: Told) -> None:
        outcome: Literal["ok", "failed"] = "ok" if told.outcome == "ok" else "failed"
        words, tables = self._shown(act, waiting, told)
        tables = m.fitted(tables)
        shown = told.digest or hashlib.sha256(m.body(tables) + words.encode()).hexdigest()
        self._host.step(e.SystemTold(waiting.session, act, outcome, shown))
        if waiting.id:
            self._tell(waiting.session, m.Answer(waiting.id, outcome, words, tables))
            return
        if told.text:
            self._tell(waiting.session, m.Block(told.text))
        said = ": ".join(filter(None, (CALLED.get(act, act), outcome, words)))
        self._tell(waiting.session, m.Seen(said))

    def _shown(
        self, act: sr.SystemAct, waiting: _Waiting, told: Told
    ) -> tuple[str, tuple[m.Table, ...]]:
        if told.outcome == "ok" and act == "logs":
            names = known_names(self._host.state)
            words, table = system_answers.logs(told, waiting.logs, names, self._host.wall_s())
            return words, (table,)
        if told.outcome == "ok" and act == "network":
            down = self._host.state.devices_down
            return "", (system_answers.network(told, self._witnesses, down),)
        return system_answers.redact_fact(told.words), ()
