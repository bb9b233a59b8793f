"""The clock that drivers wait on; not a calendar.

Its one rule: a driver waits nowhere but here and in its link, so that a simulated clock can stand
in for this one and a run under virtual time is exact.
"""

import threading
import time
from typing import Protocol


class Signal(Protocol):
    """A flag that one thread raises and a waiting owner lowers."""

    def set(self) -> None: ...
    def clear(self) -> None: ...
    def is_set(self) -> bool: ...


class Clock(Protocol):
    """Monotonic seconds, and the only way a driver waits."""

    def monotonic(self) -> float:
        """Seconds since some fixed instant; never goes back."""

    def wait(self, seconds: float, signal: Signal | None = None) -> bool:
        """Wait at most `seconds`, or until `signal` is set; True when the signal was set."""

    def signal(self) -> Signal:
        """A new signal that this clock's `wait` understands."""


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, signal: Signal | None = None) -> bool:
        if signal is None:
            time.sleep(max(0.0, seconds))
            return False
        assert isinstance(signal, threading.Event)
        return signal.wait(max(0.0, seconds))

    def signal(self) -> Signal:
        return threading.Event()
