"""The search before a removal without an order: ISMP's cases, and the ways round five letters."""

from dataclasses import dataclass

import pytest

from cabinet import records as r
from cabinet.override import found
from cabinet.plan import Drawer, Plan, Pocket, Rules, Timings
from cabinet.state import PocketState, State

# Of ISMP's reports: who typed the first letters took the other one.
NAMES = {
    "METHA": ("methadone hydrochloride", "Dolophine"),
    "METHO": ("methotrexate", "Trexall"),
    "METF": ("metFORMIN hydrochloride", "Glucophage"),
    "METRO": ("metroNIDAZOLE", "Flagyl"),
    "VEC": ("vecuronium bromide", "Norcuron"),
    "MIDA": ("midazolam hydrochloride", "Versed"),
    "VERA": ("verapamil hydrochloride", "Calan"),
    "ROCU": ("rocuronium bromide", "Zemuron"),
    "FLUM": ("flumazenil", "Romazicon"),
    "COMB": ("HYDROcodone bitartrate and acetaminophen", "Norco"),
    "HYDR": ("HYDROmorphone hydrochloride", "Dilaudid"),
    "IRON": ("iron", ""),
    "MP": ("methylPREDNISolone", "Medrol"),
    "MPH": ("methylphenidate hydrochloride", "Ritalin"),
    "MNX": ("methylnaltrexone bromide", "Relistor"),
}


@dataclass
class Shelf:
    """A cabinet that holds all of these, and one medicine that it does not hold."""

    state: State


@pytest.fixture
def shelf() -> Shelf:
    state = State(plan=Plan("Ward 1", (), Timings(), Rules()))
    for code, (generic, brand) in {**NAMES, "AWAY": ("morphine sulfate", "")}.items():
        listed = (generic, brand, "1 mg", "tablet", "none", "tablet", "class", "", False)
        state.medicines[code] = r.MedicineListed(code, *listed)  # type: ignore[arg-type]
        if code != "AWAY":
            pocket = Pocket(f"P-{code}", code)
            drawer = Drawer(f"D-{code}", "Drawer", "single", (pocket,))
            state.pockets[pocket.id] = PocketState(pocket, drawer.id)
    return Shelf(state)


def codes(shelf: Shelf, typed: str) -> list[str]:
    return [listed.medicine for listed in found(shelf.state, typed)]


@pytest.mark.parametrize(
    "typed", ["met", "ve", "ro", "vec", "meth", "roma", "vers", "", "v", "hydr", "MET"]
)
def test_fewer_than_five_letters_find_nothing(shelf: Shelf, typed: str) -> None:
    assert codes(shelf, typed) == []


@pytest.mark.parametrize(
    "typed",
    ["ve   ", "   ro   ", "met  x", "v e c u r", "ve\t\t\t", "m-e-t", "-----", "'''''", "     "],
)
def test_padding_finds_nothing(shelf: Shelf, typed: str) -> None:
    assert codes(shelf, typed) == []


@pytest.mark.parametrize(
    "typed", ["met 1 mg", "met500", "methadone 10 mg", "vec 10mg", "ms contin", "mtx", "prn", "1"]
)
def test_doses_abbreviations_and_mnemonics_find_nothing(shelf: Shelf, typed: str) -> None:
    assert codes(shelf, typed) == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("metho", ["METHO"]),
        ("metha", ["METHA"]),
        ("metfo", ["METF"]),
        ("vecur", ["VEC"]),
        ("VERSED", ["MIDA"]),
        ("verap", ["VERA"]),
        ("rocur", ["ROCU"]),
        ("romaz", ["FLUM"]),
        ("acetaminophen", ["COMB"]),
        ("hydromo", ["HYDR"]),
        ("  hydroc", ["COMB"]),
        ("hydromorphone  hydrochloride", ["HYDR"]),
    ],
)
def test_a_name_is_found_by_its_first_five_letters(
    shelf: Shelf, typed: str, expected: list[str]
) -> None:
    assert codes(shelf, typed) == expected


def test_a_name_shorter_than_five_letters_is_typed_whole(shelf: Shelf) -> None:
    assert codes(shelf, "iron") == ["IRON"]
    assert codes(shelf, "iro") == []


def test_names_that_begin_alike_are_told_apart_by_more_letters(shelf: Shelf) -> None:
    assert codes(shelf, "methyl") == ["MNX", "MPH", "MP"]
    assert codes(shelf, "methylpr") == ["MP"]


def test_a_salt_is_not_a_name(shelf: Shelf) -> None:
    assert codes(shelf, "hydrochloride") == []
    assert codes(shelf, "bromide") == []


def test_what_is_not_in_this_cabinet_is_not_found(shelf: Shelf) -> None:
    assert codes(shelf, "morphine") == []


@pytest.mark.parametrize(
    "typed", ["\x00" * 5, "²²²²²", "vecu\uff52", "x" * 64, "ve\u00a0\u00a0\u00a0"]
)
def test_nothing_strange_is_found(shelf: Shelf, typed: str) -> None:
    assert codes(shelf, typed) == []
