"""PINs and codes off the controller's thread: each job has an answer, and no silent end."""

import gc
import queue
import threading
from collections.abc import Callable
from types import FrameType, FunctionType, ModuleType

import pytest

from auth import totp
from auth.pins import PinHasher, keyed_hash
from cabinet import events as e
from cabinet.messages import Frames, Press, decode_for_controller, encode
from cabinet.secrets_worker import MAX_WAITING, SecretsWorker, answer
from tests.demo import PATIENCE_S
from tests.ward import PIN, Ward, badge

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


def test_attack_what_stands_for_nobodys_pin_proves_nobody() -> None:
    hasher = PinHasher(PEPPER, passes=1, memory_kib=64)
    assert hasher.verify(hasher.hash("no such person"), "no such person")
    assert not hasher.verify("", "no such person")


def test_a_pin_is_neither_the_persons_staff_number_nor_their_badges() -> None:
    hasher = PinHasher(PEPPER, passes=1, memory_kib=64)
    badge = keyed_hash(PEPPER, "badge", "58203917")
    for job, words in (
        (e.HashPin("1", "57048163", "N-7048"), "staff number"),
        (e.HashPin("1", "58407163", "N-7048"), "staff number"),
        (e.HashPin("1", "58203917", "", badge), "badge"),
    ):
        hashed = answer(job, hasher, PEPPER, bytes)
        assert isinstance(hashed, e.PinHashed)
        assert words in hashed.unusable and not hashed.encoded
    usable = answer(e.HashPin("1", "58203917", "N-7048", "another"), hasher, PEPPER, bytes)
    assert isinstance(usable, e.PinHashed) and usable.encoded


def test_codes_are_made_and_compared_here_and_one_too_many_is_wrong() -> None:
    owner = Owner()
    owner.worker.start()
    owner.worker.submit(e.MakeTotp("1", "person-1"))
    made = owner.get()
    assert isinstance(made, e.TotpMade)
    secret = totp.unseal(PEPPER, "person-1", made.sealed)
    assert totp.spelt(secret) == made.plain
    code = totp.code_at(secret, 1000)
    for person, after, step in (("person-1", 0, 1000), ("person-1", 1000, 0), ("person-2", 0, 0)):
        owner.worker.submit(e.CheckTotp("2", person, made.sealed, code, 30_000, after))
        assert owner.get() == e.TotpChecked("2", step)
    owner.worker.stop()
    full = Owner()
    for number in range(MAX_WAITING + 1):
        full.worker.submit(e.CheckTotp(str(number), "p", "", "", 0, 0))
    assert full.get() == e.TotpChecked(str(MAX_WAITING), 0)


@pytest.mark.parametrize("backwards", ["73918406", "9é tsim ;rohcna piluT"])
def test_attack_a_typed_pin_or_passphrase_is_in_nothing_that_the_cabinet_keeps(
    backwards: str,
) -> None:
    """Everything that engine, worker and screen protocol still refer to after a sign-in."""
    ward = Ward(stocked=False)
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    typed = "".join(reversed(backwards))  # no constant of this file
    ward.do(e.BadgeSeen(badge("N1")))
    frames = Frames()
    press = Press(1, 1, "pin", typed)
    for body in frames.feed(encode(press)):
        ward.do(e.Pressed("pin", decode_for_controller(body).text))  # type: ignore[union-attr]
    owner = Owner()
    owner.worker.start()
    owner.worker.submit(ward.command(e.CheckPin))
    owner.get()
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    ward.commands.clear()
    assert ward.state.session is not None
    for root in (ward.engine, ward.sink, owner.worker, frames):
        assert not held(root, typed), type(root)
    owner.worker.stop()


def held(root: object, text: str) -> list[object]:
    """What can be reached from `root` and has the text in it."""
    seen, waiting = {id(root)}, [root]
    found: list[object] = []
    while waiting:
        one = waiting.pop()
        if isinstance(one, str | bytes | bytearray):
            plain = one if isinstance(one, str) else bytes(one).decode("latin-1")
            if text in plain:
                found.append(one)
            continue
        if isinstance(one, type | ModuleType | FunctionType | FrameType):
            continue
        for other in gc.get_referents(one):
            if id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)
    return found


def test_attack_a_secret_that_does_not_open_is_not_the_one_of_all_zeros() -> None:
    hasher = PinHasher(PEPPER, passes=2)
    closed = totp.seal(PEPPER, "somebody else", b"s" * totp.SECRET_BYTES, bytes)
    code = totp.code_at(bytes(totp.SECRET_BYTES), 3)
    now_s = 3 * totp.STEP_S
    for sealed in (closed, "sealed", ""):
        job = e.CheckTechnician("r", "", "p", "", PIN, sealed, code, now_s, 0)
        assert answer(job, hasher, PEPPER, bytes) == e.ServiceEntered("r", "", "p", False, 0)
