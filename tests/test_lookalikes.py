"""Names: people of one name are two people, and nobody hides behind the letters of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet import events as e
from cabinet.journal import Journal
from cabinet.lookalikes import alike, disguised, likenesses, unfit
from cabinet.state import State
from cabinet.step import Engine
from tests.ward import ListSink, Ward, badge

GIVE_ANOTHER = "which somebody has: correct it, or give one that differs"


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
        ("\u0410\u0421\u0415", f"looks like ACE, {GIVE_ANOTHER}"),
        ("N\u034f1", "has characters that cannot be seen"),
        ("N1\ufe0e", "has characters that cannot be seen"),
        ("N1\u0323", "has marks on its digits"),
        ("N-5\u0ce63", "mixes digits of different scripts"),
        ("N\u0967", f"looks like N1, {GIVE_ANOTHER}"),  # N1 in Devanagari's digits
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
    assert outcome.report == (f"people.csv:2: staff_id looks like {first}, {GIVE_ANOTHER}",)


ALIKE = (
    "N2041",
    "n-2041",
    "N-2O41",
    "N-2041 ",
    "N 2041",
    "n\u20132041",
    "N-204I",
    "N-204l",
    "N-2o41",
)


@pytest.mark.parametrize("second", ALIKE)
def test_attack_a_number_that_looks_like_anothers_is_nobodys_and_it_is_said_whose(
    second: str,
) -> None:
    ward = Ward()
    assert not ward.do(listed(("N-2041", "Nora", "Newer"))).refusal
    (problem,) = ward.do(listed((second, "Noah", "Other"))).report
    assert second == "n\u20132041" or problem.endswith(f"looks like N-2041, {GIVE_ANOTHER}")
    ward.sign_in("A1")
    ward.press("people")
    ward.press("add_person")
    said = ward.press("add_staff_id", second).refusal
    if second.strip() == "N-2041":
        assert said == "That number belongs to somebody already."
    elif second.isascii():
        assert said.startswith(f"{second} looks like N-2041, Nora Newer's number.")
    else:
        assert said.startswith("That is no staff number.")
    assert not ward.press("add_staff_id", "N-2042").refusal


def test_attack_two_new_numbers_that_look_alike_do_not_come_in_one_list() -> None:
    rows = (("N-2041", "Nora", "Newer"), ("N2041", "Noah", "Other"))
    (problem,) = Ward().do(listed(*rows)).report
    assert problem == f"people.csv:3: staff_id looks like N-2041, {GIVE_ANOTHER}"


def test_a_number_that_came_to_look_like_a_listed_one_while_it_was_typed_is_refused() -> None:
    ward = Ward()
    ward.sign_in("A1")
    for button, typed in (
        *(("people", ""), ("add_person", ""), ("add_staff_id", "N2041"), ("add_family", "Other")),
        ("add_given", "Noah"),
    ):
        assert not ward.press(button, typed).refusal
    assert not ward.do(listed(("N-2041", "Nora", "Newer"))).refusal
    ward.press("add_human", "")
    ward.do(e.NumbersHashed(ward.command(e.HashNumbers).request, "n" * 64, ""))
    assert ward.screen().name == "add_staff_id"
    assert "N2041 looks like N-2041" in str(ward.screen())


def test_two_people_whose_numbers_look_alike_and_who_are_here_already_go_on() -> None:
    both = ["N-2041", "N2041"]
    assert not likenesses(both, both)
    assert likenesses(["n2041", *both], both) == {"n2041": "N-2041"}


@given(st.text("0123456789", min_size=1, max_size=8), st.text("0123456789", min_size=1, max_size=8))
def test_numbers_that_differ_in_digits_never_look_alike(one: str, other: str) -> None:
    for before in ("", "N", "N-", "S", "B", "L"):
        found = likenesses([before + one], [before + other])
        assert not found


@pytest.mark.parametrize("other", ["51234", "81234", "L1234", "Z1234", "51-2340", "G1234", "01234"])
def test_letters_that_hospitals_begin_numbers_with_are_no_digits(other: str) -> None:
    for number in ("S1234", "B1234", "11234", "21234", "61234", "1234"):
        assert not likenesses([number], [other])


@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_a_number_is_it_is_judged_and_looks_like_another_or_not(
    one: str, other: str
) -> None:
    assert not likenesses([one], [one])
    found = likenesses([one], [other])
    if found.get(one):
        assert found == {one: other}


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
