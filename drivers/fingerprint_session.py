"""A sensor that answers: what is asked of it over one open line, and when it is believed.

For `drivers.fingerprint` only, which owns requests and recovery; any DriverError but DeviceRefused
ends the session. Its one rule: an outcome is returned only when the whole exchange behind it, from
the barrier before to the barrier after, was one uninterrupted transaction without an error.

The protocol numbers nothing, so an answer that arrives late looks like the answer to the next
command, and one person's match could become another's. The barrier stops this: before and after
each transaction the sensor is asked for its parameters and its index, in an order that spells the
transaction's number (its low bits before, its high bits after; 64 in all). These answers have
shapes that no other has, so an answer too many or too few in between, or left over from another
transaction, cannot pass. Comparisons are made twice. The mark is read on both sides as well, so
that what a sensor says counts only where it was there before the finger was waited for.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from drivers.clock import Clock, Signal
from drivers.errors import BadFrame, DeviceRefused
from drivers.fingerprint_wire import NOTEPAD_BYTES, GuardedLibrary, overwrite
from drivers.link import Link
from drivers.readings import Finger

MOST_CAPACITY = 1024  # four index pages
MOST_POOR = 3  # poor pictures in a row before the person is told
CAPTURES = 3  # of one finger that must agree before it is stored
SAME_PLACING_S = 1.0  # asked again so soon, what lies on the glass is the same finger
LOOK_EVERY_S = 0.05  # between two looks for a finger
QUIET_S, NEVER_QUIET_S = 0.5, 2.0  # a line is idle after; is broken after
BARRIER_BITS = 3  # before a transaction, and as many after it
SLOTS_A_PAGE = 256
_PACKET_BYTES = (32, 64, 128, 256)  # of a data packet, by the parameter that says it

# The sensor's codes that speak of the finger or the slot, not of a failure.
_NO_PICTURE = 0x03
_POOR = {
    0x06: "The picture is smudged. Dry the finger and the glass, and place it again.",
    0x07: "Too little of the finger is on the glass. Place it flat, in the middle.",
    0x15: "The picture is not clear. Lift the finger and place it again.",
}
_NO_TEMPLATE = (0x0B, 0x0C)
_WRONG_PASSWORD = 0x13
_PROBE, _REFERENCE = 1, 2  # the sensor's two character buffers
_MARK_PAGE = 0  # of the notepad
_MARK = b"adc sensor v1\0\0\0"  # before the 16 bytes by which this sensor is known again


def marked_page(identity: str) -> bytes:
    """The page of the notepad that carries `identity`."""
    page = _MARK + bytes.fromhex(identity)
    assert len(page) == NOTEPAD_BYTES
    return page


class Outcome(NamedTuple):
    """How a transaction ended."""

    finger: Finger
    slot: int | None = None
    words: str = ""
    sealed: str = ""


# A template leaves the session sealed, and comes into it as what unseals it: (model, template) ->
# text; model -> template, or None for one that is not for this sensor. Both are overwritten here.
Seal = Callable[[str, bytearray], str]
Unseal = Callable[[str], bytearray | None]


class _NoFinger(Exception):
    """The time is over; `words` say what was wrong with the fingers that came."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class SensorSession:
    """One sensor on one open line; `unwanted` raises when the caller gives the request up."""

    def __init__(
        self,
        device: str,
        link: Link,
        clock: Clock,
        wake: Signal,
        unwanted: Callable[[], None],
        *,
        min_score: int,
        call_deadline_s: float,
        address: int,
        password: int,
    ) -> None:
        """Bring the line into step and check the sensor. Raises DriverError."""
        self._device, self._link, self._clock = device, link, clock
        self._wake, self._unwanted, self._min_score = wake, unwanted, min_score
        self._transactions = 0
        self._judged_at = -SAME_PLACING_S  # when a finger was last compared or enrolled
        self._library = GuardedLibrary(
            device,
            link,
            clock,
            call_deadline_s=call_deadline_s,
            address=address,
            password=password,
        )
        self._drain()
        if not self._call("verifyPassword"):
            raise DeviceRefused(
                device, "the sensor has another password: is it this cabinet's?", _WRONG_PASSWORD
            )
        self._parameters = self._read_parameters()
        self.capacity: int = self._parameters[1]
        if not 1 <= self.capacity <= MOST_CAPACITY:
            raise BadFrame(device, f"the sensor says it has {self.capacity} slots")
        self.model = f"zfm:{self._parameters[0]:04x}"  # templates of one are no use to another
        if not 0 <= self._parameters[4] < len(_PACKET_BYTES):
            raise BadFrame(device, f"the sensor says its packets are of kind {self._parameters[4]}")
        self._packet_bytes = _PACKET_BYTES[self._parameters[4]]
        self.identity = self._read_identity()
        self.check()

    @property
    def about(self) -> tuple[tuple[str, str], ...]:
        """Its system parameters (R307 manual, "Read system parameter"), in words."""
        system, capacity, security, address, packet, baud = self._parameters
        return (
            ("system id", f"{system:04X}"),
            ("slots", str(capacity)),
            ("security level", f"{security} of 5"),
            ("address", f"{address:08X}"),
            ("data packet", f"{_PACKET_BYTES[packet]} bytes"),
            ("baud rate", str(baud * 9600)),
            ("mark", "unmarkable" if ":" in self.identity else "yes" if self.identity else "none"),
        )

    def check(self) -> None:
        """Begin a transaction: nothing old on the line, the same sensor, and it is in step."""
        self._transactions += 1
        self._link.discard_input()
        self._barrier(self._transactions)
        self._check_identity()

    def still_in_step(self) -> bool:
        """After a refusal in good form: was it an answer to what was asked?"""
        try:
            self._close_transaction()
        except DeviceRefused:
            return False
        return True

    def verify(self, slots: Sequence[int], within_s: float) -> Outcome:
        """Is the finger that comes within the time one of the templates in `slots`?

        A finger that was just judged must be lifted first, also one that matched: whose it is may
        be refused, and is then asked again.
        """
        self._check_slots(slots)
        self.check()
        deadline = self._clock.monotonic() + within_s
        try:
            self._await_new_placing(deadline)
            self._capture(_PROBE, deadline)
        except _NoFinger as none:
            return self._believed(_no_finger(none))
        compared, empty = 0, []
        for slot in slots:
            if not self._loads(slot):
                empty.append(slot)
                continue
            compared += 1
            agree = self._agree()
            self._judged_at = self._clock.monotonic()
            if agree:
                return self._believed(Outcome(Finger.MATCHED, slot))
        if compared:
            return self._believed(Outcome(Finger.NO_MATCH))
        # Not the person's fault: another sensor was fitted, or its memory was cleared.
        words = f"no template in slot {', '.join(map(str, empty))} of the sensor: enrol again"
        return self._believed(Outcome(Finger.FAULT, words=words))

    def look(self, within_s: float) -> Outcome:
        """Check the sensor, and take a usable picture of any finger; it is compared with none."""
        self.check()
        try:
            self._capture(_PROBE, self._clock.monotonic() + within_s)
        except _NoFinger as none:
            return self._believed(_no_finger(none))
        return self._believed(Outcome(Finger.SEEN))

    def enrol(self, slot: int, within_s: float, captured: Callable[[], None]) -> Outcome:
        """Store the finger in `slot` from three captures that agree, and read it back.

        The first two make the template, the third must match it; a finger that any slot holds
        already is not stored a second time. `captured` is called after each but the last.
        A finger that was just judged must be lifted first: it is not yet the next one.
        """
        self._check_slots((slot,))
        self.check()
        outcome = self._enrolled(slot, self._clock.monotonic() + within_s, captured)
        self._judged_at = self._clock.monotonic()
        return outcome

    def _enrolled(self, slot: int, deadline: float, captured: Callable[[], None]) -> Outcome:
        try:
            self._await_new_placing(deadline)
            self._capture(_PROBE, deadline)
            self._lifted(deadline, captured)
            self._capture(_REFERENCE, deadline)
            if not self._agree() or not self._call("createTemplate"):
                return self._believed(Outcome(Finger.MISMATCH))
            self._lifted(deadline, captured)
            self._capture(_PROBE, deadline)  # the template stays in the other buffer
        except _NoFinger as none:
            return self._believed(_no_finger(none))
        if not self._agree():
            return self._believed(Outcome(Finger.MISMATCH))
        holder, score = self._call("searchTemplate")
        if score >= self._min_score:
            return self._believed(Outcome(Finger.TAKEN, holder))
        self._call("storeTemplate", slot, _REFERENCE)
        if not self._holds(slot):
            raise BadFrame(self._device, f"slot {slot} reads empty after it was stored")
        self._call("loadTemplate", slot, _REFERENCE)
        if not self._agree():
            raise BadFrame(self._device, f"slot {slot} reads back as another finger")
        return self._believed(Outcome(Finger.ENROLLED, slot))

    def _await_new_placing(self, deadline: float) -> None:
        """What lies on the glass since it was judged is lifted first: one placing is one try."""
        if self._clock.monotonic() - self._judged_at < SAME_PLACING_S:
            self._await_finger(deadline, present=False)

    def _lifted(self, deadline: float, captured: Callable[[], None]) -> None:
        captured()
        self._await_finger(deadline, present=False)

    def mark(self, identity: str) -> Outcome:
        """Have the sensor carry `identity` from now on, and read it back."""
        self.check()
        self._library.write_notepad(_MARK_PAGE, marked_page(identity))
        self.identity = self._read_identity()
        if self.identity != identity:
            raise BadFrame(self._device, "the sensor does not keep the mark it was given")
        return self._believed(Outcome(Finger.MARKED))

    def delete(self, slot: int) -> Outcome:
        """Empty `slot`; that its index and its memory read empty is the proof."""
        self._check_slots((slot,))
        self.check()
        if not self._call("deleteTemplate", slot) or self._holds(slot) or self._loads(slot):
            words = f"the sensor did not delete slot {slot}"
            return self._believed(Outcome(Finger.FAULT, words=words))
        return self._believed(Outcome(Finger.DELETED, slot))

    def read(self, slot: int, seal: Seal) -> Outcome:
        """Seal the template of `slot`; given back, the sensor must match it with its own."""
        self._check_slots((slot,))
        self.check()
        if not self._loads(slot):
            words = f"there is no template in slot {slot} of the sensor"
            return self._believed(Outcome(Finger.FAULT, words=words))
        template = self._library.read_template(_REFERENCE, self._packet_bytes)
        try:
            # Data packets are not numbered: one that is lost leaves a file in good form.
            self._check_came_whole(_REFERENCE, template, "from")
            self._library.write_template(_PROBE, template, self._packet_bytes)
            if not self._agree():
                raise BadFrame(self._device, f"slot {slot} was read as another finger")
            sealed = seal(self.model, template)
        finally:
            overwrite(template)
        return self._believed(Outcome(Finger.READ, slot, sealed=sealed))

    def _check_came_whole(self, buffer: int, template: bytearray, way: str) -> None:
        """Read it (again) out of a buffer: the same bytes, or it is not believed."""
        again = self._library.read_template(buffer, self._packet_bytes)
        same = again == template
        overwrite(again)
        if not same:
            raise BadFrame(self._device, f"a template did not come whole {way} the sensor")

    def load(self, slot: int, unseal: Unseal) -> Outcome:
        """Store a kept template in `slot`, unless another slot holds this finger; read it back."""
        self.check()
        if slot >= self.capacity:
            words = f"the sensor has {self.capacity} slots only"
            return self._believed(Outcome(Finger.UNUSABLE, slot, words))
        template = unseal(self.model)
        if template is None or not self._library.fits(template, self._packet_bytes):
            words = "the kept template is not for this sensor, or not what was sealed"
            return self._believed(Outcome(Finger.UNUSABLE, slot, words))
        try:
            return self._believed(self._store(slot, template))
        finally:
            overwrite(template)

    def _store(self, slot: int, template: bytearray) -> Outcome:
        self._library.write_template(_PROBE, template, self._packet_bytes)
        self._check_came_whole(_PROBE, template, "to")
        self._call("deleteTemplate", slot)  # of a load that was cut off, so that it is not found
        holder, score = self._call("searchTemplate")
        if score >= self._min_score:
            return Outcome(Finger.TAKEN, holder)
        self._call("storeTemplate", slot, _PROBE)
        if not self._holds(slot) or not self._loads(slot):
            raise BadFrame(self._device, f"slot {slot} reads empty after it was loaded")
        if not self._agree():
            raise BadFrame(self._device, f"slot {slot} reads back as another finger")
        return Outcome(Finger.LOADED, slot)

    def _call(self, method: str, *arguments: int) -> Any:
        return self._library.call(method, *arguments)

    def _drain(self) -> None:
        """Throw away what comes until the line is idle."""
        self._link.discard_input()
        end = self._clock.monotonic() + NEVER_QUIET_S
        while self._link.read(256, QUIET_S):
            if self._clock.monotonic() >= end:
                raise BadFrame(self._device, "the line never comes to rest; check its cable")

    def _read_parameters(self) -> tuple[int, ...]:
        """System id, capacity, security level, address, packet length, baud rate."""
        parameters: tuple[int, ...] = self._call("getSystemParameters")
        return parameters[1:]  # not the status register, which changes

    def _read_identity(self) -> str:
        """The mark this cabinet or another gave the sensor, "" for one that is unmarked.

        A sensor without a notepad is known by what it says of itself, which tells less.
        """
        try:
            page = self._library.read_notepad(_MARK_PAGE)
        except DeviceRefused:
            return "unmarkable:" + ":".join(str(it) for it in self._parameters)
        return page[len(_MARK) :].hex() if page.startswith(_MARK) else ""

    def _check_identity(self) -> None:
        if self._read_identity() != self.identity:
            raise BadFrame(self._device, "another sensor answers than before")

    def _close_transaction(self) -> None:
        self._barrier(self._transactions >> BARRIER_BITS)
        self._check_identity()  # a line of a board's own is not lost when its sensor is exchanged

    def _barrier(self, number: int) -> None:
        """Spell `number`'s lowest bits in answers of two shapes that nothing else has."""
        for bit in range(BARRIER_BITS):
            if number >> bit & 1:
                self._read_index(0)
            elif self._read_parameters() != self._parameters:
                raise BadFrame(self._device, "another sensor, or other settings, than at start")

    def _believed(self, outcome: Outcome) -> Outcome:
        """End a transaction: `outcome` counts only if the line is still in step."""
        self._close_transaction()
        return outcome

    def _check_slots(self, slots: Sequence[int]) -> None:
        for slot in slots:
            if not 0 <= slot < self.capacity:
                raise DeviceRefused(
                    self._device,
                    f"there is no slot {slot}: the sensor has {self.capacity}",
                    _NO_TEMPLATE[0],
                )

    def _capture(self, buffer: int, deadline: float) -> None:
        """A usable picture of a finger, as characteristics in `buffer`. Raises _NoFinger."""
        words = ""
        for _ in range(MOST_POOR):
            self._await_finger(deadline, present=True, words=words)
            try:
                self._call("convertImage", buffer)
                return
            except DeviceRefused as error:
                if error.status not in _POOR:
                    raise
                words = _POOR[error.status]
        raise _NoFinger(words)

    def _await_finger(self, deadline: float, *, present: bool, words: str = "") -> None:
        """Look until a finger is on the glass, or off it. Raises _NoFinger when time is over."""
        while True:
            self._unwanted()
            if self._look() is present:
                return
            left_s = deadline - self._clock.monotonic()
            if left_s <= 0:
                raise _NoFinger(words)
            self._clock.wait(min(LOOK_EVERY_S, left_s), self._wake)
            self._wake.clear()  # whatever it says is looked at above

    def _look(self) -> bool | None:
        """Is there a finger? None when the picture failed."""
        try:
            return bool(self._call("readImage"))
        except DeviceRefused as error:
            if error.status != _NO_PICTURE:
                raise
            return None

    def _agree(self) -> bool:
        """Do the two buffers hold one finger? Asked twice."""
        first: bool = self._call("compareCharacteristics") >= self._min_score
        second: bool = self._call("compareCharacteristics") >= self._min_score
        if first is not second:
            raise BadFrame(self._device, "two comparisons of one finger differ")
        return first

    def _read_index(self, page: int) -> list[bool]:
        index: list[bool] = self._call("getTemplateIndex", page)
        return index

    def _loads(self, slot: int) -> bool:
        """Whether there is a template to be read out of the slot."""
        try:
            self._call("loadTemplate", slot, _REFERENCE)
        except DeviceRefused as error:
            if error.status not in _NO_TEMPLATE:
                raise
            return False
        return True

    def _holds(self, slot: int) -> bool:
        return self._read_index(slot // SLOTS_A_PAGE)[slot % SLOTS_A_PAGE]


def _no_finger(none: _NoFinger) -> Outcome:
    if none.words:
        return Outcome(Finger.UNCLEAR, words=none.words)
    return Outcome(Finger.TIMED_OUT)
