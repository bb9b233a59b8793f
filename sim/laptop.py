"""A technician's laptop on the cabinet's service line: what it sends and hears, message by message.

In the console program's place, over its protocol's own encoding; not the program itself, which has
a terminal. One rule: what it hears is shown to whoever checks before anybody acts on it.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from cabinet import console_messages as m
from cabinet.console_socket import ConsoleCame, ConsoleGone, ConsoleSaid
from cabinet.local_socket import Peer
from sim.boot import Boot
from sim.hands import GaveUp
from sim.people import Person
from sim.runtime import SimulatedRuntime
from sim.virtual import UNITS, VirtualSignal

ANSWER_S = 3.0
MOST_HEARD = 256
_FRAME_HEAD = 4  # bytes of a frame's length
M = TypeVar("M", bound=m.ToConsole)


class Watching(Protocol):
    """Whoever checks what goes over the line."""

    def said(self, laptop: "Laptop", message: m.ToController) -> None: ...

    def heard(self, laptop: "Laptop", message: m.ToConsole, body: bytes) -> None: ...

    def proof(self, key: str) -> None: ...


class Laptop(Peer):
    """One cable in the service socket; to be used within a coroutine of the technician's."""

    def __init__(self, runtime: SimulatedRuntime, watching: Watching) -> None:
        self.greeted = True
        self._runtime, self._watching = runtime, watching
        self._boot: Boot | None = None
        self._heard: list[m.ToConsole] = []
        self._arrived = VirtualSignal(runtime.hub)
        self._commands = 0
        self.session = ""  # as the checks know it
        self.honest = False  # the newest proof was what it said
        self.expected = 0  # entries of commands, when the newest command was sent

    @property
    def connected(self) -> bool:
        """Whether the controller that it was plugged into still runs."""
        return self._boot is not None and self._boot is self._runtime.boot

    # --- the cable --------------------------------------------------------------------------------

    def plug(self) -> m.Banner:
        """Plug it in; what anybody sees."""
        boot = self._runtime.boot
        if boot is None or not boot.ready:
            raise GaveUp("the console does not answer")
        self._boot = boot
        boot.post(ConsoleCame(self))
        banner = self._until(m.Banner)
        assert isinstance(banner, m.Banner)
        return banner

    def pull(self) -> None:
        """Pull it out, whatever was on its way."""
        boot, self._boot = self._boot, None
        if boot is not None and boot is self._runtime.boot:
            boot.post(ConsoleGone(self))

    def send(self, frame: bytes) -> bool:
        if not self.connected:
            return False
        message = m.decode_for_console(frame[_FRAME_HEAD:])
        self._watching.heard(self, message, frame[_FRAME_HEAD:])
        self._heard = [*self._heard[-MOST_HEARD:], message]
        self._arrived.set()
        return True

    # --- the technician's words -------------------------------------------------------------------

    def say(self, message: m.ToController) -> None:
        """Send it, and wait for nothing."""
        if not self.connected or self._boot is None:
            raise GaveUp("the console does not answer")
        frame = m.encode(message)
        decoded = m.decode_for_controller(frame[_FRAME_HEAD:])
        self._heard = []
        self._watching.said(self, decoded)
        self._boot.post(ConsoleSaid(self, decoded))

    def begin(self) -> m.Challenge | m.Denied:
        """Ask to sign in."""
        self.say(m.Begin())
        asked = self._until(m.Challenge, m.Denied)
        assert isinstance(asked, m.Challenge | m.Denied)
        return asked

    def respond(self, signature: str, *, honest: bool) -> m.SignedIn | m.Denied:
        """Paste a signature; `honest`: it is what it says."""
        self.honest = honest
        self.say(m.Respond(signature))
        became = self._until(m.SignedIn, m.Denied)
        assert isinstance(became, m.SignedIn | m.Denied)
        return became

    def prove(self, who: Person, code: str, *, honest: bool) -> m.SignedIn | m.Denied:
        """Type one's staff number, PIN and a code; `honest`: it is the next one of one's app."""
        self.honest = honest
        if honest:
            self._watching.proof("")  # by no key
        self.say(m.Prove(who.staff_id, who.pin, code))
        became = self._until(m.SignedIn, m.Denied)
        assert isinstance(became, m.SignedIn | m.Denied)
        return became

    def command(self, command: str, *arguments: str) -> m.Answer:
        """What it answers; an Ended in its place gives up."""
        self._commands += 1
        mine = self._commands
        self.say(m.Command(mine, command, arguments))
        return self._answer(mine)

    def note(self, text: str) -> m.Answer:
        """Write a note."""
        self._commands += 1
        mine = self._commands
        self.say(m.Write(mine, text))
        return self._answer(mine)

    def _answer(self, mine: int) -> m.Answer:
        answer = self._until(m.Answer, look=lambda it: getattr(it, "id", -1) == mine)
        assert isinstance(answer, m.Answer)
        return answer

    def waits_for(self, kind: type[M], within_s: float) -> M | None:
        """Something that comes by itself; None when it does not."""
        hub = self._runtime.hub
        end = hub.now + int(within_s * UNITS)
        while True:
            found = next((it for it in self._heard if isinstance(it, kind)), None)
            if found is not None:
                return found
            if hub.now >= end or not self.connected:
                return None
            self._arrived.clear()
            hub.wait(min(end - hub.now, 10 * UNITS), self._arrived)

    def _until(
        self, *kinds: type[m.ToConsole], look: Callable[[m.ToConsole], bool] = lambda _: True
    ) -> m.ToConsole:
        hub = self._runtime.hub
        end = hub.now + int(ANSWER_S * UNITS)
        while True:
            for message in self._heard:
                if isinstance(message, kinds) and look(message):
                    return message
            if hub.now >= end or not self.connected:
                raise GaveUp("the console does not answer")
            self._arrived.clear()
            hub.wait(end - hub.now, self._arrived)
