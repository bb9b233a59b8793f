"""The screen's protocol: what arrives is a message of ours or MessageError, and quotes nothing."""

import itertools
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabinet import messages as m

PRESS = m.Press(7, 40, "pin", "73910264")


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    points = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(points)]


@given(st.lists(st.binary(max_size=300), max_size=5), st.lists(st.integers(0, 2000)))
def test_frames_come_out_whole_however_the_bytes_arrive(
    bodies: list[bytes], cuts: list[int]
) -> None:
    wire = b"".join(m.frame(body) for body in bodies)
    frames, found = m.Frames(), []
    for part in split(wire, cuts):
        found += frames.feed(part)
    assert found == bodies


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=100), max_size=20))
def test_garbage_on_the_line_is_an_error_or_waits_within_its_bound(parts: list[bytes]) -> None:
    frames = m.Frames()
    for part in parts:
        try:
            bodies = frames.feed(part)
        except m.MessageError:
            return
        for body in bodies:
            assert len(body) <= m.MAX_FRAME_BYTES


@pytest.mark.parametrize("size", [m.MAX_FRAME_BYTES + 1, 2**31, 2**32 - 1])
def test_a_frame_that_says_it_is_longer_is_refused_before_it_is_read(size: int) -> None:
    with pytest.raises(m.MessageError, match="over 65536"):
        m.Frames().feed(struct.pack(">I", size))


def test_the_longest_frame_is_read() -> None:
    body = bytes(m.MAX_FRAME_BYTES)
    assert m.Frames().feed(m.frame(body)) == [body]
    with pytest.raises(m.MessageError):
        m.frame(body + b"x")


@settings(max_examples=500)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    for decode in (m.decode_for_controller, m.decode_for_screen):
        try:
            message: object = decode(body)
        except m.MessageError as error:
            said = str(error)
        else:
            assert isinstance(message, m.Hello | m.Press | m.Shown | m.Answer)
            continue
        assert "not a message" in said or "characters typed" in said or "id is not" in said


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
fields = st.sampled_from(["type", "id", "number", "button", "text", "version", "extra"])
types = st.sampled_from(["hello", "press", "shown", "answer", "x"])


@settings(max_examples=200)
@given(st.dictionaries(fields, json), st.none() | types)
def test_any_json_is_a_bounded_message_or_refused(table: dict[str, object], kind: str) -> None:
    if kind is not None:
        table["type"] = kind
    try:
        message = m.decode_for_controller(msgspec.json.encode(table))
    except m.MessageError:
        return
    assert not set(table) - {"type", "id", "number", "button", "text", "version"}
    if isinstance(message, m.Press):
        assert len(message.text) <= m.MAX_TEXT_CHARS
        m.encode(m.Answer(message.id, "old"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"press","id":1,"number":1,"button":"x","more":1}',
        b'{"type":"press","id":"1","number":1,"button":"x"}',
        b'{"type":"press","id":1.0,"number":1,"button":"x"}',
        b'{"type":"press","id":-1,"number":1,"button":"x"}',
        b'{"type":"press","id":9007199254740992,"number":1,"button":"x"}',
        b'{"type":"press","id":1,"number":1,"button":"x","text":"\\ud800"}',
        b'{"type":"press","id":1,"number":1,"button":"\xff"}',
        b'{"type":"press","id":1,"number":1}',
        b'{"type":"shown"}',
        b'{"type":"hello","version":null}',
        b"{}",
        b"",
        b'{"type":"hello","version":1}{}',
    ],
)
def test_what_is_almost_a_message_is_refused(body: bytes) -> None:
    with pytest.raises(m.MessageError):
        m.decode_for_controller(body)


@pytest.mark.parametrize("opening", [b'{"x":' + b"[" * 60_000, b"[" * 65_536, b'{"x":' * 13_000])
def test_what_is_nested_too_deep_is_refused_and_ends_nothing(opening: bytes) -> None:
    for decode in (m.decode_for_controller, m.decode_for_screen):
        with pytest.raises(m.MessageError):
            decode(opening)


def test_more_than_a_person_can_type_is_refused() -> None:
    at_most = m.Press(1, 1, "pin", "x" * m.MAX_TEXT_CHARS)
    assert m.decode_for_controller(m.encode(at_most)[4:]) == at_most
    with pytest.raises(m.MessageError, match="64 characters"):
        m.decode_for_controller(m.encode(m.Press(1, 1, "pin", "x" * 65))[4:])


@pytest.mark.parametrize("broken", ['{"text":"73910264"', '"73910264', '{"type":"press","text":7'])
def test_what_was_typed_is_in_no_error_and_no_repr(broken: str) -> None:
    assert "73910264" not in repr(PRESS)
    with pytest.raises(m.MessageError) as caught:
        m.decode_for_controller(broken.encode())
    assert "73910264" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__
