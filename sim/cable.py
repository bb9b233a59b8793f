"""A serial cable between the cabinet and a technician's laptop: two pseudo-terminals, joined.

Carries bytes and understands none. One rule: only its own thread touches the file descriptors, and
unplugging it hangs up both ends.
"""

import os
import selectors
import threading
import tty
from pathlib import Path

MOST_ON_THE_WAY = 64 * 1024
_CHUNK = 4096


class SerialCable:
    """Plugged in from the start, at two paths that stay the same."""

    def __init__(self, cabinet_end: Path, laptop_end: Path) -> None:
        self.cabinet_end, self.laptop_end = cabinet_end, laptop_end
        self._ends: list[_End] = []
        self._wake_r, self._wake_w = os.pipe()
        self._thread: threading.Thread | None = None
        self.plug()

    def plug(self) -> None:
        """New terminals behind the same paths; nothing when it is plugged in."""
        if self._thread is not None:
            return
        self._ends = [_End(self.cabinet_end), _End(self.laptop_end)]
        self._thread = threading.Thread(target=self._run, name="serial cable", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Both ends hang up; harmless when it is unplugged."""
        if self._thread is None:
            return
        os.write(self._wake_w, b"!")
        self._thread.join()
        self._thread = None
        os.read(self._wake_r, 1)

    def close(self) -> None:
        """Unplug it for good."""
        self.unplug()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._wake_r, selectors.EVENT_READ)
        first, second = self._ends
        try:
            while True:
                for end, other in ((first, second), (second, first)):
                    end.wait_in(selector, room=len(other.coming) < MOST_ON_THE_WAY)
                ready = {key.fd: events for key, events in selector.select()}
                if self._wake_r in ready:
                    return
                for end, other in ((first, second), (second, first)):
                    end.move(ready.get(end.master, 0), other)
        finally:
            selector.close()
            for end in self._ends:
                end.close()


class _End:
    """One pseudo-terminal; `coming` is what its reader has not taken yet."""

    def __init__(self, path: Path) -> None:
        self.path, self.coming = path, bytearray()
        self.master, self._slave = os.openpty()
        # Our own descriptor of the slave stays open: who leaves it does not hang up the other end.
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self._events = 0
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(path)

    def wait_in(self, selector: selectors.BaseSelector, *, room: bool) -> None:
        """Register for what can be done: reading while the other end has room, writing."""
        wanted = (selectors.EVENT_READ if room else 0) | (
            selectors.EVENT_WRITE if self.coming else 0
        )
        if wanted == self._events:
            return
        if self._events:
            selector.unregister(self.master)
        if wanted:
            selector.register(self.master, wanted)
        self._events = wanted

    def move(self, events: int, other: "_End") -> None:
        """Bytes from here to the other end, and what waits for here."""
        if events & selectors.EVENT_READ:
            other.coming += os.read(self.master, _CHUNK)
        if events & selectors.EVENT_WRITE:
            del self.coming[: os.write(self.master, self.coming[:_CHUNK])]

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.master)
        os.close(self._slave)
