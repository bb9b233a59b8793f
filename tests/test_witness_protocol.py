"""The witness's protocol: what is cosigned and refused, and what a log believes of an answer."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.cosignature import Cosigner
from ledger.errors import WrongAnswer, WrongNote, WrongRequest
from ledger.merkle import EMPTY_ROOT, consistency_proof
from ledger.note import Checkpoint, Signer, open_note
from ledger.witness_protocol import (
    MAX_REQUEST_BYTES,
    SIZE_TYPE,
    Answer,
    Conflict,
    Cosigned,
    Grown,
    Refused,
    Request,
    WitnessSigner,
    encode_request,
    judge,
    parse_request,
    read_answer,
    read_checkpoint,
    witness_verifier,
)
from tests.ledgers import ORIGIN, SIGNER, VERIFIER
from tests.witnesses import KNOWN, LOGS, NOW_S, OTHER_WITNESS, WITNESS, Log


def seen(log: Log, size: int) -> dict[str, Checkpoint]:
    return {ORIGIN: log.head(size)}


def status(verdict: Grown | Answer) -> int:
    return verdict.status if isinstance(verdict, Answer) else 200


# --- the protocol ---------------------------------------------------------------------------------


def test_every_growth_is_cosigned_and_nothing_else() -> None:
    log = Log().grow(40)
    for old in range(41):
        for size in range(old, 41):
            verdict = judge(log.ask(old, size), LOGS, seen(log, old))
            assert isinstance(verdict, Grown)
            line = WITNESS.cosign(verdict.text, NOW_S)
            assert open_note(verdict.note + line, [KNOWN]) == verdict.text


@pytest.mark.parametrize(
    ("old", "size", "known", "answer"),
    [
        (0, 9, 5, 409),  # the log does not know what the witness has
        (5, 9, 0, 409),
        (5, 9, 9, 409),  # a replayed request
        (5, 3, 5, 400),  # a log that got shorter
    ],
)
def test_sizes_that_do_not_meet(old: int, size: int, known: int, answer: int) -> None:
    log = Log().grow(12)
    note = log.note(size)
    proof = tuple(consistency_proof(old, size, log.node)) if old <= size else ()
    verdict = judge(encode_request(Request(old, proof, note)), LOGS, seen(log, known))
    assert status(verdict) == answer
    if answer == 409:
        assert isinstance(verdict, Answer)
        assert (verdict.body, verdict.content_type) == (b"%d\n" % known, SIZE_TYPE)


def test_a_forked_log_is_refused_at_every_size() -> None:
    honest, forked = Log().grow(20), Log(fork=b"other ").grow(20)
    for old in range(1, 20):
        for size in range(old, 21):
            assert status(judge(forked.ask(old, size), LOGS, seen(honest, old))) == 422


def test_a_proof_that_is_not_needed_or_is_missing_is_refused() -> None:
    log = Log().grow(8)
    extra = encode_request(Request(0, (bytes(32),), log.note(8)))
    missing = encode_request(Request(5, (), log.note(8)))
    same = encode_request(Request(8, (bytes(32),), log.note(8)))
    assert status(judge(extra, LOGS, {})) == 422
    assert status(judge(missing, LOGS, seen(log, 5))) == 422
    assert status(judge(same, LOGS, seen(log, 8))) == 422


def test_an_empty_log_has_the_empty_root() -> None:
    right = SIGNER.sign(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text())
    wrong = SIGNER.sign(Checkpoint(ORIGIN, 0, bytes(32)).text())
    assert isinstance(judge(encode_request(Request(0, (), right)), LOGS, {}), Grown)
    assert status(judge(encode_request(Request(0, (), wrong)), LOGS, {})) == 422


def test_who_may_ask() -> None:
    stranger = Log(Signer("stranger", b"s" * 32))
    forger = Log(Signer(ORIGIN, b"f" * 32))  # the log's name, another key
    assert status(judge(stranger.ask(0, 3), LOGS, {})) == 404
    assert status(judge(forger.ask(0, 3), LOGS, {})) == 403
    good = Log().note(3)
    line = good.rpartition("— ")[2]
    data = bytearray(base64.b64decode(line.split(" ")[1]))
    data[20] ^= 1
    bad = good.replace(line, f"{ORIGIN} {base64.b64encode(data).decode()}\n")
    assert status(judge(encode_request(Request(0, (), bad)), LOGS, {})) == 403


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.replace(b"old 5", b"old 05"),
        lambda b: b.replace(b"old 5", b"old -5"),
        lambda b: b.replace(b"old 5", b"old 99999999999999999999"),
        lambda b: b.replace(b"old 5", b"old  5"),
        lambda b: b.replace(b"old 5\n", b""),
        lambda b: b.replace(b"=\n", b"==\n", 1),
        lambda b: b.replace(b"\n\n", b"\n", 1),
        lambda b: b[:-1],
        lambda b: b"old 5\n" + b"A" * 44 * 70 + b[5:],
        lambda b: b.replace(b"old 5\n", b"old 5\n" + (base64.b64encode(bytes(32)) + b"\n") * 64),
        lambda b: b + b"x" * MAX_REQUEST_BYTES,
        lambda b: b"\xff" + b,
        lambda b: b"",
    ],
)
def test_a_malformed_request_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    log = Log().grow(9)
    assert status(judge(change(log.ask(5, 9)), LOGS, seen(log, 5))) == 400


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_request_has_one_spelling(old: int, proof: list[bytes]) -> None:
    request = Request(old, tuple(proof), Log().note(3))
    assert parse_request(encode_request(request)) == request


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_no_bytes_make_the_witness_stumble(data: bytes) -> None:
    try:
        parse_request(data)
    except WrongRequest:
        assert status(judge(data, LOGS, {})) == 400


# --- what the log believes ------------------------------------------------------------------------


def cosigned(note: str, *lines: str) -> Answer:
    return Answer(200, "".join(lines).encode())


def text_of(note: str) -> str:
    return note.partition("\n\n")[0] + "\n"


def test_a_cosignature_is_kept_and_strangers_lines_are_passed_over() -> None:
    note = Log().note(7)
    line = WITNESS.cosign(text_of(note), NOW_S)
    stranger = WitnessSigner("stranger", b"s" * 32).cosign(text_of(note), NOW_S)
    told = read_answer(note, cosigned(note, stranger, line), KNOWN)
    assert told == Cosigned((line,))


def test_a_replayed_answer_is_not_believed() -> None:
    log = Log()
    old = WITNESS.cosign(text_of(log.note(7)), NOW_S)
    with pytest.raises(WrongAnswer):
        read_answer(log.note(8), cosigned(log.note(8), old), KNOWN)


def test_another_witness_of_the_same_name_is_not_believed() -> None:
    note = Log().note(7)
    line = OTHER_WITNESS.cosign(text_of(note), NOW_S)
    with pytest.raises(WrongAnswer):
        read_answer(note, cosigned(note, line), KNOWN)


def test_the_logs_own_signature_does_not_stand_in_for_the_witnesss() -> None:
    note = Log().note(7)
    with pytest.raises(WrongAnswer):
        read_answer(note, cosigned(note, note.partition("\n\n")[2]), KNOWN)


def test_a_cosignature_of_another_cabinet_is_not_believed() -> None:
    other = Log(Signer("site/adc/cabinet/2", bytes(32))).note(7)
    line = WITNESS.cosign(text_of(other), NOW_S)
    with pytest.raises(WrongAnswer):
        read_answer(Log().note(7), cosigned(other, line), KNOWN)


def test_a_cosignature_with_its_time_changed_is_not_believed() -> None:
    note = Log().note(7)
    line = WITNESS.cosign(text_of(note), NOW_S)
    data = bytearray(base64.b64decode(line.split(" ")[2]))
    data[11] ^= 1
    moved = f"— {WITNESS.name} {base64.b64encode(data).decode()}\n"
    with pytest.raises(WrongAnswer):
        read_answer(note, cosigned(note, moved), KNOWN)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200),
        Answer(200, b"\n\n"),
        Answer(200, b"\xff\n"),
        Answer(200, b"\xe2\x80\x94 x y\n" * 200),
        Answer(409, b"12\n"),  # not said to be a size
        Answer(409, b"012\n", SIZE_TYPE),
        Answer(409, b"twelve\n", SIZE_TYPE),
        Answer(409, b"-1\n", SIZE_TYPE),
        Answer(302),
        Answer(500, b"<html>"),
    ],
)
def test_an_answer_that_proves_nothing_is_an_error(answer: Answer) -> None:
    with pytest.raises(WrongAnswer):
        read_answer(Log().note(7), answer, KNOWN)


def test_refusals_are_told_in_one_short_line() -> None:
    told = read_answer("", Answer(403, b"no\x1b[2J\nno" + b"!" * 500), KNOWN)
    assert isinstance(told, Refused)
    assert told.why.isprintable()
    assert len(told.why) <= 120
    assert read_answer("", Answer(409, b"12\n", SIZE_TYPE), KNOWN) == Conflict(12)


@given(st.binary(max_size=300), st.sampled_from([200, 409, 422, 500]))
@settings(max_examples=300)
def test_no_answer_makes_the_log_stumble(data: bytes, code: int) -> None:
    note = Log().note(3)
    try:
        told = read_answer(note, Answer(code, data, SIZE_TYPE), KNOWN)
    except WrongAnswer:
        return
    assert not isinstance(told, Cosigned)


def test_a_witness_with_the_newer_algorithm_is_understood() -> None:
    cosigner = Cosigner("witness.example/pq", b"q" * 32)
    log = Log()
    line = cosigner.cosign(log.head(7), NOW_S)
    told = read_answer(log.note(7), cosigned(log.note(7), line), witness_verifier(cosigner.vkey))
    assert told == Cosigned((line,))


def test_a_cosignature_without_a_time_is_not_believed() -> None:
    cosigner = Cosigner("witness.example/pq", b"q" * 32)
    log = Log()
    line = cosigner.cosign(log.head(7), 0)
    with pytest.raises(WrongAnswer):
        read_answer(log.note(7), cosigned(log.note(7), line), witness_verifier(cosigner.vkey))
    with pytest.raises(WrongNote):
        WITNESS.cosign(text_of(log.note(7)), 0)


def test_a_shown_head_needs_both_signatures() -> None:
    note = Log().note(7)
    line = WITNESS.cosign(text_of(note), NOW_S)
    head, shown = read_checkpoint(Answer(200, (note + line).encode()), [VERIFIER], KNOWN)
    assert (head, shown) == (Log().head(7), note + line)
    for body in (note, text_of(note) + "\n" + line, "", "x"):
        with pytest.raises(WrongAnswer):
            read_checkpoint(Answer(200, body.encode()), [VERIFIER], KNOWN)
    with pytest.raises(WrongAnswer):
        read_checkpoint(Answer(404), [VERIFIER], KNOWN)
