"""Time that a test turns by hand: for drivers, without threads and without waiting.

Not a thread-safe clock. One rule: time moves only in `wait` and `advance`, and on the way each
thing planned with `at` happens at its own instant, in the order of its time.
"""

import heapq
import itertools
from collections.abc import Callable

from drivers.clock import Signal

Action = Callable[[], None]


class ManualSignal:
    """A flag for one thread."""

    def __init__(self) -> None:
        self._raised = False

    def set(self) -> None:
        self._raised = True

    def clear(self) -> None:
        self._raised = False

    def is_set(self) -> bool:
        return self._raised


class ManualClock:
    """A `drivers.clock.Clock` whose waits take no time of ours."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now = start_s
        self._planned: list[tuple[float, int, Action]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        return self._now

    def signal(self) -> Signal:
        return ManualSignal()

    def wait(self, seconds: float, signal: Signal | None = None) -> bool:
        """Pass `seconds`, or less when something planned raises `signal` on the way."""
        end = self._now + max(0.0, seconds)
        while signal is None or not signal.is_set():
            if not self._planned or self._planned[0][0] > end:
                self._now = end
                break
            self._now, _, action = heapq.heappop(self._planned)
            action()
        return signal is not None and signal.is_set()

    def advance(self, seconds: float) -> None:
        """Pass `seconds`."""
        self.wait(seconds)

    def at(self, seconds: float, action: Action) -> None:
        """Plan `action` for `seconds` from now."""
        assert seconds >= 0
        heapq.heappush(self._planned, (self._now + seconds, next(self._order), action))

    def next_planned_s(self) -> float | None:
        """Seconds until the next planned thing, or None."""
        return self._planned[0][0] - self._now if self._planned else None


def drive(poll: Callable[[], float], clock: ManualClock, seconds: float) -> None:
    """Run an owner's loop for `seconds`: each `poll` says how long it would wait for the next."""
    end = clock.monotonic() + seconds
    at_once = 0
    while True:
        started = clock.monotonic()
        wait_s = poll()
        at_once = 0 if wait_s > 0 or clock.monotonic() > started else at_once + 1
        assert at_once < 100, "an owner that never waits would burn its core"
        if clock.monotonic() + wait_s >= end:
            clock.wait(end - clock.monotonic())
            return
        clock.wait(wait_s)
