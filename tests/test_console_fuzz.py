"""Whatever bytes come over the line or in an answer: the console stays whole, its output plain."""

import re

from hypothesis import given
from hypothesis import strategies as st

from cabinet.console import commands, text
from cabinet.console.keys import CONTROLS, ENTER, MAX_LINE, SEQUENCES, KeyFilter
from cabinet.console_messages import Answer, Command, Table, decode_for_controller, encode

PLAIN = re.compile(r"[\x20-\x7e]*")
NASTY = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        ["\x1b[2J", "\x9b1m", "a\r\nb", "\x00", "é", "ﬀ", "\u202e", "\x7f", "\x1b]0;x\x07"]
    ),
)
TABLES = st.builds(
    lambda rows: Table("t", ("a", "b", "c"), tuple(rows)),
    st.lists(st.tuples(NASTY, NASTY, NASTY), max_size=5),
)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_only_known_keystrokes_come_out_however_the_bytes_are_cut(pieces: list[bytes]) -> None:
    whole, cut = KeyFilter(), KeyFilter()
    keys = whole.feed(b"".join(pieces))
    assert keys == [key for piece in pieces for key in cut.feed(piece)]
    for key in keys:
        assert (
            key in SEQUENCES
            or key == ENTER
            or (len(key) == 1 and (" " <= key <= "~" or ord(key) in CONTROLS))
        )


@given(st.binary(max_size=3000))
def test_no_line_is_longer_than_it_may_be(data: bytes) -> None:
    length = 0
    for key in KeyFilter().feed(data):
        length = 0 if key in (ENTER, "\x03", "\x15") else length + (" " <= key <= "~")
        assert length <= MAX_LINE


def test_a_megabyte_without_an_end_is_a_line_and_no_more() -> None:
    keys = KeyFilter().feed(b"A" * 1_000_000 + b"\r")
    assert keys == ["A"] * MAX_LINE + [ENTER]


def test_an_escape_sequence_that_never_ends_swallows_nothing_for_long() -> None:
    keys = KeyFilter().feed(b"\x1b[" + b"1;" * 50 + b"status\r")
    assert keys[-1] == ENTER
    assert len(keys) > 80


@given(NASTY)
def test_what_is_printed_is_plain(words: str) -> None:
    assert PLAIN.fullmatch(text.plain(words))


@given(TABLES, NASTY, st.integers(text.LEAST_COLUMNS, text.MOST_COLUMNS))
def test_an_answer_is_plain_and_fits_whatever_is_in_it(
    table: Table, words: str, columns: int
) -> None:
    answer = Answer(1, "ok", words, (table,))
    for line in text.lines(answer, columns):
        assert PLAIN.fullmatch(line)
        assert len(line) < columns
    assert PLAIN.fullmatch(text.as_json(answer))


@given(st.text(max_size=100))
def test_whatever_is_typed_is_a_known_command_or_a_problem_in_words(typed: str) -> None:
    line = commands.parse(typed)
    assert not line.problem or not line.command
    if line.command:
        message = Command(1, line.command, line.arguments)
        assert decode_for_controller(encode(message)[4:]) == message


@given(st.text(alphabet="abcdeghilnorstuvwxy -", max_size=30))
def test_what_is_completed_begins_as_it_was_typed(typed: str) -> None:
    for word in commands.completions(typed):
        assert word.startswith(typed.split(" ")[-1])


@given(st.binary(max_size=20))
def test_a_terminals_answer_of_where_its_cursor_is_is_no_keystroke(before: bytes) -> None:
    keys = KeyFilter()
    typed = keys.feed(before + b"\x1b")  # whatever was begun is over
    keys.feed(b"\x1b[50;132R")
    assert keys.position == (50, 132)
    assert keys.feed(b"\x1b[1234;1R\x1b[;R\x1b[1R") == list("")
    assert keys.position == (50, 132) and all(len(key) < 8 for key in typed)


@given(st.integers(text.LEAST_COLUMNS, text.MOST_COLUMNS))
def test_what_help_says_fits_the_terminal_and_leaves_nothing_out(columns: int) -> None:
    for name in ("", *commands.COMMANDS):
        said = commands.helped(name)
        shown = text.fitted(said, columns)
        assert all(len(line) < columns for line in shown)
        assert " ".join(shown).split() == " ".join(said).split()


def test_the_list_of_commands_is_a_line_for_each() -> None:
    assert text.fitted(commands.helped(""), text.COLUMNS) == commands.helped("")
