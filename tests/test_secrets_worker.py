"""PINs and codes off the controller's thread: each job has an answer, and no silent end."""

import queue
import threading
from collections.abc import Callable

import pytest

from auth.pins import PinHasher, keyed_hash
from cabinet import events as e
from cabinet.secrets_worker import MAX_WAITING, SecretsWorker, answer
from tests.demo import PATIENCE_S
from tests.ward import PIN

pytestmark = pytest.mark.real_time
PEPPER = bytes(32)


class Owner:
    """A worker and what it posts; `hold` keeps it from going on."""

    def __init__(self, post: Callable[[e.Event], None] | None = None) -> None:
        self.events: queue.Queue[e.Event] = queue.Queue()
        self.ended = threading.Event()
        self.worker = SecretsWorker(PEPPER, 2, post or self.events.put, bytes, ended=self.ended.set)

    def get(self) -> e.Event:
        return self.events.get(timeout=PATIENCE_S)


def test_each_kind_of_job_has_its_answer() -> None:
    owner = Owner()
    owner.worker.start()
    owner.worker.submit(e.HashPin("1", PIN))
    hashed = owner.get()
    assert isinstance(hashed, e.PinHashed)
    assert hashed.encoded.startswith("$argon2id$")
    for pin, right in ((PIN, True), ("00000000", False)):
        owner.worker.submit(e.CheckPin("2", hashed.encoded, pin))
        assert owner.get() == e.PinChecked("2", right)
    owner.worker.submit(e.CheckPin("3", "", PIN))
    assert owner.get() == e.PinChecked("3", False)
    owner.worker.submit(e.HashPin("4", "12345678"))
    unusable = owner.get()
    assert isinstance(unusable, e.PinHashed)
    assert "easy to guess" in unusable.unusable
    assert not unusable.encoded
    owner.worker.submit(e.HashCode("5", " k7qm-2xwp-9hta "))
    assert owner.get() == e.CodeHashed("5", keyed_hash(PEPPER, "code", "K7QM2XWP9HTA"))
    owner.worker.submit(e.MakeCode("6"))
    made = owner.get()
    assert isinstance(made, e.CodeMade)
    assert made.code == keyed_hash(PEPPER, "code", made.plain.replace("-", ""))
    owner.worker.stop()
    assert owner.ended.wait(PATIENCE_S)


def test_a_job_too_many_is_answered_as_wrong_at_once() -> None:
    owner = Owner()
    for number in range(MAX_WAITING):
        owner.worker.submit(e.CheckPin(str(number), "", PIN))
    assert owner.events.empty(), "nobody takes them yet"
    owner.worker.submit(e.CheckPin("too many", "", PIN))
    assert owner.get() == e.PinChecked("too many", False)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_ends_by_an_error_says_so() -> None:
    """Otherwise every PIN from then on would be asked for, and none answered."""

    def broken(_: e.Event) -> None:
        raise queue.Full

    owner = Owner(broken)
    owner.worker.start()
    owner.worker.submit(e.CheckPin("1", "", PIN))
    assert owner.ended.wait(PATIENCE_S)
    owner.worker.stop()


def test_a_hash_is_useless_without_its_pepper() -> None:
    encoded = PinHasher(PEPPER, passes=2).hash(PIN)
    other = PinHasher(b"\1" * 32, passes=2)
    assert answer(e.CheckPin("1", encoded, PIN), other, PEPPER, bytes) == e.PinChecked("1", False)


def test_what_is_no_hash_of_ours_is_a_wrong_pin() -> None:
    hasher = PinHasher(PEPPER, passes=2)
    for encoded in ("garbage", "\x00", PIN):
        assert not hasher.verify(encoded, PIN)
