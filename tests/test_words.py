"""Recovery cards: what was printed can be typed, and a slip is told before it does harm."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet import words

SECRETS = st.binary(min_size=words.SECRET_BYTES, max_size=words.SECRET_BYTES)


def distance(one: str, other: str) -> int:
    """Letters to add, drop or change."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, row = row, [place]
        for at, third in enumerate(other, 1):
            row.append(min(before[at] + 1, row[-1] + 1, before[at - 1] + (letter != third)))
    return row[-1]


def test_the_list_has_a_word_for_each_byte_and_no_two_are_alike() -> None:
    assert len(words.LIST) == 256
    assert list(words.LIST) == sorted(words.LIST)
    assert all(re.fullmatch("[a-z]{4,7}", word) for word in words.LIST)
    assert len({word[: words.LETTERS] for word in words.LIST}) == 256
    pairs = ((a, b) for at, a in enumerate(words.LIST) for b in words.LIST[:at])
    assert min(distance(one, other) for one, other in pairs) >= 3


@given(SECRETS, st.sampled_from([1, 2]))
def test_a_card_reads_back_as_printed(secret: bytes, card: int) -> None:
    printed = words.encode(card, secret)
    assert words.decode(card, " ".join(printed)) == secret
    assert words.decode(card, "\n".join(word[:4].upper() for word in printed)) == secret
    shown = " ".join(words.lines(printed))
    assert tuple(re.findall("[a-z]+", shown)) == printed


@given(SECRETS, st.integers(0, 17), st.integers(0, 255))
def test_a_wrong_word_is_told(secret: bytes, place: int, byte: int) -> None:
    printed = list(words.encode(1, secret))
    if printed[place] == words.LIST[byte]:
        return
    printed[place] = words.LIST[byte]
    try:
        other = words.decode(1, " ".join(printed))
    except words.WrongWords:
        return
    assert other != secret  # one in 65,536 passes the check; the seal then refuses it


def test_slips_are_told_without_quoting_the_card() -> None:
    printed = list(words.encode(1, bytes(range(16))))
    swapped = [printed[1], printed[0], *printed[2:]]
    for typed, told in (
        (printed[:17], "18 words, not 17"),
        ([*printed, "acorn"], "18 words, not 19"),
        (["xxxxx", *printed[1:]], "word 1 of card 1 is not on the list"),
        ([printed[0][:3], *printed[1:]], "word 1 of card 1"),
        ([printed[0] + "s", *printed[1:]], "word 1 of card 1"),
        (swapped, "changed places"),
        (words.encode(2, bytes(range(16))), "the words of card 2"),
    ):
        with pytest.raises(words.WrongWords, match=told) as raised:
            words.decode(1, " ".join(typed))
        assert not any(word in str(raised.value) for word in printed)
