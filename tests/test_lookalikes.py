"""Names: people of one name are two people, and nobody hides behind the letters of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet import events as e
from cabinet.lookalikes import alike, disguised, unfit
from tests.ward import Ward, badge


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


def test_two_people_of_one_name_are_two_people() -> None:
    ward = Ward()
    assert not ward.do(listed(("X1", "Nina", "Nurse"))).refusal
    assert ward.ref("X1") != ward.ref("N1")


def test_a_person_s_own_name_may_be_spelt_anew() -> None:
    ward = Ward()
    assert not ward.do(listed(("N1", "Nina", "Capa"))).refusal
    assert not ward.do(listed(("N1", "Nina", "Сара"))).refusal
