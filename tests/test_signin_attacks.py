"""Attacks at the front of the cabinet: badges played back, and two people at once."""

import itertools

import pytest

from cabinet import events as e
from cabinet import records as r
from tests.test_signin import finger, hold, pin, slots
from tests.ward import Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward(stocked=False)


def test_attack_a_badge_read_that_is_played_back_opens_nothing_and_signs_nobody_in(
    ward: Ward,
) -> None:
    """Whoever listened on the reader's line has the number, and nothing else."""
    ward.sign_in("N1")
    ward.press("sign_out")
    for _ in range(3):
        hold(ward, "N1")
        finger(ward)
        assert ward.state.session is None
        ward.press("cancel")
    assert [it.why for it in ward.records(r.FactorRefused)] == ["no_match"] * 3


def test_attack_a_badge_played_back_into_its_owners_session_changes_nothing(ward: Ward) -> None:
    ward.sign_in("N1")
    size, session = ward.sink.size, ward.state.session
    for _ in range(50):
        hold(ward, "N1")
    assert (ward.sink.size, ward.state.session) == (size, session)


def test_attack_a_flood_of_badges_during_an_attempt_leaves_no_records_and_no_other_attempt(
    ward: Ward,
) -> None:
    hold(ward, "N1")
    attempt, size = ward.state.attempt, ward.sink.size
    for number in range(100):
        hold(ward, ("N1", "N2", f"stranger {number}")[number % 3])
    assert (ward.state.attempt, ward.sink.size) == (attempt, size)
    finger(ward, "matched", slots(ward, "N1")[0])
    assert ward.state.session is not None and ward.state.session.person == ward.ref("N1")


GESTURES = ("badge N1", "badge N2", "finger N1", "finger N2", "cancel", "late N1")


class Rewound(Ward):
    """A ward that can be put back to where everybody had just enrolled."""

    def __init__(self) -> None:
        super().__init__(stocked=False)
        self._bodies, self._attached = len(self.sink.bodies), len(self.sink.attached)

    def rewind(self) -> "Rewound":
        """Cut the ledger back, and start from it."""
        del self.sink.bodies[self._bodies :]
        del self.sink.attached[self._attached :]
        self.restart()
        return self


@pytest.mark.parametrize("first", GESTURES)
def test_attack_in_a_race_of_two_sign_ins_nobody_becomes_the_other(first: str) -> None:
    """Each order of two people's gestures: whoever is signed in held their badge and finger."""
    made = Rewound()
    for order in itertools.permutations([it for it in GESTURES if it != first]):
        ward = made.rewind()
        requests: dict[str, str] = {}
        proven: list[str] = []
        for gesture in (first, *order):
            what, _, who = gesture.partition(" ")
            attempt = ward.state.attempt
            if what == "badge":
                hold(ward, who)
                if ward.screen().name == "finger":
                    requests.setdefault(who, ward.command(e.VerifyFinger).request)
            elif what == "cancel":
                ward.press("cancel")
            elif what == "late":  # an answer to whatever was asked first
                for request in list(requests.values())[:1]:
                    if request != ward.engine.place.request:
                        ward.do(e.FingerSeen(request, "matched", slots(ward, who)[0]))
            elif ward.screen().name == "finger":
                ward.do(e.FingerSeen(ward.engine.place.request, "matched", slots(ward, who)[0]))
                if attempt is not None and attempt.person == ward.ref(who):
                    proven.append(ward.ref(who))
            session = ward.state.session
            assert session is None or session.person in proven, (first, *order)
            ward.state.tries.clear()


def test_a_pin_of_one_attempt_is_never_the_proof_of_another(ward: Ward) -> None:
    hold(ward, "N3")
    ward.press("use_pin")
    ward.press("pin", "73910264")
    request = ward.command(e.CheckPin).request
    ward.wait(31)
    hold(ward, "N1")
    ward.do(e.PinChecked(request, True))
    assert ward.state.session is None
    ward.press("use_pin")
    pin(ward, right=False)
    ward.do(e.PinChecked(request, True))
    assert ward.state.session is None
    assert badge("N1") in ward.state.tries
