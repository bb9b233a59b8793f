"""The ML-DSA-44 cosignature of heads: exactly C2SP's bytes, kept beside the head, nothing else."""

import base64
import hashlib
import struct
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from sqlcipher3 import dbapi2 as sqlite

from ledger.cosignature import CosignatureVerifier, Cosigner, cosignature_time, cosigned_message
from ledger.errors import ReadOnly, WrongNote, WrongSignature
from ledger.note import Checkpoint, NoteVerifier, open_note, parse_note
from ledger.store import Store
from tests.ledgers import KEY, ORIGIN, SIGNER, VERIFIER, bodies

NOW_S = 1_790_000_000
COSIGNER = Cosigner(ORIGIN, bytes(range(32)))
COSIGNED = CosignatureVerifier(COSIGNER.vkey)
HEAD = Checkpoint(ORIGIN, 20_852_163, hashlib.sha256(b"root").digest())


def test_the_signed_message_is_the_structure_of_the_specification() -> None:
    told = cosigned_message("example.com/w1", NOW_S, HEAD)
    origin = ORIGIN.encode()
    assert told == (
        b"subtree/v1\n\0"
        b"\x0eexample.com/w1"
        + NOW_S.to_bytes(8, "big")
        + bytes([len(origin)])
        + origin
        + bytes(8)
        + HEAD.size.to_bytes(8, "big")
        + HEAD.root
    )


def test_a_line_holds_key_id_time_and_a_signature_that_fips_204_verifies() -> None:
    name, key_id, key = COSIGNER.vkey.split("+", 2)
    public = base64.b64decode(key)
    assert (name, public[0], len(public)) == (ORIGIN, 6, 1 + 1312)
    assert hashlib.sha256(ORIGIN.encode() + b"\n" + public).hexdigest()[:8] == key_id
    dash, signer, data = COSIGNER.cosign(HEAD, NOW_S).removesuffix("\n").split(" ")
    raw = base64.b64decode(data)
    assert (dash, signer, raw[:4].hex(), len(raw)) == ("—", ORIGIN, key_id, 4 + 8 + 2420)
    assert struct.unpack(">Q", raw[4:12]) == (NOW_S,)
    message = cosigned_message(ORIGIN, NOW_S, HEAD)
    MLDSA44PublicKey.from_public_bytes(public[1:]).verify(raw[12:], message)
    with pytest.raises(InvalidSignature):
        MLDSA44PublicKey.from_public_bytes(public[1:]).verify(raw[12:], message + b"\0")


def test_a_cosigned_note_opens_with_either_key_and_with_both() -> None:
    note = SIGNER.sign(HEAD.text()) + COSIGNER.cosign(HEAD, NOW_S)
    known: list[list[NoteVerifier]] = [[VERIFIER], [COSIGNED], [VERIFIER, COSIGNED]]
    for verifiers in known:
        assert open_note(note, verifiers) == HEAD.text()


@pytest.mark.parametrize(
    "other",
    [
        Checkpoint(ORIGIN, HEAD.size + 1, HEAD.root),
        Checkpoint(ORIGIN, HEAD.size, bytes(32)),
        Checkpoint("another/log", HEAD.size, HEAD.root),
    ],
)
def test_a_cosignature_of_another_head_is_noticed(other: Checkpoint) -> None:
    note = SIGNER.sign(HEAD.text()) + COSIGNER.cosign(other, NOW_S)
    with pytest.raises(WrongSignature, match="is wrong"):
        open_note(note, [VERIFIER, COSIGNED])


def test_a_cosignature_with_another_time_or_cut_short_is_noticed() -> None:
    line = COSIGNER.cosign(HEAD, NOW_S)
    raw = bytearray(base64.b64decode(line.split(" ")[2]))
    assert COSIGNED.verifies(HEAD.text(), bytes(raw[4:]))
    raw[11] ^= 1
    assert not COSIGNED.verifies(HEAD.text(), bytes(raw[4:]))
    assert not COSIGNED.verifies(HEAD.text(), bytes(raw[4:-1]))
    assert not COSIGNED.verifies(HEAD.text(), b"\xff" * (8 + 2420))
    with pytest.raises(WrongNote):
        cosignature_time(bytes(8))


def test_a_cosigner_is_not_a_log_key_and_the_reverse() -> None:
    with pytest.raises(WrongNote, match="not an ML-DSA-44 key"):
        CosignatureVerifier(SIGNER.vkey)
    with pytest.raises(ValueError, match="32 bytes"):
        Cosigner(ORIGIN, bytes(31))
    assert repr(COSIGNER) == f"Cosigner({ORIGIN!r}, {COSIGNER.key_id.hex()})"


def ledger(path: Path) -> Store:
    store = Store.create(path, KEY, ORIGIN)
    store.append(bodies(1, 6))
    store.sign_head(SIGNER)
    return store


def test_a_cosignature_is_kept_beside_its_head_once(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with ledger(path) as store:
        line = COSIGNER.cosign(Checkpoint(ORIGIN, 5, store.root()), NOW_S)
        assert store.cosigned_size(ORIGIN, COSIGNER.key_id) == 0
        assert store.add_cosignature(5, line)
        later = COSIGNER.cosign(Checkpoint(ORIGIN, 5, store.root()), NOW_S + 1)
        assert not store.add_cosignature(5, later)
    with Store.open(path, KEY, read_only=True) as store:
        head = store.newest_head()
        assert head is not None and store.cosignatures(5) == (line,)
        assert store.cosigned_size(ORIGIN, COSIGNER.key_id) == 5
        assert open_note(head.note + line, [VERIFIER, COSIGNED])
        assert len(parse_note(head.note + line)[1]) == 2
        with pytest.raises(ReadOnly):
            store.add_cosignature(5, line)


def test_only_a_head_is_cosigned_and_only_by_a_line(tmp_path: Path) -> None:
    with ledger(tmp_path / "a.db") as store:
        line = COSIGNER.cosign(Checkpoint(ORIGIN, 5, store.root()), NOW_S)
        with pytest.raises(ValueError, match="no head over 4"):
            store.add_cosignature(4, line)
        with pytest.raises(WrongNote):
            store.add_cosignature(5, "signed, the cosigner\n")
        with pytest.raises(ValueError, match="at most"):
            store.add_cosignature(5, line * 4)
        assert store.append([b"a refused line does not end the store"]) == 6


@pytest.mark.parametrize("sql", ["UPDATE cosignature SET line = ''", "DELETE FROM cosignature"])
def test_cosignatures_are_append_only(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "a.db"
    with ledger(path) as store:
        store.add_cosignature(5, COSIGNER.cosign(Checkpoint(ORIGIN, 5, store.root()), NOW_S))
    connection = sqlite.connect(path)
    connection.set_key(f"x'{KEY.hex()}'")
    with pytest.raises(sqlite.IntegrityError, match="cosignature is append-only"):
        connection.execute(sql)
    connection.close()
