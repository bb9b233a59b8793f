"""A service desk at work: its real socket and proofs, over the small ward's rules.

The test's own thread takes the steps; consoles are plain sockets that speak the protocol.
"""

import contextlib
import queue
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from pyrage import x25519

from auth.pins import PinHasher
from cabinet import configuration as site
from cabinet import console_messages as m
from cabinet import events as e
from cabinet import service_records as sr
from cabinet import system_units
from cabinet.configuration import plan_of
from cabinet.console_socket import ConsoleSocket
from cabinet.messages import Frames
from cabinet.plan import Service
from cabinet.proof_worker import ProofWorker
from cabinet.secrets_worker import answer
from cabinet.service_answers import Facts
from cabinet.service_desk import ServiceDesk
from cabinet.state import State
from cabinet.step import Outcome
from cabinet.system_answers import Told
from cabinet.system_requests import ACTS
from sim.medicines import DEMO
from sim.technicians import ServiceCA, Technician
from tests.app import PEPPER
from tests.demo import PATIENCE_S
from tests.ward import PLAN, Ward

M = TypeVar("M")
VENDOR = x25519.Identity.generate()
# What the units leave, where they leave something.
ANSWERS: dict[sr.SystemAct, Told] = {
    "logs": Told("ok", rows=(("1", "kernel", "of long ago"),)),
    "network": Told("ok", rows=(("interface eth0", "up"),)),
    "verify": Told("ok", "7 entries"),
    "bundle": Told("ok", "1 lines", text=("-----BEGIN AGE ENCRYPTED FILE-----",)),
    "bundle-usb": Told("ok", "ward-1.age"),
}


class Desk:
    """The desk and what it stands on."""

    def __init__(
        self, folder: Path, rules: Service, facts: Callable[[Ward], Facts], *, name: str = "ward-1"
    ) -> None:
        demo = site.load(DEMO / "cabinet.toml")
        self.configuration = msgspec.structs.replace(
            demo, cabinet=msgspec.structs.replace(demo.cabinet, id=name), service=rules
        )
        assert plan_of(self.configuration).service == rules
        self.ward = Ward(msgspec.structs.replace(PLAN, service=rules), stocked=False)
        self._queue: queue.Queue[Any] = queue.Queue()
        self._draws = 0
        worker = ProofWorker(self._queue.put, ended=lambda: None)
        worker.start()
        hasher = PinHasher(PEPPER, passes=1, memory_kib=1024)
        self.desk = ServiceDesk(
            self.configuration,
            folder,
            self,
            facts(self.ward),
            worker.submit,
            lambda job: self._queue.put(answer(job, hasher, PEPPER, self.random)),
        )
        self.folder = folder
        self.units = True  # are enabled
        self.requests = system_units.requests(self.configuration, folder)
        (folder / self.configuration.paths.facts).mkdir()
        self.path = folder / "console.sock"
        self.socket = ConsoleSocket(self.path, self._queue.put)

    # --- what the desk asks of its host ---------------------------------------------------------

    @property
    def state(self) -> State:
        return self.ward.state

    def step(self, event: e.Event) -> Outcome:
        outcome = self.ward.do(event)
        for command in outcome.commands:
            if isinstance(command, e.AskSystem):
                self.desk.request(command.act)
        self.desk.note(outcome.bodies)
        return outcome

    def now_s(self) -> float:
        return self.ward.now_ms / 1000

    def wall_s(self) -> float:
        return (self.ward.wall_ms + self.ward.now_ms) / 1000

    def random(self, size: int) -> bytes:
        self._draws += 1
        return self._draws.to_bytes(size, "big")

    # --- the system behind it -------------------------------------------------------------------

    def carry_out(self) -> None:
        """What the path units would do: take each request, and leave what they gather."""
        for act in ACTS if self.units else ():
            if not self.requests.taken(act):
                self.requests.withdraw(act)
                if act in ANSWERS:
                    system_units.keep(self.requests.answer_file(act), ANSWERS[act])

    # --- time -----------------------------------------------------------------------------------

    def turn(self) -> None:
        """Take what came."""
        self.carry_out()
        with contextlib.suppress(queue.Empty):
            self.desk.take(self._queue.get(timeout=0.02))
        self.desk.follow()

    def wait(self, seconds: float) -> None:
        """Virtual seconds, a tick each."""
        for _ in range(int(seconds)):
            self.ward.now_ms += 1000
            self.step(e.Tick())
            self.desk.follow()

    def until(self, look: Callable[[], Any]) -> None:
        """Take turns until it is so."""
        end = time.monotonic() + PATIENCE_S
        while not look():
            assert time.monotonic() < end, "it did not come true in time"
            self.turn()

    def close(self) -> None:
        self.socket.close()


class Console:
    """A peer that speaks the console's protocol."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line.connect(str(desk.path))
        self.line.setblocking(False)
        self._frames = Frames()
        self._heard: list[m.ToConsole] = []
        self.ended = False

    def say(self, message: m.ToController) -> None:
        self.line.sendall(m.encode(message))

    def hear(self, kind: type[M]) -> M:
        """The next message, which is of this kind."""
        self._desk.until(lambda: self._look() or self._heard)
        message = self._heard.pop(0)
        assert isinstance(message, kind), message
        return message

    def _look(self) -> bool:
        try:
            data = self.line.recv(65_536)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        self.ended = self.ended or not data
        self._heard += [m.decode_for_console(body) for body in self._frames.feed(data)]
        return bool(self._heard)

    def is_dropped(self) -> bool:
        """Whether the controller hangs up, whatever it says before."""

        def is_over() -> bool:
            self._look()
            return self.ended

        self._desk.until(is_over)
        return self.ended

    def greet(self) -> m.Banner:
        self.say(m.Hello(m.VERSION))
        return self.hear(m.Banner)

    def challenge(self) -> str:
        self.say(m.Begin())
        return self.hear(m.Challenge).text

    def sign_in(self, person: Technician) -> m.SignedIn:
        challenge = self.challenge()
        self.say(m.Respond(person.sign(challenge)))
        return self.hear(m.SignedIn)

    def ask(self, command: str, *arguments: str) -> m.Answer:
        self.say(m.Command(1, command, arguments))
        return self.hear(m.Answer)


def rules(ca: ServiceCA, /, **more: Any) -> Service:
    """Nobody need be let in, unless said."""
    return Service(
        **{
            "ca": (ca.line,),
            "admit": "never",
            "fleet": "general",
            "bundle_key": str(VENDOR.to_public()),
            **more,
        }
    )
