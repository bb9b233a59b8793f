"""Virtual time for a whole cabinet in one thread: drivers, controller and people as coroutines.

Not a clock for anything real. One rule: a coroutine gives way only where it waits, so that a run
depends on its seed alone; what happens at one instant happens in the order in which it was planned.

Time is counted in units of 2**-20 s: sums and differences of such numbers are exact in a float.
"""

import math
import random
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, TypeVar

import greenlet

from drivers.clock import Signal

UNITS = 1 << 20  # of time in a second
FOREVER = 1 << 62
Action = Callable[[], object]
T = TypeVar("T")


class Stream(random.Random):
    """One part's own chance: adding a part shifts no other's. Built on `random()` alone."""

    def __init__(self, seed: int, name: str) -> None:
        super().__init__(f"{seed}/{name}")

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def between(self, least: float, most: float) -> float:
        """Evenly between."""
        return least + (most - least) * self.random()

    def whole(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self.random() * (most - least + 1))

    def pick(self, things: Sequence[T]) -> T:
        """One of them."""
        return things[int(self.random() * len(things))]

    def bytes(self, size: int) -> bytes:
        """Random bytes."""
        return self.getrandbits(8 * size).to_bytes(size, "big")


class VirtualSignal:
    """A flag that a waiting coroutine is woken by."""

    def __init__(self, hub: "Hub") -> None:
        self._hub, self._raised = hub, False
        self.waiting: Task | None = None

    def set(self) -> None:
        self._raised = True
        if self.waiting is not None:
            self._hub.wake(self.waiting)

    def clear(self) -> None:
        self._raised = False

    def is_set(self) -> bool:
        return self._raised


class Task:
    """A coroutine; `patience` may lengthen a wait in which nothing would happen."""

    def __init__(self, hub: "Hub", name: str, function: Action) -> None:
        self.name, self._hub, self._function = name, hub, function
        self.patience: Callable[[int], int] | None = None
        self.waits = 0  # so many it has begun; a plan to wake it is for one of them only
        self.waiting = False
        self.ended = False
        self.greenlet = greenlet.greenlet(self._run, hub.greenlet)

    def _run(self) -> None:
        try:
            self._function()
        except Exception as error:
            self._hub.failure = error  # nothing foresaw it: the run ends with it
        finally:
            self.ended = True

    def kill(self) -> None:
        """End it where it waits, as a process's end does; not from within a coroutine."""
        assert self._hub.running is None
        if not self.ended:
            self.ended = True
            self._hub.enter(self, lambda: self.greenlet.throw(greenlet.GreenletExit))


class Hub:
    """Plans what happens when, and lets it happen."""

    def __init__(self) -> None:
        self.now = 0
        self.greenlet = greenlet.getcurrent()
        self.running: Task | None = None
        self.failure: Exception | None = None
        # When, in which order, and what: an action, or a task with the wait that it is woken from.
        self._planned: list[tuple[int, int, Action | Task, int]] = []
        self._order = 0
        self._tasks: list[Task] = []

    @property
    def now_s(self) -> float:
        """Seconds since the beginning of the run."""
        return self.now / UNITS

    def at(self, when: int, action: Action) -> None:
        """Plan `action` for an instant; one that is over is now."""
        self._plan(when, action)

    def _plan(self, when: int, what: "Action | Task", wait: int = 0) -> None:
        self._order += 1
        heappush(self._planned, (when if when > self.now else self.now, self._order, what, wait))

    def after(self, seconds: float, action: Action) -> None:
        """Plan `action` for so many seconds from now."""
        self.at(self.now + math.ceil(seconds * UNITS), action)

    def spawn(self, name: str, function: Action) -> Task:
        """A coroutine that begins now."""
        task = Task(self, name, function)
        self._tasks = [it for it in self._tasks if not it.ended]
        self._tasks.append(task)
        self._plan(self.now, task)
        return task

    def run(self, until: int) -> None:
        """Let everything happen up to an instant, and be there."""
        while self.step(until):
            pass
        self.now = max(self.now, until)

    def step(self, until: int) -> bool:
        """Let the next thing happen if it is due by `until`; False when none is."""
        if not self._planned or self._planned[0][0] > until:
            return False
        self.now, _, what, wait = heappop(self._planned)
        if not isinstance(what, Task):
            what()
        elif what.waits == wait and not what.ended and (what.waiting or not wait):
            before, self.running = self.running, what  # as `enter`, without a call for each switch
            try:
                what.greenlet.switch()
            finally:
                self.running = before
        if self.failure is not None:
            raise self.failure
        return True

    def close(self) -> None:
        """End every coroutine that still waits."""
        for task in self._tasks:
            task.kill()
        self._tasks.clear()
        self._planned.clear()

    # --- for coroutines -------------------------------------------------------------------------

    def wait(self, units: int, signal: VirtualSignal | None = None) -> bool:
        """Give way for so long, or until the signal is set; True when it is."""
        task = self.running
        assert task is not None, "only a coroutine waits"
        if signal is not None and signal.is_set():
            return True
        if task.patience is not None:
            units = task.patience(units)
        task.waits += 1
        task.waiting = True
        if units < FOREVER:
            self._plan(self.now + units, task, task.waits)
        if signal is not None:
            signal.waiting = task
        self.greenlet.switch()
        task.waiting = False
        if signal is not None:
            signal.waiting = None
            return signal.is_set()
        return False

    def wake(self, task: Task, when: int = 0) -> None:
        """Have a waiting coroutine go on, now or at `when`."""
        self._plan(when, task, task.waits)

    def enter(self, task: Task, switch: Callable[[], Any]) -> None:
        """Run `task` until it gives way."""
        before, self.running = self.running, task
        try:
            switch()
        finally:
            self.running = before


class MachineClock:
    """The monotonic clock of one start of the machine; a `drivers.clock.Clock`."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._began = hub, hub.now

    def monotonic(self) -> float:
        return (self._hub.now - self._began) / UNITS

    def wait(self, seconds: float, signal: Signal | None = None) -> bool:
        assert signal is None or isinstance(signal, VirtualSignal)
        return self._hub.wait(max(0, math.ceil(seconds * UNITS)), signal)

    def signal(self) -> VirtualSignal:
        return VirtualSignal(self._hub)


class WallClock:
    """Unix time as the machine has it: it drifts, steps, and forgets."""

    def __init__(self, hub: Hub, began_s: int) -> None:
        self._hub, self._began_s = hub, began_s
        self.drift_ppm = 0.0  # 40 is what a Raspberry Pi's crystal may have
        self.off_s = 0.0

    def true_s(self) -> float:
        """What it should say."""
        return self._began_s + self._hub.now_s

    def now_s(self) -> float:
        """What it says."""
        return self.true_s() + self.off_s + self._hub.now_s * self.drift_ppm / 1e6
