"""The fingerprint sensor: enrol a finger in a slot, prove a finger against slots, delete a slot.

A template is read out sealed, and loaded by what unseals it: plain, it is nowhere but in here.

Not for who a slot belongs to: the caller names slots, and only 1:1 comparison is used. Its one
rule: every request ends in exactly one final reading, and after any error nothing is believed
until the line was closed, opened, idle, and the sensor checked from the start.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from drivers.clock import Clock
from drivers.errors import DeviceRefused, DriverError
from drivers.fingerprint_session import MOST_CAPACITY, Outcome, Seal, SensorSession, Unseal
from drivers.fingerprint_wire import ADDRESS, PASSWORD, check_library
from drivers.link import Backoff, Connect, Link
from drivers.readings import DeviceDown, DeviceUp, Finger, FingerReading, Post

DEVICE = "fingerprint"
MOST_REQUESTS = 8  # waiting; only those without a finger wait for others
MOST_SLOTS = 10  # of one person
MOST_WITHIN_S = 120.0
CHECK_EVERY_S = 5.0  # of an idle line


class _Kind(Enum):
    VERIFY = "verify"
    LOOK = "look"
    ENROL = "enrol"
    DELETE = "delete"
    MARK = "mark"
    READ = "read"
    LOAD = "load"


_WITHOUT_FINGER = (
    _Kind.DELETE,
    _Kind.MARK,
    _Kind.READ,
    _Kind.LOAD,
)  # they wait for others, and end no other's wait


@dataclass(frozen=True)
class _Request:
    id: str
    kind: _Kind
    slots: tuple[int, ...]
    within_s: float = 0.0
    identity: str = ""
    seal: Seal | None = None
    unseal: Unseal | None = None


class _Cancelled(Exception):
    """The request under way is no longer wanted."""


class FingerprintSensor:
    """One sensor; `run` is the owner's loop, and the requests may be made from any thread.

    Each request ends in exactly one FingerReading besides CAPTURED. A newer request cancels an
    older `verify` or `enrol`; the others are carried out one after another. `post` is called by
    the owner, and by the caller of a request that is answered at once: it must not block.
    """

    def __init__(
        self,
        connect: Connect,
        clock: Clock,
        post: Post,
        *,
        min_score: int,
        call_deadline_s: float = 1.5,
        device: str = DEVICE,
        address: int = ADDRESS,
        password: int = PASSWORD,
    ) -> None:
        """Raises WrongLibrary."""
        assert min_score > 0, "a score of nothing would match every finger"
        check_library(device)
        self._device, self._connect, self._clock, self._post = device, connect, clock, post
        self._min_score, self._call_deadline_s = min_score, call_deadline_s
        self._address, self._password = address, password
        self._wake = clock.signal()
        self._lock = threading.Lock()  # for the four below; nothing waits in it
        self._inbox: deque[_Request] = deque()
        self._active: _Request | None = None
        self._unwanted = False  # the active one
        self._cause: str | None = "the sensor has not answered yet"  # None when it is up
        self._stopping = False
        self._link: Link | None = None
        self._session: SensorSession | None = None
        self._backoff = Backoff()
        self._retry_at = self._check_at = clock.monotonic()
        self._said_down = False

    def about(self) -> tuple[tuple[str, str], ...]:
        """What the sensor says of itself; () while it does not answer. From any thread."""
        session = self._session
        return session.about if session is not None else ()

    # Requests, from any thread.

    def verify(self, request: str, slots: Sequence[int], within_s: float) -> None:
        """Is the finger that comes within `within_s` one of the templates in `slots`?"""
        assert 1 <= len(slots) <= MOST_SLOTS
        self._submit(_Request(request, _Kind.VERIFY, tuple(slots), within_s))

    def look(self, request: str, within_s: float) -> None:
        """Is the sensor in order, and does it take a good picture of the finger that comes?"""
        self._submit(_Request(request, _Kind.LOOK, (), within_s))

    def enrol(self, request: str, slot: int, within_s: float) -> None:
        """Store the finger in `slot`, from three captures that agree.

        What the slot held is replaced: the caller knows which slots are free, and empties them
        first, for a finger that any slot holds is TAKEN. After FAULT the slot may hold anything.
        """
        self._submit(_Request(request, _Kind.ENROL, (slot,), within_s))

    def delete(self, request: str, slot: int) -> None:
        """Empty `slot`; deleting an empty one succeeds."""
        self._submit(_Request(request, _Kind.DELETE, (slot,)))

    def mark(self, request: str, identity: str) -> None:
        """Have the sensor carry `identity` (32 hex digits) so that it is known again."""
        self._submit(_Request(request, _Kind.MARK, (), identity=identity))

    def read(self, request: str, slot: int, seal: Seal) -> None:
        """Read the template of `slot`; `seal` is called by the owner, and the answer has its text.

        `seal` gets the sensor's model and the template, which is overwritten when it returns.
        """
        self._submit(_Request(request, _Kind.READ, (slot,), seal=seal))

    def load(self, request: str, slot: int, unseal: Unseal, only_into: str = "") -> None:
        """Store in `slot` the template that `unseal` gives for a sensor's model; read it back.

        Where the sensor that is there is not `only_into`, by its mark, nothing of it is sent.
        A finger that another slot holds is TAKEN. After FAULT the slot may hold anything.
        """
        self._submit(_Request(request, _Kind.LOAD, (slot,), identity=only_into, unseal=unseal))

    def cancel(self, request: str) -> None:
        """Stop waiting for the finger; nothing happens when the request has ended."""
        waiting = None
        with self._lock:
            if self._active is not None and self._active.id == request:
                self._unwanted = True
            else:
                waiting = next((r for r in self._inbox if r.id == request), None)
                if waiting is not None:
                    self._inbox.remove(waiting)
        if waiting is not None:
            self._answer(waiting, Finger.CANCELLED)
        self._wake.set()

    def _submit(self, request: _Request) -> None:
        assert all(0 <= slot < MOST_CAPACITY for slot in request.slots)
        assert 0 <= request.within_s <= MOST_WITHIN_S
        outcome = Finger.FAULT
        with self._lock:
            why = self._cause
            if why is None and len(self._inbox) >= MOST_REQUESTS:
                why = "too many requests are waiting"
            if why is None and any(self._same(request, it) for it in self._inbox):
                outcome, why = Finger.CANCELLED, "it is asked already"
            if why is None:
                self._inbox.append(request)
        if why is not None:
            self._answer(request, outcome, words=why)
        self._wake.set()

    @staticmethod
    def _same(request: _Request, waiting: _Request) -> bool:
        """Whether one that waits will do the same: who asks again and again does not crowd it."""
        again = (_Kind.DELETE, _Kind.READ)
        return request.kind in again and (request.kind, request.slots) == (
            waiting.kind,
            waiting.slots,
        )

    def _answer(
        self,
        request: _Request,
        outcome: Finger,
        slot: int | None = None,
        words: str = "",
        sealed: str = "",
    ) -> None:
        self._post(FingerReading(request.id, outcome, slot, words, sealed))

    # The owner.

    def run(self) -> None:
        """The owner's loop, until `stop`; each request has its answer when it ends."""
        try:
            while not self._stopping:
                wait_s = self.poll()
                self._clock.wait(wait_s, self._wake)
        finally:
            self.close()

    def stop(self) -> None:
        """Have the owner end; a request under way is cancelled."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        """Give the line back; for the owner, or when it never ran."""
        self._answer_waiting(Finger.CANCELLED, "the sensor is being shut down")
        self._hang_up()

    def poll(self) -> float:
        """One pass of the owner's loop; returns how many seconds it may wait for the next."""
        self._wake.clear()
        if self._session is None:
            if self._clock.monotonic() >= self._retry_at:
                self._bring_up()
            if self._session is None:
                return max(0.0, self._retry_at - self._clock.monotonic())
        request = self._next()
        if request is not None:
            self._carry_out(request)
        elif self._clock.monotonic() >= self._check_at:
            self._check()
        if self._inbox or self._session is None:
            return 0.0
        return max(0.0, self._check_at - self._clock.monotonic())

    def _next(self) -> _Request | None:
        superseded = []
        with self._lock:
            while self._inbox:
                request = self._inbox.popleft()
                if request.kind not in _WITHOUT_FINGER and self._newer():
                    superseded.append(request)
                    continue
                self._active, self._unwanted = request, False
                break
        for old in superseded:
            self._answer(old, Finger.CANCELLED)
        return self._active

    def _newer(self) -> bool:
        """Whether somebody else's finger is asked for by now."""
        return any(request.kind not in _WITHOUT_FINGER for request in self._inbox)

    def _carry_out(self, request: _Request) -> None:
        """Every way out of here posts exactly one answer."""
        outcome = Outcome(Finger.FAULT, words="the driver failed")
        try:
            outcome = self._outcome(request)
        except _Cancelled:
            outcome = Outcome(Finger.CANCELLED)
        except DriverError as error:
            outcome = Outcome(Finger.FAULT, words=error.cause)
            self._recover_from(error)
        finally:
            with self._lock:
                self._active = None
            self._answer(request, *outcome)
        if outcome.finger is Finger.MARKED:
            self._post(DeviceUp(self._device, request.identity))
        self._check_at = self._clock.monotonic() + CHECK_EVERY_S

    def _outcome(self, request: _Request) -> Outcome:
        session = self._session
        assert session is not None
        match request.kind:
            case _Kind.VERIFY:
                return session.verify(request.slots, request.within_s)
            case _Kind.LOOK:
                return session.look(request.within_s)
            case _Kind.ENROL:
                return session.enrol(
                    request.slots[0],
                    request.within_s,
                    captured=lambda: self._answer(request, Finger.CAPTURED),
                )
            case _Kind.DELETE:
                return session.delete(request.slots[0])
            case _Kind.MARK:
                return session.mark(request.identity)
            case _Kind.READ:
                assert request.seal is not None
                return session.read(request.slots[0], request.seal)
            case _Kind.LOAD:
                assert request.unseal is not None
                if request.identity not in ("", session.identity):
                    return Outcome(Finger.FAULT, words="another sensor is there by now")
                return session.load(request.slots[0], request.unseal)

    def _give_up_if_unwanted(self) -> None:
        with self._lock:
            if self._unwanted or self._stopping or self._newer():
                raise _Cancelled

    def _recover_from(self, error: DriverError) -> None:
        """A refusal in good form leaves the line up, if the sensor is still in step."""
        try:
            if isinstance(error, DeviceRefused) and self._session is not None:
                if self._session.still_in_step():
                    return
        except DriverError as worse:
            error = worse
        self._go_down(error)

    def _check(self) -> None:
        """Is the idle sensor still there?"""
        assert self._session is not None
        self._check_at = self._clock.monotonic() + CHECK_EVERY_S
        try:
            self._session.check()
        except DriverError as error:
            self._go_down(error)

    def _bring_up(self) -> None:
        """Open the line, and check the sensor before anything is asked of it."""
        try:
            self._link = self._connect()
            self._session = SensorSession(
                self._device,
                self._link,
                self._clock,
                self._wake,
                self._give_up_if_unwanted,
                min_score=self._min_score,
                call_deadline_s=self._call_deadline_s,
                address=self._address,
                password=self._password,
            )
        except DriverError as error:
            self._go_down(error)
            return
        self._backoff.reset()
        self._check_at = self._clock.monotonic() + CHECK_EVERY_S
        self._said_down = False
        with self._lock:
            self._cause = None
        self._post(DeviceUp(self._device, self._session.identity))

    def _go_down(self, error: DriverError) -> None:
        self._hang_up()
        self._retry_at = self._clock.monotonic() + self._backoff.next_s()
        if not self._said_down:
            self._said_down = True
            self._post(DeviceDown(self._device, error.cause))
        self._answer_waiting(Finger.FAULT, error.cause)

    def _hang_up(self) -> None:
        link, self._link, self._session = self._link, None, None
        if link is not None:
            link.close()

    def _answer_waiting(self, outcome: Finger, cause: str) -> None:
        """From now on requests are answered at once; those that wait are answered here."""
        with self._lock:
            self._cause = cause
            waiting = list(self._inbox)
            self._inbox.clear()
        for request in waiting:
            self._answer(request, outcome, words=cause)
