"""The legal steps: each one drawn is taken by somebody here, and none other is ever taken."""

from collections.abc import Callable
from typing import Any

import pytest

from cabinet import effects, factor_effects, machines
from cabinet import events as e
from cabinet import records as r
from cabinet.journal import replay
from cabinet.machines import CorruptLedger, Model, fire, new_drawer, new_session
from tests import states
from tests.ward import PIN, Ward, badge

Step = tuple[str, str, str]


def access(ward: Ward) -> None:
    """A drawer is released for the nurse."""
    if ward.state.session is None:
        ward.sign_in("N1")
    ward.choose("O1")
    ward.press("open")


def cancelled(ward: Ward) -> None:
    access(ward)
    ward.press("cancel")


def witness_called(ward: Ward) -> None:
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("waste")
    ward.press("amount", "1")


def witness_proving(ward: Ward) -> None:
    witness_called(ward)
    ward.do(e.BadgeSeen(badge("N2")))


def wrong_finger(ward: Ward) -> None:
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "no_match"))


def waste(ward: Ward) -> None:
    witness_proving(ward)
    wrong_finger(ward)
    ward.press("cancel")
    ward.prove("N2")


def called_off(ward: Ward) -> None:
    witness_called(ward)
    ward.press("dismiss")
    ward.press("removals")
    ward.press("home")
    ward.press("sign_out")


def proving(ward: Ward) -> None:
    ward.do(e.BadgeSeen(badge("N1")))


def locked(ward: Ward) -> None:
    """A stranger's badge locks the nurse away."""
    ward.sign_in("N1")
    ward.do(e.BadgeSeen(badge("stranger")))
    wrong_finger(ward)
    ward.press("cancel")


def taken_over(ward: Ward) -> None:
    locked(ward)
    ward.prove("N2")


def unlocked(ward: Ward) -> None:
    locked(ward)
    ward.prove("N1")


def unlocking(ward: Ward) -> None:
    locked(ward)
    proving(ward)


def left_locked(ward: Ward) -> None:
    locked(ward)
    ward.wait(60)


def locked_access(ward: Ward) -> None:
    """The same, with a drawer released for the nurse."""
    access(ward)
    ward.do(e.BadgeSeen(badge("stranger")))


def unlocking_access(ward: Ward) -> None:
    locked_access(ward)
    proving(ward)


def unlocked_access(ward: Ward) -> None:
    unlocking_access(ward)
    wrong_finger(ward)
    ward.press("cancel")
    ward.prove("N1")


def lapsed_behind_the_lock(ward: Ward) -> None:
    locked_access(ward)
    ward.wait(16)


def lapsed_while_unlocking(ward: Ward) -> None:
    locked_access(ward)
    ward.wait(1)
    proving(ward)
    ward.wait(16)


def count_witness_called(ward: Ward) -> None:
    """A controlled substance is counted for its own sake."""
    ward.pull("D1")
    ward.push("D1")
    ward.sign_in("T1")
    ward.press("counts")
    ward.press("count_pocket:P1")
    ward.pull("D1")
    ward.press("count", "20")


def count_witness_proving(ward: Ward) -> None:
    count_witness_called(ward)
    ward.do(e.BadgeSeen(badge("N2")))


def count_witnessed(ward: Ward) -> None:
    count_witness_proving(ward)
    wrong_finger(ward)
    ward.press("cancel")
    ward.prove("N2")


def count_not_witnessed(ward: Ward) -> None:
    count_witness_called(ward)
    ward.press("dismiss")


def attempt(ward: Ward) -> None:
    proving(ward)
    wrong_finger(ward)
    ward.press("cancel")


def enrolling(ward: Ward) -> None:
    row = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"))
    ward.do(e.Import("test", people=(("people.csv:2", row),)))
    ward.sign_in("A1")
    ward.press("invite")
    ward.press(f"issue:{ward.ref('X1')}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code"))
    ward.press("menu")
    ward.press("sign_out")
    ward.enter("code")


def enrolment_ended(ward: Ward) -> None:
    enrolling(ward)
    ward.press("new_pin", PIN)
    ward.press("cancel")


def moved(*positions: str, first: Callable[[Ward], None] = access) -> Callable[[Ward], None]:
    """The drawer D1 goes through these positions, first done what `first` does."""

    def scenario(ward: Ward) -> None:
        first(ward)
        for position in positions:
            ward.move("D1", position)

    return scenario


def nothing(ward: Ward) -> None:
    """Nobody is there."""


def found(position: str, first: Callable[[Ward], None]) -> Callable[[Ward], None]:
    """What the sensors find after power was off and on."""

    def scenario(ward: Ward) -> None:
        first(ward)
        ward.positions["D1"] = position
        ward.restart()

    return scenario


SESSIONS = (
    *(nothing, proving, enrolling, access, witness_called, witness_proving),
    *(locked, unlocking, locked_access, unlocking_access),
    *(count_witness_called, count_witness_proving),
)
SCENARIOS: tuple[Callable[[Ward], None], ...] = (
    *(waste, called_off, attempt, enrolment_ended),
    *(taken_over, unlocked, left_locked, unlocked_access),
    *(lapsed_behind_the_lock, lapsed_while_unlocking),
    *(count_witnessed, count_not_witnessed),
    *(found("latched", first) for first in SESSIONS),
    found("latched", lambda ward: ward.sign_in("N1")),
    moved("unlatched", "open", "latched"),
    moved("disagree", "unknown", "open", "latched"),
    moved("unlatched", "unknown", "latched"),
    moved("open", "unknown", "latched", first=nothing),
    moved("disagree", "latched", first=nothing),
    moved("unlatched", "open", first=nothing),
    *(found(it, nothing) for it in ("open", "disagree", "unknown", "unlatched")),
    *(found(it, moved("unlatched", "open")) for it in ("open", "latched")),
    *(found(it, moved("unlatched")) for it in ("unlatched", "open")),
    found("open", moved("open", first=nothing)),
    found("latched", moved("unknown", first=nothing)),
    moved("unlatched", "latched"),
    moved("unlatched", "open", first=cancelled),
)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> set[Step]:
    """Every step that is taken from now on."""
    steps: set[Step] = set()

    def noted(model: Model, trigger: str) -> None:
        before = model.state
        fire(model, trigger)
        steps.add((before, model.state, trigger))

    for module in (effects, factor_effects):
        monkeypatch.setattr(module, "fire", noted)
    return steps


def test_every_step_that_is_drawn_is_taken_by_somebody(taken: set[Step]) -> None:
    for scenario in SCENARIOS:
        ward = Ward()
        scenario(ward)
        ward.restart()
        assert replay(ward.sink).size == ward.sink.size
    drawn = {*states.arrows(machines.SESSION), *states.arrows(machines.DRAWER)}
    assert drawn - taken == set(), "drawn, but nobody takes it"
    assert taken - drawn == set(), "taken, but not drawn"


@pytest.mark.parametrize(
    ("new", "table", "every"),
    [
        (new_session, machines.SESSION_TABLE, machines.SESSION_STATES),
        (new_drawer, machines.DRAWER_TABLE, machines.DRAWER_STATES),
    ],
    ids=["session", "drawer"],
)
def test_what_is_not_drawn_is_a_corrupt_ledger_and_changes_nothing(
    new: Callable[[], Model], table: tuple[Step, ...], every: tuple[str, ...]
) -> None:
    triggers = sorted({row[0] for row in table})
    for state in every:
        for trigger in (*triggers, "to_shut", "no such trigger", "state"):
            legal = {row[2] for row in table if row[:2] == (trigger, state)}
            model = new()
            machines.place(model, state)
            if legal:
                fire(model, trigger)
                assert {model.state} == legal
            else:
                with pytest.raises(CorruptLedger):
                    fire(model, trigger)
                assert model.state == state


def test_the_tables_have_one_way_for_each_state_and_trigger() -> None:
    for table in (machines.SESSION_TABLE, machines.DRAWER_TABLE):
        ways = [row[:2] for row in table]
        assert len(ways) == len(set(ways))


def test_a_machine_has_no_way_that_is_not_in_its_table() -> None:
    """No automatic transitions, no callbacks: what is data is all there is."""
    for machine, table in (
        (machines.SESSION, machines.SESSION_TABLE),
        (machines.DRAWER, machines.DRAWER_TABLE),
    ):
        assert {(trigger, a, b) for a, b, trigger in states.arrows(machine)} == set(table)
        for event in machine.events.values():
            for steps in event.transitions.values():
                for step in steps:
                    assert not (step.conditions or step.before or step.after or step.prepare)
        for state in machine.states.values():
            assert not (state.on_enter or state.on_exit)


def test_a_snapshot_puts_no_model_where_it_cannot_be() -> None:
    with pytest.raises(CorruptLedger):
        machines.place(new_drawer(), machines.NOBODY)
    with pytest.raises(CorruptLedger):
        machines.place(new_session(), machines.OPEN)


FORGED: dict[str, Callable[[Ward], Any]] = {
    "a release of an open drawer": lambda ward: r.AccessStarted(
        "a", "remove", "s", ward.ref("N1"), ("badge", "finger"), "D1", "P1", "OXY5", 1
    ),
    "somebody signed in out of nothing": lambda ward: r.SignedIn(
        "s", "a", ward.ref("N1"), ("badge", "finger")
    ),
    "a witness whom nobody called": lambda ward: r.WitnessDismissed("x", "y"),
    "a drawer there is not": lambda ward: r.DrawerForced("D9"),
    "an order there is not": lambda ward: r.OrderStopped("O99"),
    "the end of an access there is not": lambda ward: r.AccessLapsed("a"),
    "a person enrolled out of nothing": lambda ward: r.PersonEnrolled(
        "e", "p", "administrator", "b", (), "", ""
    ),
    "given out of nothing": lambda ward: r.Given(
        "x", "s", "p", 1, r.moved("OXY5", 1, "custody:x", "patient:y")
    ),
    "a dose made out of nothing": lambda ward: r.Given(
        "x", "s", "p", 1, (r.Posting("patient:y", "OXY5", 1),)
    ),
}


@pytest.mark.parametrize("record", FORGED.values(), ids=list(FORGED))
def test_a_record_that_the_rules_could_not_have_written_is_a_corrupt_ledger(
    record: Callable[[Ward], Any],
) -> None:
    ward = Ward()
    ward.pull("D1")
    body = r.Body(
        r.BODY_TAG, 1, "ward-1", ward.sink.size + 1, ward.wall_ms, 0, "b", "", record(ward)
    )
    ward.sink.append([r.encode_body(body)])
    with pytest.raises(CorruptLedger):
        replay(ward.sink)


def test_the_drawn_states_are_the_running_ones() -> None:
    assert states.FILE.read_text(encoding="utf-8") == states.text(), "run: python -m tests.states"
