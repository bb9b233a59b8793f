"""The witness as a server: over real HTTP, started again, its disk full, and as a program."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import witness as server
from ledger.errors import WitnessProblem
from ledger.note import Signer, Verifier
from ledger.witness_protocol import (
    Answer,
    Conflict,
    Cosigned,
    Grown,
    WitnessVerifier,
    checkpoint_path,
    judge,
    read_answer,
    read_checkpoint,
)
from tests.demo import COMMAND_S, PATIENCE_S, until
from tests.ledgers import ORIGIN, ROOT, SIGNER, VERIFIER
from tests.witnesses import KNOWN, LOGS, NOW_S, WITNESS, Log, Running

pytestmark = pytest.mark.real_time
# --- the server -----------------------------------------------------------------------------------


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path / "state")
    yield started
    started.stop()


def test_a_growing_log_is_witnessed_over_http(running: Running) -> None:
    log, old = Log(), 0
    for size in (1, 2, 7, 7, 16, 33):
        answer = running.post(log.ask(old, size), "/some/prefix/add-checkpoint")
        told = read_answer(log.note(size), answer, KNOWN)
        assert isinstance(told, Cosigned)
        old = size
    shown = running.get("/" + checkpoint_path(ORIGIN))
    assert read_checkpoint(shown, [VERIFIER], KNOWN)[0] == log.head(33)


def test_a_witness_started_again_still_refuses_an_older_ledger(tmp_path: Path) -> None:
    log = Log()
    first = Running(tmp_path / "state")
    assert first.post(log.ask(0, 9)).status == 200
    first.stop()
    second = Running(tmp_path / "state")
    try:
        assert read_answer("", second.post(log.ask(0, 5)), KNOWN) == Conflict(9)
        forked = Log(fork=b"x").grow(9)
        assert second.post(forked.ask(9, 12)).status == 422
        assert second.post(log.ask(9, 12)).status == 200
    finally:
        second.stop()


def test_an_answer_that_was_lost_is_asked_for_again(running: Running) -> None:
    log = Log()
    assert running.post(log.ask(0, 9)).status == 200
    told = read_answer("", running.post(log.ask(0, 9)), KNOWN)
    assert told == Conflict(9)
    assert running.post(log.ask(9, 9)).status == 200


def test_two_requests_at_once_never_make_the_record_smaller(running: Running) -> None:
    log = Log().grow(64)
    asks = [log.ask(0, size) for size in range(1, 33)]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda ask=ask: answers.append(running.post(ask).status))
        for ask in asks[:16]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 15


def test_nothing_is_answered_before_it_is_on_disk(tmp_path: Path) -> None:
    """The disk refuses the write: no cosignature leaves, and the head is not taken as seen."""
    memory = server.Memory(tmp_path / "state")
    witness = server.Witness(memory, WITNESS, LOGS, lambda: NOW_S)
    log = Log()
    assert witness.add_checkpoint(log.ask(0, 3)).status == 200
    memory._connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON seen BEGIN SELECT RAISE(FAIL, 'no space'); END"
    )
    assert witness.add_checkpoint(log.ask(3, 5)).status == 500
    memory._connection.execute("DROP TRIGGER full")
    assert witness.add_checkpoint(log.ask(3, 5)).status == 200
    memory.close()


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 10\r\n\r\nabc", b""),
        (b"POST /other HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\n\r\n", b"404"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n", b"404"),
        (b"DELETE / HTTP/1.1\r\nHost: w\r\n\r\n", b"501"),
        (b"\x00\xff\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
    ],
)
def test_garbage_gets_an_error_and_the_witness_goes_on(
    running: Running, request_: bytes, answer: bytes
) -> None:
    assert answer in running.raw(request_)[:200]
    assert running.post(Log().ask(0, 1)).status == 200


def test_connections_are_bounded_and_silent_ones_are_cut(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTION_S", 0.3)
    silent = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(40)]
    for line in silent:
        line.settimeout(PATIENCE_S)
        assert line.recv(1) == b""  # refused at once, or cut after its time
        line.close()
    monkeypatch.setattr(server, "CONNECTION_S", PATIENCE_S)
    until(lambda: answers(running))  # as soon as a place is free again


def answers(running: Running) -> bool:
    """Whether it takes a checkpoint, now or before."""
    try:
        return running.post(Log().ask(0, 1)).status in (200, 409)
    except ConnectionError:
        return False


def test_a_log_begins_again_only_when_the_witnesss_keeper_says_so(tmp_path: Path) -> None:
    memory = server.Memory(tmp_path / "state")
    witness = server.Witness(memory, WITNESS, LOGS, lambda: NOW_S)
    forked = Log(fork=b"restored ")
    assert witness.add_checkpoint(Log().ask(0, 9)).status == 200
    assert witness.add_checkpoint(forked.ask(0, 5)).status == 409
    assert memory.forget(ORIGIN, NOW_S) == 9
    assert witness.add_checkpoint(forked.ask(0, 5)).status == 200
    kept = memory._connection.execute("SELECT origin, size FROM forgotten").fetchall()
    assert kept == [(ORIGIN, 9)]
    memory.close()


# --- the program ----------------------------------------------------------------------------------


def program(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ledger.witness", *map(str, arguments)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
    )


def test_the_program_makes_a_key_once_and_serves_until_told(tmp_path: Path) -> None:
    key, state = tmp_path / "key", tmp_path / "state"
    made = program("--key", key, "--make-key", "witness.example/w1")
    verifier = WitnessVerifier(made.stdout.strip())
    assert key.stat().st_mode & 0o777 == 0o600
    again = program("--key", key, "--make-key", "witness.example/w1")
    assert again.returncode == 1
    assert len(again.stderr.splitlines()) == 1
    process = subprocess.Popen(
        [sys.executable, "-m", "ledger.witness", "--key", str(key), "--state", str(state)]
        + ["--listen", "127.0.0.1:0", "--log", SIGNER.vkey],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        match = re.search(r"at 127\.0\.0\.1:(\d+)", process.stderr.readline())
        assert match
        connection = http.client.HTTPConnection("127.0.0.1", int(match[1]), timeout=PATIENCE_S)
        log = Log()
        connection.request("POST", "/add-checkpoint", log.ask(0, 4))
        answer = connection.getresponse()
        told = read_answer(log.note(4), Answer(answer.status, answer.read()), verifier)
        assert isinstance(told, Cosigned)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
    forgot = program("--key", key, "--state", state, "--forget", ORIGIN)
    assert "4 entries" in forgot.stdout
    assert state.stat().st_mode & 0o777 == 0o600


def test_what_is_wrong_with_its_options_is_one_line(tmp_path: Path) -> None:
    key = tmp_path / "key"
    program("--key", key, "--make-key", "w")
    base = ["--key", key, "--state", tmp_path / "state"]
    for arguments in (
        ["--key", key, "--log", SIGNER.vkey],
        base,
        [*base, "--log", "nonsense"],
        [*base, "--log", SIGNER.vkey, "--listen", "nowhere"],
        ["--key", tmp_path / "none", "--state", tmp_path / "state", "--log", SIGNER.vkey],
        ["--key", key, "--state", tmp_path, "--log", SIGNER.vkey],
    ):
        told = program(*arguments)
        assert told.returncode == 1
        assert len(told.stderr.splitlines()) == 1, told.stderr
        assert told.stderr.startswith("witness: ")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    server.make_key(key, "w")
    assert server.load_key(key).vkey == server.load_key(key).vkey
    key.chmod(0o640)
    with pytest.raises(WitnessProblem, match="chmod 600"):
        server.load_key(key)
    other = tmp_path / "other"
    other.touch(0o600)
    os.truncate(other, 10)
    with pytest.raises(WitnessProblem, match="private key"):
        server.load_key(other)


def test_a_log_may_have_two_keys_while_one_replaces_the_other() -> None:
    new = Signer(ORIGIN, b"n" * 32)
    logs = server.logs_of([SIGNER.vkey, new.vkey])
    assert isinstance(judge(Log(new).ask(0, 2), logs, {}), Grown)
    assert isinstance(judge(Log().ask(0, 2), logs, {}), Grown)
    assert Verifier(new.vkey).name == ORIGIN
