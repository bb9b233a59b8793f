"""No sequence of events lets anybody do what they may not, or one person do what takes two.

Random sequences against the real engine, with lists that change people's rights at any time; a
reader who knows only the ledger's bodies and tables written by hand checks each entry.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.plan import Asked, Override, Training
from tests.attacker import Attacked
from tests.rights_reader import Reader
from tests.test_totality import LIKELY, Anything
from tests.ward import NOON_MS, PLAN, Ward, badge

HOUR_MS = 3_600_000
PEOPLE = {
    "N1": ("Nina", "Nurse", "nurse"),
    "N2": ("Noel", "Nurse", "nurse"),
    "N3": ("Nora", "NoFinger", "nurse"),
    "P1": ("Paul", "Pharmacist", "pharmacist"),
    "T1": ("Tess", "Technician", "pharmacy_technician"),
    "X1": ("Nell", "New", "nurse"),
}
ROLES = (
    *("nurse", "nurse", "charge_nurse", "pharmacist", "pharmacy_technician", "anaesthetist"),
    *("witness_only", "temporary", "auditor", "service_technician", "administrator"),
)
HERE = msgspec.structs.replace(PLAN, area="4W")
URGENT = msgspec.structs.replace(HERE, override=(Override("OXY5", 2, "Pharmacy", ""),))
WATCHED = msgspec.structs.replace(
    URGENT,
    policy=(
        *(Asked(act, "CII", witness=True) for act in ("remove", "override", "load", "return")),
        Asked("remove", "none", "nurse", witness=True),
        *(Asked(act, "CII", reason=True) for act in ("remove", "return", "waste")),
    ),
)
TRAINED = msgspec.structs.replace(
    HERE, training=(Training("controlled", ("remove", "waste", "witness")),)
)


GOOD = {
    "status": "active",
    "areas": ("*",),
    "groups": ("A", "B", "C", "D", "E"),
    "expires_ms": 0,
    "learned_ms": 0,
}
WORKERS = st.sampled_from(["N1", "N2", "N1", "N2", "P1", "N3", "T1"])
# What a list says of somebody; times are from now.
CHANGES = st.one_of(
    st.just({"status": "active", "areas": ("*",), "groups": ("A", "E"), "expires_ms": 0}),
    st.just({"status": "active", "areas": ("4W",), "learned_ms": 0, "human": ""}),
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(ROLES),
            "status": st.sampled_from(["active", "suspended", "suspended", "left"]),
            "areas": st.sampled_from([("*",), ("4W",), ("ICU", "4W"), ("ICU",)]),
            "groups": st.sampled_from([("A", "B", "C", "D", "E"), ("A",), ("E",), ()]),
            "expires_ms": st.sampled_from([0, 1, 60_000, HOUR_MS]),
            "learned_ms": st.sampled_from([0, 1, 60_000, HOUR_MS]),
            "human": st.sampled_from(["", "one human"]),
        },
    ),
    st.just({"groups": ()}),
)


class Read(Attacked):
    """The ward of attacks, whose ledger the reader reads after every event."""

    def __init__(self) -> None:
        self.reader = Reader()
        super().__init__()

    def check(self, event: e.Event) -> None:
        self.reader.follow(self.sink.bodies)


class Rights(Anything):
    """Whatever people, lists and the power may do, with rights that change under their hands."""

    @initialize(twins=st.booleans())
    def begin(self, twins: bool) -> None:
        self.ward = Read()
        self.pages: set[tuple[str, str]] = set()
        for who in ("N1", "N2") if twins else ():
            self.rights_change(who, {"human": "one human"})

    def nothing_raises(self) -> None:
        """What every screen does is tried elsewhere."""

    def teardown(self) -> None:
        """Replays are compared elsewhere."""

    @rule(who=st.sampled_from(sorted(PEOPLE)), change=CHANGES)
    def rights_change(self, who: str, change: dict[str, Any]) -> None:
        if who not in self.ward.state.by_staff_id:
            return  # their name was erased: no list can mean them any more
        given, family, _ = PEOPLE[who]
        said = dict(change)
        role = said.pop("role", self.ward.state.people[self.ward.ref(who)].role)
        for name in ("expires_ms", "learned_ms"):
            if said.get(name):
                said[name] += self.ward.wall_ms + self.ward.now_ms
        learned = said.pop("learned_ms", None)
        if learned is not None:
            said["competencies"] = (("controlled", learned),)
        row = e.PersonRow(who, given, family, role, "", **said)
        self.do(e.Import("test", people=(("people.csv:2", row),)))

    @rule(
        plan=st.sampled_from([PLAN, HERE, URGENT, URGENT, TRAINED, WATCHED, WATCHED]),
        luck=st.integers(0, 3),
    )
    def somewhere_else(self, plan: Any, luck: int) -> None:
        if not luck:
            self.ward.make_up(plan)
            self.ward.check(e.Tick())

    @rule(who=WORKERS, second=WORKERS, own=LIKELY, change=CHANGES, at=st.integers(0, 19))
    def a_removal_and_its_waste(
        self, who: str, second: str, own: int, change: dict[str, Any], at: int
    ) -> None:
        """As somebody who knows the way does it, while at one step somebody's rights change."""
        if own == 1:  # where nobody opens a drawer of schedule II alone
            self.ward.make_up(WATCHED)
        ward, state = self.ward, self.ward.state
        patient = state.orders["O1"].listed.patient

        def held(verb: str) -> str:
            return next((it for it in screens.buttons(ward.screen()) if it.startswith(verb)), "")

        self.afresh()
        way: list[Callable[[], None]] = [lambda: self.prove(who)]
        pages = ("menu", "home", "everyone", f"patient:{patient}", "order:O1", "open")
        way += [partial(self.try_to_press, page) for page in pages]
        way += [lambda: self.try_to_press(held("reason:")), lambda: self.attest(second)]
        way += [partial(self.go_on, step) for step in range(4)]
        way += [lambda: self.try_to_press("removals"), lambda: self.try_to_press(held("removal:"))]
        way += [partial(self.try_to_press, "waste"), partial(self.try_to_press, "amount", "1")]
        way += [lambda: self.try_to_press(held("reason:"))]
        way += [lambda: self.prove(second)]
        self.go(way, at, second if own == 9 else who, change)

    @rule(who=WORKERS, second=WORKERS, own=LIKELY, change=CHANGES, at=st.integers(0, 9))
    def a_count_with_a_witness(
        self, who: str, second: str, own: int, change: dict[str, Any], at: int
    ) -> None:
        ward = self.ward
        self.afresh()
        if "P2" in ward.state.pockets:
            self.move(ward.state.pockets["P2"].drawer, "open")  # forced: a count is owed
        way: list[Callable[[], None]] = [self.push_everything, lambda: self.prove(who)]
        way += [partial(self.try_to_press, it) for it in ("menu", "counts", "count_pocket:P2")]
        way += [lambda: self.pull_what_was_released(fast=True)]
        way += [lambda: self.try_to_press("count", str(ward.tablets["P2"]))]
        way += [lambda: self.prove(second), self.push_everything]
        self.go(way, at, second if own == 9 else who, change)

    @rule(
        who=st.sampled_from(["N1", "N2", "P1", "T1"]),
        second=WORKERS,
        kind=st.sampled_from(["break_glass", "critical_override"]),
        change=CHANGES,
        at=st.integers(0, 40),
    )
    def without_an_order(
        self, who: str, second: str, kind: str, change: dict[str, Any], at: int
    ) -> None:
        """An emergency, and a removal under it; or without it, by who may override."""
        patient = self.ward.state.orders["O1"].listed.patient
        self.afresh()
        way: list[Callable[[], None]] = [lambda: self.prove(who)]
        pages = ["menu", "emergency", kind, f"begin:{kind}:patient_in_danger"]
        way += [partial(self.try_to_press, page) for page in pages]
        way += [lambda: self.prove(second)]
        pages = ["home", "everyone", f"patient:{patient}", f"override:{patient}"]
        way += [partial(self.try_to_press, it) for it in (*pages, "override_why:emergency")]
        way += [partial(self.try_to_press, "find", "oxycodone")]
        way += [partial(self.try_to_press, it) for it in ("found:OXY5", "open_override")]
        way += [lambda: self.attest(second)]
        way += [partial(self.go_on, step) for step in range(4)]
        self.go(way, at, who, change)

    @rule(
        whom=st.sampled_from(["N1", "N2", "A1"]),
        second=st.sampled_from(["A1", "A2", "A2", "P1", "N1"]),
        change=CHANGES,
        at=st.integers(0, 30),
    )
    def power_is_given(self, whom: str, second: str, change: dict[str, Any], at: int) -> None:
        """An administrator gives somebody a group to override, with whoever comes to approve."""
        self.afresh()
        if whom not in self.ward.state.by_staff_id:
            return
        pages = ["menu", "people", "find_person"]
        way: list[Callable[[], None]] = [lambda: self.prove("A1")]
        way += [partial(self.try_to_press, page) for page in pages]
        way += [partial(self.try_to_press, "find_people", whom)]
        pages = [f"person:{self.ward.ref(whom)}", "edit", "edit:override", "set_override:A"]
        way += [partial(self.try_to_press, it) for it in (*pages, "check_change", "save_change")]
        way += [lambda: self.prove(second)]
        self.go(way, at, "N1", change)

    def go(self, way: list[Callable[[], None]], at: int, whom: str, change: dict[str, Any]) -> None:
        for number, step in enumerate(way):
            if number == at:
                self.rights_change(whom, change)
            step()

    def go_on(self, step: int) -> None:
        if self.ward.state.screen.state == "access":
            self.go_on_with_access(step)

    def attest(self, second: str) -> None:
        """Where somebody is called to witness, this one comes."""
        if self.ward.state.witnessing is not None:
            self.prove(second)

    def afresh(self) -> None:
        """Drawers shut, nobody at the screen for a while, and everybody with their own rights."""
        self.push_everything()
        for _ in range(4):
            self.ward.now_ms += 200_000
            self.do(e.Tick())
        for who in ("N1", "N2", "P1"):
            self.rights_change(who, {**GOOD, "role": PEOPLE[who][2]})

    def try_to_press(self, button: str, text: str = "") -> None:
        if button in screens.buttons(self.ward.screen()):
            self.do(e.Pressed(button, text))


TestRights = Rights.TestCase
TestRights.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


# --- the reader has teeth -------------------------------------------------------------------------


def a_day() -> Ward:
    """Removed, wasted with a witness, counted with one, given."""
    ward = Ward()
    ward.sign_in("N1")
    first = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{first}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.prove("N2")
    for button in ("give", "all"):
        ward.press(button)
    ward.pull("D2")
    ward.push("D2")
    for button in ("menu", "counts", "count_pocket:P2"):
        ward.press(button)
    ward.pull("D2")
    ward.press("count", "20")
    ward.prove("N2")
    ward.push("D2")
    ward.press("sign_out")
    return ward


def test_an_honest_day_is_read_to_its_end() -> None:
    reader = Reader()
    reader.follow(a_day().sink.bodies)
    assert reader.checked["remove controlled"] == 1
    assert reader.checked["witnessed waste"] == reader.checked["witnessed count"] == 1


def lied(kind: type[Any], **said: object) -> Callable[[Ward, Any], Any]:
    """The records of this kind, each with something else in it."""

    def change(_: Ward, record: Any) -> Any:
        return msgspec.structs.replace(record, **said) if isinstance(record, kind) else record

    return change


def himself(ward: Ward, record: Any) -> Any:
    own = isinstance(record, r.Wasted | r.Counted) and record.witness
    return msgspec.structs.replace(record, witness=record.person) if own else record


def without(kind: type) -> Callable[[Ward, Any], Any]:
    """The records of this kind never were."""
    return lambda _, record: r.Stopped() if isinstance(record, kind) else record


def nobody_is(field: str, value: object) -> Callable[[Ward, Any], Any]:
    """Everybody is listed with other rights."""

    def change(_: Ward, record: Any) -> Any:
        if not isinstance(record, r.PersonListed):
            return record
        if field in r.Rights.__struct_fields__:
            own = msgspec.structs.replace(record.rights, **{field: value})
            return msgspec.structs.replace(record, rights=own)
        return msgspec.structs.replace(record, **{field: value})

    return change


LIES: dict[str, Callable[[Ward, Any], Any]] = {
    "an access by a badge alone": lied(r.AccessStarted, factors=("badge",)),
    "an access by two things one has": lied(r.AccessStarted, factors=("badge", "totp")),
    "an access by a finger alone": lied(r.AccessStarted, factors=("finger",)),
    "an access of another session": lied(r.AccessStarted, session="another"),
    "a sign-in by a badge alone": lied(r.SignedIn, factors=("badge",)),
    "a sign-in without a badge held": without(r.BadgePresented),
    "a waste nobody was asked to witness": without(r.WitnessCalled),
    "a waste witnessed by a badge alone": lied(r.Wasted, witness_factors=("badge",)),
    "a count witnessed by nobody": lied(r.Counted, witness="", witness_factors=()),
    "their own witness": himself,
    "one human with two accounts": nobody_is("human", "one"),
    "people who are suspended": nobody_is("standing", "suspended"),
    "people who have expired": nobody_is("expires_ms", NOON_MS - 1),
    "people of another area": nobody_is("areas", ("ICU",)),
    "people without groups": nobody_is("groups", ()),
    "people who may only witness": nobody_is("role", "witness_only"),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_reader_sees(lie: str) -> None:
    ward = a_day()
    honest = [r.decode_body(data) for data in ward.sink.bodies]
    bodies = [
        r.encode_body(msgspec.structs.replace(body, record=LIES[lie](ward, body.record)))
        for body in honest
    ]
    with pytest.raises(AssertionError):
        Reader().follow(bodies)


def test_the_reader_sees_a_list_that_promotes() -> None:
    reader = Reader()
    ward = a_day()
    reader.follow(ward.sink.bodies)
    body = r.decode_body(ward.sink.bodies[-1])
    own = r.Rights("administrator")
    lie = r.PersonListed(ward.ref("N1"), badge("N1"), "active", own, "", "")
    with pytest.raises(AssertionError):
        reader.read(msgspec.structs.replace(body, record=lie))
