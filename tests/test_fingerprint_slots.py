"""What is stored in the fingerprint sensor, what is deleted from it, and which sensor it is.

Under a clock turned by hand, like test_fingerprint.py, which has the faults and the attacks.
"""

from collections.abc import Iterator

import pytest

from drivers.fingerprint import CHECK_EVERY_S
from drivers.fingerprint_session import marked_page
from drivers.readings import DeviceUp, Finger, FingerReading
from tests.test_fingerprint import ALICE, ALICE_SLOT, BOB, BOB_SLOT, CAROL, Bench

DAVE = "dave"
OTHER_MARK = "c3" * 16


@pytest.fixture
def bench() -> Bench:
    return Bench().up()


def place(bench: Bench, *fingers: str) -> None:
    """One finger after the other, lifted in between."""
    for number, finger in enumerate(fingers):
        bench.put(finger, in_s=1.0 + 3 * number)
        bench.put(None, in_s=3.0 + 3 * number)


def test_enrolment_takes_three_captures_and_is_read_back(bench: Bench) -> None:
    place(bench, CAROL, CAROL, CAROL)
    bench.driver.enrol("r1", 257, within_s=20)
    bench.drive(15)
    assert bench.readings() == [
        FingerReading("r1", Finger.CAPTURED),
        FingerReading("r1", Finger.CAPTURED),
        FingerReading("r1", Finger.ENROLLED, 257),
    ]
    assert bench.sensor.templates == {ALICE_SLOT: ALICE, BOB_SLOT: BOB, 257: CAROL}
    bench.put(CAROL)
    bench.driver.verify("r2", [257], within_s=15)
    assert bench.final().outcome is Finger.MATCHED


@pytest.mark.parametrize("placed", [(CAROL, BOB), (CAROL, CAROL, BOB), (CAROL, BOB, BOB)])
def test_two_fingers_are_not_enrolled_as_one(bench: Bench, placed: tuple[str, ...]) -> None:
    place(bench, *placed)
    bench.driver.enrol("r1", 5, within_s=20)
    assert bench.final() == FingerReading("r1", Finger.MISMATCH)
    assert 5 not in bench.sensor.templates


def test_attack_the_same_finger_under_a_second_slot_is_found_by_the_sensors_own_search(
    bench: Bench,
) -> None:
    place(bench, BOB, BOB, BOB)
    bench.driver.enrol("r1", 5, within_s=20)
    assert bench.final() == FingerReading("r1", Finger.TAKEN, BOB_SLOT)
    assert bench.sensor.templates == {ALICE_SLOT: ALICE, BOB_SLOT: BOB}


def test_a_finger_that_is_not_lifted_is_not_enrolled(bench: Bench) -> None:
    bench.put(CAROL)
    bench.driver.enrol("r1", 5, within_s=6)
    assert bench.final().outcome is Finger.TIMED_OUT
    assert 5 not in bench.sensor.templates


def test_a_finger_that_was_just_enrolled_is_lifted_before_the_next_one_counts(bench: Bench) -> None:
    """Else the first picture of the second finger is of the first, still on the glass."""
    place(bench, CAROL, CAROL)
    bench.put(CAROL, in_s=7.0)
    bench.driver.enrol("r1", 257, within_s=20)
    bench.clock.at(7.1, lambda: bench.driver.enrol("r2", 258, within_s=30))
    for number in range(3):
        bench.put(None, in_s=11.0 + 3 * number)
        bench.put(DAVE, in_s=13.0 + 3 * number)
    bench.drive(25)
    assert [(it.request, it.outcome) for it in bench.readings()] == [
        *[("r1", Finger.CAPTURED)] * 2,
        ("r1", Finger.ENROLLED),
        *[("r2", Finger.CAPTURED)] * 2,
        ("r2", Finger.ENROLLED),
    ]


def test_a_store_that_did_not_take_is_a_fault(bench: Bench) -> None:
    class Forgetful(dict[int, str]):
        def __setitem__(self, slot: int, finger: str) -> None:
            pass

    bench.sensor.templates = Forgetful()
    place(bench, CAROL, CAROL, CAROL)
    bench.driver.enrol("r1", 5, within_s=20)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "reads empty" in answer.words


def test_a_deletion_waits_for_the_finger_that_is_asked_for_and_does_not_end_its_wait(
    bench: Bench,
) -> None:
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    bench.clock.at(1.0, lambda: bench.driver.delete("r2", BOB_SLOT))
    bench.put(ALICE, in_s=3.0)
    bench.drive(10)
    assert bench.readings() == [
        FingerReading("r1", Finger.MATCHED, ALICE_SLOT),
        FingerReading("r2", Finger.DELETED, BOB_SLOT),
    ]


def test_what_waits_already_is_not_asked_twice(bench: Bench) -> None:
    """A tick that asks until it has its answer does not crowd out what others ask."""
    for number in range(20):
        bench.driver.delete(f"r{number}", BOB_SLOT)
    assert [it.outcome for it in bench.readings()] == [Finger.CANCELLED] * 19
    assert bench.final() == FingerReading("r0", Finger.DELETED, BOB_SLOT)


def test_deletion_is_proven_by_the_index_and_by_reading_the_slot(bench: Bench) -> None:
    bench.driver.delete("r1", BOB_SLOT)
    assert bench.final() == FingerReading("r1", Finger.DELETED, BOB_SLOT)
    assert bench.sensor.templates == {ALICE_SLOT: ALICE}

    class Stubborn(dict[int, str]):
        def pop(self, *arguments: object) -> str:
            return ""

    bench.sensor.templates = Stubborn({ALICE_SLOT: ALICE})
    bench.driver.delete("r2", ALICE_SLOT)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "did not delete" in answer.words


def test_a_slot_whose_index_reads_empty_and_whose_template_still_loads_is_not_deleted(
    bench: Bench,
) -> None:
    class Hidden(dict[int, str]):
        def __iter__(self) -> Iterator[int]:
            return iter(())

        def pop(self, *arguments: object) -> str:
            return ""

    bench.sensor.templates = Hidden({ALICE_SLOT: ALICE})
    bench.driver.delete("r1", ALICE_SLOT)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "did not delete" in answer.words


# Which sensor it is.


def test_a_sensor_is_marked_once_and_known_again_by_its_mark(bench: Bench) -> None:
    bench.sensor.notepad.clear()
    bench.driver.mark("r1", OTHER_MARK)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT, "it was another sensor than at the start"
    assert bench.posted[-1] == DeviceUp("fingerprint", "")
    bench.driver.mark("r2", OTHER_MARK)
    assert bench.final() == FingerReading("r2", Finger.MARKED)
    assert bench.posted[-1] == DeviceUp("fingerprint", OTHER_MARK)
    assert bench.sensor.notepad == {0: marked_page(OTHER_MARK)}
    bench.port.unplug()
    bench.drive(CHECK_EVERY_S + 1)
    bench.port.plug()
    bench.drive(10)
    assert bench.posted[-1] == DeviceUp("fingerprint", OTHER_MARK)


def test_a_sensor_that_does_not_keep_its_mark_is_a_fault(bench: Bench) -> None:
    class Forgetful(dict[int, bytes]):
        def __setitem__(self, page: int, data: bytes) -> None:
            pass

    bench.sensor.notepad = Forgetful(bench.sensor.notepad)
    bench.driver.mark("r1", OTHER_MARK)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "does not keep the mark" in answer.words


def test_attack_a_sensor_swapped_between_two_proofs_is_noticed_before_the_second(
    bench: Bench,
) -> None:
    """Its twin holds BOB's finger in ALICE's slot, and came without the line going down."""
    bench.sensor.notepad = {0: marked_page(OTHER_MARK)}
    bench.sensor.templates = {ALICE_SLOT: BOB}
    bench.put(BOB)
    bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "another sensor" in answer.words
    assert bench.posted[-1] == DeviceUp("fingerprint", OTHER_MARK), "it says which one it is"


def test_attack_a_sensor_swapped_while_a_finger_is_waited_for_is_not_believed(
    bench: Bench,
) -> None:
    """The mark was read before; the line of a board's own port does not go down."""

    def swap() -> None:
        bench.sensor.notepad = {0: marked_page(OTHER_MARK)}
        bench.sensor.templates = {ALICE_SLOT: BOB}

    bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
    bench.clock.at(2.0, swap)
    bench.put(BOB, in_s=4.0)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "another sensor" in answer.words
    assert bench.posted[-1] == DeviceUp("fingerprint", OTHER_MARK), "it says which one it is"
