"""What signed notes and checkpoints promise: C2SP's bytes, one spelling, no forgery, no crash."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import WrongNote, WrongSignature
from ledger.note import (
    Checkpoint,
    Signer,
    Verifier,
    check_name,
    open_note,
    parse_checkpoint,
    parse_note,
)

# The example of golang.org/x/mod/sumdb/note.
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_NOTE = PETER_TEXT + (
    "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqd"
    "ngotpRZb6KE6RyyBwJnAM=\n"
)

ORIGIN = "site/adc/cabinet/1"
SIGNER = Signer(ORIGIN, bytes(range(32)))
TEXT = Checkpoint(ORIGIN, 7, bytes(32)).text()
NOTE = SIGNER.sign(TEXT)


def test_published_note_opens_with_its_published_key() -> None:
    assert open_note(PETER_NOTE, [Verifier(PETER_VKEY)]) == PETER_TEXT


def test_published_private_key_signs_the_published_note() -> None:
    signer = Signer("PeterNeumann", PETER_SEED)
    assert signer.vkey == PETER_VKEY
    assert signer.sign(PETER_TEXT) == PETER_NOTE


def test_checkpoint_is_three_lines() -> None:
    assert TEXT.splitlines() == [ORIGIN, "7", "A" * 43 + "="]
    assert parse_checkpoint(open_note(NOTE, [Verifier(SIGNER.vkey)])) == (
        Checkpoint(ORIGIN, 7, bytes(32))
    )


def test_extension_lines_are_passed_over() -> None:
    assert parse_checkpoint(TEXT + "more\n") == Checkpoint(ORIGIN, 7, bytes(32))


def test_signature_of_an_unknown_key_is_passed_over_beside_a_known_one() -> None:
    line = Signer("witness", bytes(32)).sign(TEXT).splitlines(keepends=True)[-1]
    for note in (NOTE + line, NOTE.replace("\n\n", "\n\n" + line)):
        assert open_note(note, [Verifier(SIGNER.vkey)]) == TEXT


def test_note_that_only_unknown_keys_signed_is_refused() -> None:
    with pytest.raises(WrongSignature):
        open_note(Signer(ORIGIN, bytes(32)).sign(TEXT), [Verifier(SIGNER.vkey)])
    with pytest.raises(WrongSignature):
        open_note(NOTE, [])


def test_wrong_signature_of_a_known_key_is_refused_even_beside_a_good_one() -> None:
    other = Signer("witness", bytes(32))
    line = other.sign("something else\n").splitlines(keepends=True)[-1]
    with pytest.raises(WrongSignature):
        open_note(NOTE + line, [Verifier(SIGNER.vkey), Verifier(other.vkey)])


def test_every_changed_character_is_refused() -> None:
    verifier = Verifier(SIGNER.vkey)
    for at in range(len(NOTE)):
        for other in "A\n":
            if NOTE[at] != other:
                with pytest.raises((WrongNote, WrongSignature)):
                    open_note(NOTE[:at] + other + NOTE[at + 1 :], [verifier])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("\u2014", "-"),
        NOTE.replace("\u2014 ", "\u2014  "),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("cabinet", "cab\tinet"),
        NOTE.replace("cabinet", "cab\udc80inet"),
        NOTE[:-2] + "\n",
        "text\n\n\u2014 name AAAA\n",
        "text\n\n\u2014 na+me AAAAAAAA\n",
        "text\n\n" + "\u2014 name AAAAAAAA\n" * 101,
        "x" * 70_000 + "\n\n\u2014 name AAAAAAAA\n",
    ],
)
def test_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(WrongNote):
        parse_note(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n7\n",
        TEXT[:-1],
        TEXT.replace("\n7\n", "\n07\n"),
        TEXT.replace("\n7\n", "\n+7\n"),
        TEXT.replace("\n7\n", "\n-7\n"),
        TEXT.replace("\n7\n", "\n7 \n"),
        TEXT.replace("\n7\n", "\n\u0667\n"),
        TEXT.replace("\n7\n", "\n\u00b2\n"),
        TEXT.replace("\n7\n", "\n9223372036854775808\n"),
        TEXT.replace("\n7\n", "\n" + "9" * 5000 + "\n"),
        TEXT.replace("\n7\n", "\n\n"),
        TEXT.replace("=", ""),
        TEXT.replace("A=", "B="),
        TEXT.replace("AAAA", "", 1),
        TEXT.replace(ORIGIN, ""),
        TEXT + "\n",
        TEXT + "\nmore\n",
    ],
)
def test_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(WrongNote):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+c74f20a3",
        PETER_VKEY.replace("c74f20a3", "c74f20a4"),
        PETER_VKEY.replace("c74f20a3", "C74F20A3"),
        PETER_VKEY.replace("PeterNeumann", "Peter Neumann"),
        PETER_VKEY.replace("+ARpc", "+BBpc"),
        PETER_VKEY[:-4],
        PETER_VKEY + "=",
        "\udc80" + PETER_VKEY,
    ],
)
def test_malformed_verification_key_is_refused(vkey: str) -> None:
    with pytest.raises(WrongNote):
        Verifier(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "x" * 256, "\udc80"])
def test_name_that_would_break_a_note_is_refused(name: str) -> None:
    with pytest.raises(WrongNote):
        check_name(name)


def test_private_key_is_in_no_representation() -> None:
    assert bytes(range(32)).hex() not in repr(SIGNER) and SIGNER.vkey in repr(SIGNER)


SCRAPS = st.sampled_from([*NOTE.split(" "), "\n", "\n\n", "\u2014 ", "=", "0", "\x00", "\udc80"])
TEXTS = st.one_of(st.text(), st.lists(SCRAPS, max_size=12).map("".join))


@given(TEXTS)
def test_any_text_as_a_note_is_read_in_one_spelling_or_refused(text: str) -> None:
    try:
        body, signatures = parse_note(text)
    except WrongNote:
        return
    lines = "".join(
        f"\u2014 {each.name} {base64.b64encode(each.key_id + each.signature).decode()}\n"
        for each in signatures
    )
    assert text == f"{body}\n{lines}"


@given(TEXTS)
def test_any_text_as_a_checkpoint_is_read_in_one_spelling_or_refused(text: str) -> None:
    try:
        checkpoint = parse_checkpoint(text)
    except WrongNote:
        return
    assert text.startswith(checkpoint.text())


@given(TEXTS)
def test_any_text_as_a_key_is_read_or_refused(text: str) -> None:
    try:
        verifier = Verifier(text)
    except WrongNote:
        return
    assert not verifier.verifies("text\n", bytes(64))


NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="+"),
    min_size=1,
    max_size=40,
)


@given(NAMES, st.binary(min_size=32, max_size=32), st.integers(0, (1 << 63) - 1))
def test_what_is_signed_opens_again(name: str, seed: bytes, size: int) -> None:
    signer = Signer(name, seed)
    checkpoint = Checkpoint(name, size, seed)
    text = open_note(signer.sign(checkpoint.text()), [Verifier(signer.vkey)])
    assert parse_checkpoint(text) == checkpoint
