"""Names: people of one name are two people, and nobody hides behind the letters of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet import events as e
from cabinet.journal import Journal
from cabinet.lookalikes import alike, disguised, unfit
from cabinet.state import State
from cabinet.step import Engine
from tests.ward import ListSink, Ward, badge


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Аmina", "mixes letters"),  # its first letter is Cyrillic
        ("Aminа", "mixes letters"),
        ("Οkafor", "mixes letters"),  # Greek
        ("Ｊohn", "stand for others"),  # full width
        ("ﬁona", "stand for others"),  # a ligature
        ("Ami\u200bna", "are in no name"),  # of no width
        ("\u202eanimA", "are in no name"),  # right to left
        ("Am\u2060ina", "are in no name"),
        ("ᎪᎷᎥᏁᎪ", "script in which no names"),  # Cherokee
        ("=cmd|", "are in no name"),
        ("<b>Ann</b>", "are in no name"),
    ],
)
def test_a_name_in_disguise_cannot_be_written(name: str, why: str) -> None:
    assert why in unfit(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Amina",
            "O'Neil",
            "O’Neil",
            "Jean-Luc",
            "van der Berg",
            "José",
            "Nguyễn",
            "Søren",
            "Kılıç",
        ),
        *(
            "Jr.",
            "Gal·la",
            "Ольга",
            "Γιάννης",
            "محمد",
            "דוד",
            "प्रिया",
            "김민준",
            "山田 さくら",
            "ไพลิน",
        ),
        *("Amin", "Ame\u0301lie", "Test 2", ""),
    ],
)
def test_names_as_people_have_them_can_be_written(name: str) -> None:
    assert not unfit(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Capa", "Сара"),  # the second all Cyrillic
        ("COCO", "СОСО"),
        ("Amina Okafor", "Аmina Okafor"),
        ("Noel", "N0el"),
        ("Lia", "1ia"),
        ("TOM", "ΤΟΜ"),  # Greek
    ],
)
def test_other_letters_that_are_drawn_the_same_are_a_disguise(one: str, other: str) -> None:
    assert disguised(one, other)
    assert alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("José", "Jose"), ("Illich", "lllich"), ("Arnold", "Amold"), ("Søren", "Soren")),
        *(("Maria", "Marla"), ("Ian", "lan"), ("Amina Okafor", "amina  OKAFOR"), ("Clara", "Dara")),
    ],
)
def test_names_easily_taken_for_one_another_are_told_but_are_no_disguise(
    one: str, other: str
) -> None:
    assert alike(one, other)
    assert not disguised(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("Amina", "Jonas"), ("Ольга", "Olga"), ("Ana", "Anna"), ("Lee", "Li")]
)
def test_other_names_are_not_alike(one: str, other: str) -> None:
    assert not alike(one, other)


@given(st.text(), st.text())
def test_whatever_a_name_is_it_is_judged(one: str, other: str) -> None:
    unfit(one)
    assert not disguised(one, one)
    assert disguised(one, other) == disguised(other, one)
    if disguised(one, other):
        assert alike(one, other)


def listed(*people: tuple[str, str, str]) -> e.Import:
    return e.Import(
        "test",
        people=tuple(
            (
                f"people.csv:{line}",
                e.PersonRow(staff_id, given_name, family, "nurse", badge(staff_id)),
            )
            for line, (staff_id, given_name, family) in enumerate(people, 2)
        ),
    )


def test_unicode_look_alike_names_are_refused_in_a_list() -> None:
    ward = Ward()
    outcome = ward.do(listed(("X1", "Νina", "Nurse")))  # the first letter is Greek
    assert "people.csv:2: given mixes letters of different scripts" in outcome.report
    assert not ward.do(listed(("X1", "Sara", "Capa"))).refusal
    outcome = ward.do(listed(("X2", "Sara", "Сара")))  # the whole family name is Cyrillic
    assert outcome.report == (
        "people.csv:2: its name looks like another person's, with other letters",
    )
    outcome = ward.do(listed(("X3", "Rosa", "Coco"), ("X4", "Rosa", "Сосо")))
    assert len(outcome.report) == 1 and outcome.report[0].startswith("people.csv:3: its name looks")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("N\u20111", "has characters that stand for others"),  # a hyphen of another sort
        ("N\u20101", "has characters that are in no name"),
        ("X\u041e7", "mixes letters of different scripts"),
        ("\u0410\u0421\u0415", "looks like another person's, with other letters"),
        ("N\u034f1", "has characters that cannot be seen"),
        ("N1\ufe0e", "has characters that cannot be seen"),
        ("N1\u0323", "has marks on its digits"),
        ("N-5\u0ce63", "mixes digits of different scripts"),
        ("N\u0967", "looks like another person's, with other letters"),  # N1 in Devanagari's digits
    ],
)
def test_a_staff_number_in_the_disguise_of_another_is_refused_in_a_list(
    number: str, why: str
) -> None:
    ward = Ward()
    assert not ward.do(listed(("ACE", "Nora", "Newer"))).refusal
    outcome = ward.do(listed((number, "Nora", "Newer")))  # by which two of one name are told apart
    assert outcome.report == (f"people.csv:2: staff_id {why}",)
    outcome = ward.do(listed(("Z9", "Nora", "Newer"), ("\u0416\u0429", "Nora", "Newer")))
    assert not outcome.refusal, "letters that are drawn as nobody's are a hospital's own"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("\u0410-100", "A-100"),  # a Cyrillic one is there, and what is drawn like it is plain
        ("v100", "\u03bd100"),  # small letters that are alike while their capitals are not
        ("n5", "\u05785"),
        ("\u00c91", "E\u03011"),  # one letter, put together in two ways
    ],
)
def test_attack_whichever_comes_first_a_number_drawn_like_it_is_nobodys(
    first: str, second: str
) -> None:
    ward = Ward()
    assert not ward.do(listed((first, "Nora", "Newer"))).refusal
    outcome = ward.do(listed((second, "Nora", "Newer")))
    assert outcome.report == (
        "people.csv:2: staff_id looks like another person's, with other letters",
    )


def test_the_disguise_and_what_it_imitates_do_not_come_in_one_list_in_either_order() -> None:
    both = (("ACE", "Nora", "Newer"), ("\u0410\u0421\u0415", "Nora", "Newer"))
    for rows in (both, both[::-1]):
        outcome = Ward().do(listed(*rows))
        assert len(outcome.report) == 1 and "staff_id looks like" in outcome.report[0]


def test_a_staff_number_in_disguise_is_refused_at_the_screens() -> None:
    ward = Ward()
    assert not ward.do(listed(("ACE", "Nora", "Newer"))).refusal
    ward.sign_in("A1")
    ward.press("people")
    ward.press("add_person")
    assert ward.press("add_staff_id", "\u0410\u0421\u0415").refusal
    assert not ward.press("add_staff_id", "ACF").refusal
    ward.press("people")
    ward.press("menu")
    ward.press("sign_out")
    ward.sign_in("C1")
    for button in ("menu", "emergency", "temporary", "temp_new"):
        ward.press(button)
    assert ward.press("temp_staff_id", "\u0410\u0421\u0415").refusal
    assert not ward.press("temp_staff_id", "ACF").refusal


def test_attack_the_second_administrator_has_no_number_in_the_disguise_of_the_firsts() -> None:
    ward = Ward(stocked=False)
    ward.engine = Engine(State(), Journal(ListSink(), "ward-2", "boot-1", bytes))
    ward.do(e.Create("Ward 2", True, "test", ("code-1", "code-2"), 72, 2))
    ward.start()
    ward._enrol("A1", "code-1")
    ward.enter("code-2")
    assert ward.press("staff_id", "\u04101").refusal
    assert not ward.press("staff_id", "A2").refusal


def test_two_people_of_one_name_are_two_people() -> None:
    ward = Ward()
    assert not ward.do(listed(("X1", "Nina", "Nurse"))).refusal
    assert ward.ref("X1") != ward.ref("N1")


def test_a_person_s_own_name_may_be_spelt_anew() -> None:
    ward = Ward()
    assert not ward.do(listed(("N1", "Nina", "Capa"))).refusal
    assert not ward.do(listed(("N1", "Nina", "Сара"))).refusal
