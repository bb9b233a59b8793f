"""The security key's driver against an emulated key, packet by packet; what a proof is worth."""

import hashlib
import queue
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from auth import security_keys as keys
from drivers.clock import SystemClock
from drivers.errors import LinkLost
from drivers.readings import Key, KeyReading, Reading
from drivers.security_key import SecurityKey
from sim.security_key import ATTESTED, PRESENT, SecurityKeyEmulator, encode
from tests.demo import PATIENCE_S, until

pytestmark = pytest.mark.real_time
CHALLENGE = bytes(range(32))


class Port:
    """Where a key is plugged in; one that waits for its touch says so at each look."""

    def __init__(self) -> None:
        self.key: SecurityKeyEmulator | None = SecurityKeyEmulator(secrets.token_bytes)
        self.bend: bytes | None = None  # in place of every packet
        self.silent = False
        self._packets: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def connect(self) -> "Port":
        if self.key is None:
            raise LinkLost("security_key", "no key is plugged in")
        self._packets = queue.SimpleQueue()
        return self

    def _plugged(self) -> SecurityKeyEmulator:
        key = self.key  # looked at once: another thread pulls it out
        if key is None:
            raise LinkLost("security_key", "the key was pulled out")
        return key

    def read(self, timeout_s: float) -> bytes:
        key = self._plugged()
        if self._packets.empty():
            for packet in key.later():
                self._packets.put(packet)
        try:
            packet = self._packets.get(timeout=timeout_s)
        except queue.Empty:
            return b""
        return b"" if self.silent else self.bend or packet

    def write(self, packet: bytes) -> None:
        for answer in self._plugged().feed(packet):
            self._packets.put(answer)

    def close(self) -> None:
        pass


class Bench:
    """A driver with its owner's thread, and a port."""

    def __init__(self) -> None:
        self.port = Port()
        self.posted: queue.SimpleQueue[Reading] = queue.SimpleQueue()
        self.driver = SecurityKey(self.port.connect, SystemClock(), self.posted.put)
        self.owner = threading.Thread(target=self.driver.run)
        self.owner.start()

    def ask(self, request: str, credential: bytes = b"", within_s: float = 60.0) -> None:
        hashed = keys.client_hash(CHALLENGE)
        self.driver.ask(request, hashed, credential, keys.RP_ID, within_s)

    def answer(self) -> KeyReading:
        reading = self.posted.get(timeout=PATIENCE_S)
        assert isinstance(reading, KeyReading)
        return reading

    def touch(self) -> None:
        key = self.port.key
        assert key is not None
        until(lambda: key.blinks)
        key.touched = True

    def made(self) -> keys.NewKey:
        """A credential on the key."""
        self.ask("new")
        self.touch()
        answer = self.answer()
        assert answer.outcome is Key.DONE
        new = keys.new_key(answer.data)
        assert new is not None
        return new

    def proven(self, new: keys.NewKey) -> KeyReading:
        self.ask("proof", new.credential)
        self.touch()
        return self.answer()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.driver.stop()
    bench.owner.join(PATIENCE_S)
    assert not bench.owner.is_alive()


def counter(new: keys.NewKey, proof: KeyReading, challenge: bytes = CHALLENGE) -> int:
    return keys.proof_counter(new.public, challenge, proof.data, proof.signature, new.counter)


def test_a_key_is_made_known_by_a_touch_and_proves_itself_by_another(bench: Bench) -> None:
    new = bench.made()
    proof = bench.proven(new)
    assert (proof.request, proof.outcome) == ("proof", Key.DONE)
    assert counter(new, proof) == new.counter + 1


def test_attack_a_proof_of_another_challenge_is_worth_nothing(bench: Bench) -> None:
    new = bench.made()
    assert counter(new, bench.proven(new), bytes(32)) == -1


def test_attack_a_replayed_proof_or_a_copied_key_is_known_by_its_counter(bench: Bench) -> None:
    new = bench.made()
    proof = bench.proven(new)
    again = keys.NewKey(new.credential, new.public, counter(new, proof))
    assert counter(again, proof) == -1
    assert bench.port.key is not None
    bench.port.key.counter = 0
    assert counter(again, bench.proven(new)) == -1


def test_attack_bytes_that_were_changed_on_the_way_are_no_proof(bench: Bench) -> None:
    new = bench.made()
    proof = bench.proven(new)
    for place in (0, 32, 36):
        data = bytearray(proof.data)
        data[place] ^= 1
        changed = KeyReading("proof", Key.DONE, bytes(data), proof.signature)
        assert counter(new, changed) == -1
    assert counter(new, KeyReading("proof", Key.DONE, proof.data, b"")) == -1
    assert keys.new_key(proof.data) is None, "a proof is no new key"
    assert keys.new_key(b"") is None


PRIVATE = ec.generate_private_key(ec.SECP256R1())
NUMBERS = PRIVATE.public_key().public_numbers()
X, Y = NUMBERS.x.to_bytes(32, "big"), NUMBERS.y.to_bytes(32, "big")
PUBLIC = {1: 2, 3: -7, -1: 1, -2: X, -3: Y}


def told(counter: int, rp_id: str = keys.RP_ID, flags: int = PRESENT) -> bytes:
    """What a key says of itself, in the order of WebAuthn, 6.1."""
    return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("data", "after", "counted"),
    [
        (told(1), 0, 1),
        (told(6), 5, 6),
        (told(5), 5, -1),
        (told(4), 5, -1),
        (told(0), 5, -1),  # a copy from before it was first used
        (told(0), 0, 0),  # a key that does not count
        (told(1, "elsewhere.invalid"), 0, -1),
        (told(1, flags=0), 0, -1),  # nobody touched it
        (told(1, flags=0x04), 0, -1),
    ],
)
def test_attack_what_a_key_rightly_signs_counts_here_by_a_touch_and_moved_on(
    data: bytes, after: int, counted: int
) -> None:
    signature = PRIVATE.sign(data + keys.client_hash(CHALLENGE), ec.ECDSA(hashes.SHA256()))
    assert keys.proof_counter(encode(PUBLIC), CHALLENGE, data, signature, after) == counted


@pytest.mark.parametrize(
    ("data", "public", "kept"),
    [
        (told(1, flags=PRESENT | ATTESTED), PUBLIC, True),
        (told(1, flags=ATTESTED), PUBLIC, False),
        (told(1, "elsewhere.invalid", PRESENT | ATTESTED), PUBLIC, False),
        (told(1, flags=PRESENT | ATTESTED), {**PUBLIC, 3: -999}, False),  # what nobody can check
        (told(1, flags=PRESENT | ATTESTED), {**PUBLIC, -3: X}, False),  # not on the curve
    ],
)
def test_a_new_key_is_kept_where_it_was_touched_here_and_can_be_checked(
    data: bytes, public: dict[int, Any], *, kept: bool
) -> None:
    held = bytes(16) + (2).to_bytes(2, "big") + b"id" + encode(public)
    assert (keys.new_key(data + held) is not None) is kept


def test_a_key_without_the_credential_is_the_wrong_key(bench: Bench) -> None:
    new = bench.made()
    bench.port.key = SecurityKeyEmulator(secrets.token_bytes)
    assert bench.proven(new).outcome is Key.WRONG_KEY


def test_nobody_touches_it_in_time_and_it_stops_blinking(bench: Bench) -> None:
    bench.ask("new", within_s=0.3)
    assert bench.answer() == KeyReading("new", Key.TIMED_OUT)
    assert bench.port.key is not None and not bench.port.key.blinks


def test_no_key_within_the_time_is_timed_out_and_one_plugged_in_late_is_found(bench: Bench) -> None:
    key, bench.port.key = bench.port.key, None
    bench.ask("none", within_s=0.3)
    assert bench.answer().outcome is Key.TIMED_OUT
    bench.ask("late")
    bench.port.key = key
    bench.touch()
    assert bench.answer().outcome is Key.DONE


def test_cancelling_ends_the_wait_and_the_blinking(bench: Bench) -> None:
    bench.ask("r1")
    key = bench.port.key
    assert key is not None
    until(lambda: key.blinks)
    bench.driver.cancel("r0")
    bench.driver.cancel("r1")
    assert bench.answer() == KeyReading("r1", Key.CANCELLED)
    assert not key.blinks


def test_a_newer_request_cancels_the_older(bench: Bench) -> None:
    bench.ask("r1")
    key = bench.port.key
    assert key is not None
    until(lambda: key.blinks)
    bench.ask("r2")
    assert bench.answer() == KeyReading("r1", Key.CANCELLED)
    bench.touch()
    assert (bench.answer().request, key.blinks) == ("r2", False)


def test_a_key_that_is_pulled_out_is_a_fault(bench: Bench) -> None:
    bench.ask("r1")
    key = bench.port.key
    assert key is not None
    until(lambda: key.blinks)
    bench.port.key = None
    answer = bench.answer()
    assert answer.outcome is Key.FAULT and "pulled out" in answer.words


def test_a_key_that_says_nothing_is_a_fault_in_time(bench: Bench) -> None:
    bench.port.silent = True
    bench.ask("r1")
    answer = bench.answer()
    assert answer.outcome is Key.FAULT and "does not answer" in answer.words


@pytest.mark.parametrize("noise", [bytes(64), b"\xff" * 64, b"\x00\x00\x00\x05\x90\xff\xff" * 9])
def test_a_key_that_talks_nonsense_is_a_fault(bench: Bench, noise: bytes) -> None:
    bench.port.bend = noise.ljust(64, b"\0")[:64]
    bench.ask("r1")
    assert bench.answer().outcome is Key.FAULT
