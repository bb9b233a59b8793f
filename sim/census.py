"""The ward's patients through the year: admitted, moved to another bed, discharged, with orders.

Not for what is done for them at the cabinet (`nursing.py`). One rule: the cabinet hears of it by
lists alone, as it does in a hospital, and later than it happens.

A stay lasts 4.5 days in the mean (AHRQ, HCUP Statistical Brief 180: US community hospitals, 2012),
and a bed is empty for some hours between two; how often somebody is moved, and how many medicines
of this cabinet somebody is ordered, is our own judgement [P].
"""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from cabinet import events as e
from cabinet.state import State
from sim.lists import YEAR_MS, Lists
from sim.medicines import DEMO
from sim.people import PEOPLE
from sim.tally import Tally
from sim.template import BEGAN_S
from sim.virtual import Hub, Stream

STAY_S = 4.5 * 86_400
EMPTY_S = 8 * 3600.0  # a bed, in the mean [P]
MOVED = 0.25  # of stays, once [P]
ORDERED = (1, 2, 2, 3, 3, 4)  # medicines of this cabinet, for one patient [P]
QUANTITIES = (1, 1, 1, 2)
GIVEN = ("Ada", "Bruno", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jakub")
FAMILY = (
    "Abernethy",
    "Brzezicki",
    "Castellano",
    "Dubrovsky",
    "Eastwood",
    "Fitzwilliam",
    "Gauthier",
)


@dataclass
class Stay:
    """One patient in one bed."""

    record_number: str
    given: str
    family: str
    born: str
    sex: str
    bed: str
    allergies: str
    nurses: tuple[str, ...]
    orders: list[e.OrderRow] = field(default_factory=list)

    def row(self) -> e.PatientRow:
        """As the list of patients has it."""
        return e.PatientRow(
            *(self.record_number, self.given, self.family, self.born, self.sex, self.bed),
            *(self.allergies, self.nurses),
        )


class Census:
    """Who lies in which bed; `held` are the medicines of this cabinet."""

    def __init__(
        self,
        hub: Hub,
        lists: Lists,
        tally: Tally,
        chance: Stream,
        known: Callable[[str], None],
        told: Callable[[str], None],
    ) -> None:
        """`known` hears each name and number that no entry may hold."""
        self._hub, self._lists, self._tally, self._chance = hub, lists, tally, chance
        self._known, self._told = known, told
        self._held: list[str] = []
        self._admitted = 0
        self.closing = False  # nothing changes any more

    def begin(self, held: list[str]) -> None:
        """The demo's patients lie in their beds; each will leave."""
        self._held = held
        with (DEMO / "patients.csv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                who = (row["record_number"], row["given"], row["family"], row["born"], row["sex"])
                nurses = tuple(row["nurses"].split())
                self._stays(Stay(*who, row["bed"], row["allergies"], nurses))

    def _stays(self, stay: Stay) -> None:
        left_s = -STAY_S * math.log(1.0 - self._chance.random())
        self._hub.after(left_s, partial(self._discharge, stay))
        if self._chance.chance(MOVED):
            self._hub.after(left_s * self._chance.random(), partial(self._move, stay))

    def _discharge(self, stay: Stay) -> None:
        if self.closing:
            return
        bed, stay.nurses = stay.bed, ()
        self._told("a patient is discharged")

        def gone(state: State) -> bool:
            ref = state.by_record_number.get(stay.record_number, "")
            return not ref or not (state.patients[ref].nurses or self._running(state, ref))

        def make() -> e.Import:
            state = self._lists.state()
            running: list[e.OrderRow] = []
            if state is not None:
                running = self._running(state, state.by_record_number.get(stay.record_number, ""))
            rows = tuple((f"orders.csv:{n}", row) for n, row in enumerate(running, 2))
            return e.Import("ADT", patients=(("patients.csv:2", stay.row()),), orders=rows)

        self._lists.say_until(make, gone)
        self._tally.discharged += 1
        empty_s = -EMPTY_S * math.log(1.0 - self._chance.random())
        self._hub.after(empty_s, partial(self._admit, bed))

    def _running(self, state: State, ref: str) -> list[e.OrderRow]:
        """The ends of the patient's orders that have none yet."""
        mine = [it for it in state.orders.values() if it.listed.patient == ref]
        rows = [
            self._lists.order_row(state, it, active=False) for it in mine if not it.listed.stops_ms
        ]
        return [row for row in rows if row is not None]

    def _move(self, stay: Stay) -> None:
        if self.closing or not stay.nurses:
            return
        stay.bed, stay.nurses = f"{stay.bed[:5]}{self._chance.pick('CDE')}", self._nurses()
        self._told("a patient is moved to another bed")

        def moved(state: State) -> bool:
            ref = state.by_record_number.get(stay.record_number, "")
            details = state.patients[ref].details if ref else None
            return details is None or details.bed == stay.bed or not stay.nurses

        self._lists.say_until(
            lambda: e.Import("ADT", patients=(("patients.csv:2", stay.row()),)), moved
        )
        self._tally.moved += 1

    def _admit(self, bed: str) -> None:
        if self.closing:
            return
        self._admitted += 1
        chance, number = self._chance, f"M{7_100_000 + self._admitted}"
        family = f"{chance.pick(FAMILY)}-{chance.pick(FAMILY)}"
        year, month = chance.whole(1930, 2004), chance.whole(1, 12)
        born, sex = f"{year}-{month:02}-{chance.whole(1, 28):02}", chance.pick(("female", "male"))
        stay = Stay(
            *(number, chance.pick(GIVEN), family, born, sex, bed, "None known", self._nurses())
        )
        for place in range(chance.pick(ORDERED)):
            stay.orders.append(
                e.OrderRow(
                    *(f"RX-8{self._admitted:05}-{place + 1}", number, chance.pick(self._held)),
                    chance.pick(QUANTITIES),
                    *("1 dose", "by mouth", "as needed", "simulated"),
                    *(BEGAN_S * 1000 - YEAR_MS, 0),
                )
            )
        for name in (number, family):
            self._known(name)
        self._told(f"a patient is admitted, with {len(stay.orders)} order(s)")
        self._lists.say_until(
            self._import(stay), lambda state: number in state.by_record_number or not stay.nurses
        )
        self._tally.admitted += 1
        self._stays(stay)

    def _import(self, stay: Stay) -> Callable[[], e.Import]:
        def make() -> e.Import:
            rows = tuple((f"orders.csv:{n}", row) for n, row in enumerate(stay.orders, 2))
            return e.Import("ADT", patients=(("patients.csv:2", stay.row()),), orders=rows)

        return make

    def _nurses(self) -> tuple[str, ...]:
        nurses = [it.staff_id for it in PEOPLE if it.role in ("nurse", "charge_nurse")]
        first = self._chance.pick(nurses)
        return (first, self._chance.pick([it for it in nurses if it != first]))
