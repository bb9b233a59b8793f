"""Lists from files: whatever is in them, they are read exactly or refused with file and line."""

import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.pins import PinHasher, keyed_hash
from cabinet import events as e
from cabinet import importing, secrets_worker
from cabinet.events import Import
from cabinet.importing import COLUMNS, FILES, ImportProblem

GOOD = {
    "formulary.csv": "OXY5,oxyCODONE,Roxicodone,5 mg,tablet,CII,tablet,opioid,99999-1001-1,yes",
    "people.csv": "N1,Nina,Nurse,nurse,0049137025",
    "patients.csv": "1001,Hope,Franklin,1961-04-05,female,1A,penicillin,N1 N2",
    "orders.csv": "O1,1001,OXY5,2,10 mg,by mouth,every 6 hours,pain,2026-01-01,",
}


def header(name: str) -> str:
    columns = COLUMNS[name]
    return ",".join(columns[: importing.REQUIRED.get(name, len(columns))])


def write(folder: Path, name: str, row: str, head: str = "") -> None:
    (folder / name).write_text(f"{head or header(name)}\n{row}\n", encoding="utf-8")


def read(folder: Path) -> Import:
    return importing.read(folder, lambda purpose, number: f"hash of {purpose} {number}")


def test_all_four_lists_are_read(tmp_path: Path) -> None:
    for name, row in GOOD.items():
        write(tmp_path, name, row)
    lists = read(tmp_path)
    ((where, medicine),) = lists.medicines
    assert (where, medicine.medicine, medicine.schedule, medicine.high_alert) == (
        "formulary.csv:2",
        "OXY5",
        "CII",
        True,
    )
    ((_, person),) = lists.people
    assert (person.staff_id, person.badge, person.status) == (
        "N1",
        "hash of badge 0049137025",
        None,
    )
    ((_, patient),) = lists.patients
    assert patient.nurses == ("N1", "N2")
    ((_, order),) = lists.orders
    assert (order.quantity, order.starts_ms, order.stops_ms) == (2, 1_767_225_600_000, 0)


@pytest.mark.parametrize("status", ["active", "suspended", "left"])
def test_a_list_can_say_how_somebody_stands(tmp_path: Path, status: str) -> None:
    head = header("people.csv") + ",status"
    write(tmp_path, "people.csv", f"N1,Nina,Nurse,nurse,,{status}", head)
    assert read(tmp_path).people[0][1].status == status


def test_one_list_alone_is_enough_but_none_is_not(tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="has none of"):
        read(tmp_path)
    write(tmp_path, "people.csv", GOOD["people.csv"])
    assert len(read(tmp_path).people) == 1


def test_a_folder_named_in_bytes_that_are_no_text_can_be_imported(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"list\xff")
    folder.mkdir()
    write(folder, "people.csv", GOOD["people.csv"])
    assert read(folder).source.encode() == b"list?"


def test_quotes_empty_lines_and_a_byte_order_mark_are_read_as_they_are_meant(
    tmp_path: Path,
) -> None:
    text = f'\ufeff{header("people.csv")}\r\n\r\nN1," Nina ","O""Nurse, R.",nurse,\r\n'
    (tmp_path / "people.csv").write_text(text, encoding="utf-8", newline="")
    ((where, person),) = read(tmp_path).people
    assert (where, person.given, person.family) == ("people.csv:3", "Nina", 'O"Nurse, R.')


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        ("people.csv", "N1,Nina,Nurse,nurse", "people.csv:2: has 4 columns, not 5"),
        ("people.csv", 'N1,"Nina', "people.csv:2: is not CSV"),
        ("orders.csv", "O1,1001,OXY5,two,1,1,1,1,2026-01-01,", "quantity must be a whole number"),
        ("orders.csv", "O1,1001,OXY5,²,1,1,1,1,2026-01-01,", "quantity must be a whole number"),
        ("orders.csv", f"O1,1,OXY5,{'9' * 5000},1,1,1,1,2026-01-01,", "quantity must be a whole"),
        ("orders.csv", "O1,1001,OXY5,2,1,1,1,1,tomorrow,", "starts is not a date"),
        ("orders.csv", "O1,1001,OXY5,2,1,1,1,1,2026-01-01,never", "stops is not a date"),
        ("formulary.csv", "O,o,b,5,t,CVI,t,c,n,yes", "formulary.csv:2: Invalid enum value"),
        ("formulary.csv", "O,o,b,5,t,CII,t,c,n,maybe", "high_alert must be yes or no"),
    ],
)
def test_a_row_that_is_not_of_its_form_is_refused_with_file_and_line(
    tmp_path: Path, name: str, row: str, why: str
) -> None:
    write(tmp_path, name, row)
    with pytest.raises(ImportProblem) as caught:
        read(tmp_path)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


FULL = ",".join(COLUMNS["people.csv"])
ALL = "active,4W ICU,A B,2027-01-31,HR-77,IV:2026-12-31;chemotherapy"


def test_a_list_can_say_where_with_what_until_when_and_what_was_learned(tmp_path: Path) -> None:
    write(tmp_path, "people.csv", f"N1,Nina,Nurse,nurse,004,{ALL}", FULL)
    ((_, person),) = read(tmp_path).people
    assert (person.status, person.areas, person.groups) == ("active", ("4W", "ICU"), ("A", "B"))
    assert person.expires_ms == 1_801_353_600_000
    assert person.human == "hash of person number HR77"
    assert person.competencies == (("IV", 1_798_675_200_000), ("chemotherapy", 0))


def test_a_column_that_is_left_out_says_nothing_and_an_empty_cell_says_none(
    tmp_path: Path,
) -> None:
    write(tmp_path, "people.csv", GOOD["people.csv"])
    ((_, left_out),) = read(tmp_path).people
    assert (left_out.groups, left_out.expires_ms, left_out.human, left_out.competencies) == (
        (None, None, None, None)
    )
    head = header("people.csv") + ",groups,expires,person_number,competencies"
    write(tmp_path, "people.csv", GOOD["people.csv"] + ",-,,,", head)
    ((_, empty),) = read(tmp_path).people
    assert (empty.groups, empty.expires_ms, empty.human, empty.competencies) == ((), 0, "", ())


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("status", "", "people.csv:2: status is empty: say active, suspended or left"),
        ("areas", "", "people.csv:2: areas is empty: name them, or say * for everywhere"),
        ("groups", "", "people.csv:2: groups is empty: name them, A to H, or say - for none"),
        ("expires", "soon", "people.csv:2: expires is not a date such as 2026-11-22"),
        ("competencies", "IV:soon", "people.csv:2: competencies is not a date such as 2026-11-22"),
        (
            *("competencies", "chemotherapy;IV:"),
            "people.csv:2: competencies: no day after a colon, such as 2027-01-31",
        ),
    ],
)
def test_what_somebody_may_do_is_never_guessed(
    tmp_path: Path, column: str, cell: str, why: str
) -> None:
    write(
        tmp_path, "people.csv", f"N1,Nina,Nurse,nurse,,{cell}", header("people.csv") + f",{column}"
    )
    with pytest.raises(ImportProblem) as caught:
        read(tmp_path)
    assert str(caught.value) == why


def test_a_medicine_can_be_listed_in_a_group_of_its_own(tmp_path: Path) -> None:
    head = header("formulary.csv") + ",group"
    write(tmp_path, "formulary.csv", GOOD["formulary.csv"] + ",F", head)
    assert read(tmp_path).medicines[0][1].group == "F"
    write(tmp_path, "formulary.csv", GOOD["formulary.csv"])
    assert read(tmp_path).medicines[0][1].group == ""


@pytest.mark.parametrize("name", FILES)
def test_other_columns_are_refused_with_the_ones_there_must_be(tmp_path: Path, name: str) -> None:
    for head in ("", "a,b", header(name) + ",more", header(name).upper()):
        (tmp_path / name).write_text(head + "\n", encoding="utf-8")
        with pytest.raises(ImportProblem, match=rf"{name}:1: the columns must be "):
            read(tmp_path)


def test_a_file_that_is_no_text_or_too_large_or_a_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ImportProblem, match="byte 0 is not UTF-8"):
        read(tmp_path)
    file.write_bytes(b"x" * (importing.MAX_BYTES + 1))
    with pytest.raises(ImportProblem, match="is larger than"):
        read(tmp_path)
    file.write_text(header("people.csv") + "\nN1,a,b,nurse," * (importing.MAX_ROWS + 1))
    with pytest.raises(ImportProblem, match="more than 20000 rows"):
        read(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(ImportProblem, match="cannot be read"):
        read(tmp_path)


def test_no_value_of_a_person_is_quoted_in_a_refusal(tmp_path: Path) -> None:
    for name, row in (
        ("people.csv", "SECRET,SECRET,SECRET,nurse,SECRET,SECRET,SECRET"),
        ("patients.csv", "SECRET,SECRET,SECRET"),
        ("orders.csv", "SECRET,SECRET,OXY5,SECRET,SECRET,SECRET,SECRET,SECRET,SECRET,SECRET"),
    ):
        write(tmp_path, name, row)
        with pytest.raises(ImportProblem) as caught:
            read(tmp_path)
        assert "SECRET" not in str(caught.value)
        (tmp_path / name).unlink()


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["yes", "no", "CII", "none", "2", "-1", "1961-04-05", "2026-01-01T25:00", ""]),
    st.dates().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
    st.integers().map(str),
)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_garbage_never_raises_anything_but_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    for name in data.draw(st.sets(st.sampled_from(FILES), min_size=1)):
        if data.draw(st.integers(0, 3)) == 0:
            content = data.draw(st.binary(max_size=200))
        else:
            good = GOOD[name].split(",")
            width = data.draw(st.sampled_from([len(good), len(good), len(good) + 1]))
            row = [data.draw(st.one_of(st.just(cell), cells)) for cell in good][:width]
            lines = [header(name), ",".join(row)]
            content = "\n".join(lines).encode("utf-8", "surrogatepass")
        (folder / name).write_bytes(content)
    try:
        lists = read(folder)
    except ImportProblem as problem:
        said = str(problem)
    else:
        assert isinstance(lists, Import)
        return
    assert "\n" not in said
    assert said.startswith(FILES)


@pytest.mark.parametrize("at_the_screen", ["QQ123456C", "qq 12 34 56 c", "QQ-12-34-56-C"])
def test_attack_one_human_is_not_two_by_another_writing_of_their_number(
    tmp_path: Path, at_the_screen: str
) -> None:
    """A list has it as forms print it; whoever makes a temporary user types it another way."""
    pepper = bytes(32)
    head = header("people.csv") + ",person_number"
    write(tmp_path, "people.csv", "C1,Cleo,Charge,charge_nurse,,QQ 12 34 56 C", head)
    ((_, person),) = importing.read(tmp_path, partial(keyed_hash, pepper)).people
    job = e.HashNumbers("request", "X7", at_the_screen)
    hashed = secrets_worker.answer(job, PinHasher(pepper, passes=1), pepper, os.urandom)
    assert isinstance(hashed, e.NumbersHashed)
    assert hashed.human == person.human != ""
