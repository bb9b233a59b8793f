"""The cabinet that stays shut: its ledger was rolled back, and its screen says what to do.

No lock, no sensor and no ledger is open here, so that `cabinet recover` can work beside it. One
rule: it ends, to be started anew, when somebody changed the anchor or told it to stop.
"""

import logging
import queue
import signal
import threading
import time
from datetime import datetime
from pathlib import Path

from cabinet import notify
from cabinet.anchors import Anchors, RolledBack
from cabinet.configuration import Configuration
from cabinet.messages import Alarm, Answer, Live, Screen, Shown, Words, encode
from cabinet.screen_socket import PeerCame, PeerEvent, PeerPressed, ScreenSocket

TICK_S = 0.5
MAX_WAITING = 64
NUMBER = 1  # there is one screen, and nothing on it can be pressed
_log = logging.getLogger(__name__)


class Shut:
    """Serves the one screen until `stop`, or until the anchor changes."""

    def __init__(self, configuration: Configuration, anchors: Anchors, why: RolledBack) -> None:
        self._configuration, self._anchors, self._why = configuration, anchors, why
        self._queue: queue.Queue[PeerEvent] = queue.Queue(MAX_WAITING)
        self._stopping = threading.Event()

    def stop(self, *_: object) -> None:
        """Ask it to end; safe in a signal handler."""
        self._stopping.set()

    def serve(self, run: Path) -> None:
        """Show the screen."""
        _log.error("%s", self._why)
        before = self._anchor()
        run.mkdir(mode=0o750, parents=True, exist_ok=True)
        screens = ScreenSocket(run / "screen.sock", self._queue.put_nowait)
        try:
            notify.ready()
            while not self._stopping.is_set() and self._anchor() == before:
                try:
                    self._answer(self._queue.get(timeout=TICK_S))
                except queue.Empty:
                    screens.send(self.shown())
                notify.watchdog()
        finally:
            notify.stopping()
            screens.close()

    def _anchor(self) -> object:
        """What tells whether the anchor is another file than before."""
        try:
            facts = self._anchors.path.stat()
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    def _answer(self, event: PeerEvent) -> None:
        match event:
            case PeerCame():
                event.peer.send(encode(self.shown()))
            case PeerPressed():
                answer = Answer(event.press.id, "refused", "The cabinet stays shut.")
                event.peer.send(encode(answer))

    def shown(self) -> Shown:
        """The screen: what is wrong, and who can do what about it."""
        name = self._configuration.cabinet.name
        blocks = (
            Words("This cabinet stays shut", "name"),
            Words(
                "Its record is older than, or other than, what was kept of it elsewhere.",
                "strong",
                "warning",
            ),
            Words("Call the pharmacy and IT. Get urgent medicines by the downtime procedure."),
            Words(
                "To go on, two administrators or pharmacists with their PINs and the two recovery "
                "cards decide at the console: cabinet recover --accept-rollback"
            ),
        )
        clock = datetime.fromtimestamp(time.time()).strftime("%H:%M")
        alarm = Alarm("high", "The record may have been tampered with. No drawer opens.")
        return Shown(Screen(NUMBER, "rolled_back", name, blocks), Live(clock, name, (alarm,)))


def serve(configuration: Configuration, folder: Path, anchors: Anchors, why: RolledBack) -> None:
    """Stay shut until SIGTERM, SIGINT, or another anchor."""
    shut = Shut(configuration, anchors, why)
    signal.signal(signal.SIGTERM, shut.stop)
    signal.signal(signal.SIGINT, shut.stop)
    shut.serve(folder / configuration.paths.run)
