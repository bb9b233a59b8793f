"""The hospital's office that says who works here: whole lists, each signed with the next number.

Not for what is false on some of them (`false_lists.py`). One rule: its rows are the truth, and a
list is brought again until the cabinet has taken it, or a newer one.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from auth.pins import keyed_hash
from cabinet import incoming_lists
from cabinet.importing import ImportProblem, Row
from cabinet.state import State
from sim import cast, signed_list
from sim.lists import Lists
from sim.people import Person
from sim.runtime import SimulatedRuntime
from sim.signed_list import SignedList

UNSIGNED = "unsigned"  # a folder of lists without a signature


class StaffOffice:
    """Of one story; `signed` are the lists that it signed before."""

    def __init__(
        self, runtime: SimulatedRuntime, lists: Lists, signed: Sequence[SignedList]
    ) -> None:
        self._runtime, self._lists = runtime, lists
        self.signed = list(signed)
        self.rows = {row["staff_id"]: row for row in cast.rows()}
        self.judged: dict[str, bool] = {}  # a list's digest -> what somebody at the screen meant

    def with_rows(self, *rows: Row) -> list[Row]:
        """All rows as they should be, but for these."""
        changed = {row["staff_id"]: row for row in rows}
        return list({**self.rows, **changed}.values())

    def sign(self, rows: Iterable[Row], number: int = 0) -> SignedList:
        """The next list, of these rows; or one more with this `number`."""
        return self.sign_bytes(signed_list.written(rows), number)

    def sign_bytes(self, data: bytes, number: int = 0) -> SignedList:
        """The same of any bytes."""
        newest = self.signed[-1].number
        self.signed.append(signed_list.sign(number or newest + 1, data))
        return self.signed[-1]

    def bring(self, it: SignedList) -> bool:
        """Have it imported, once; whether the cabinet heard it."""
        runtime = self._runtime
        keyed = partial(keyed_hash, runtime.keys.pepper)
        file = signed_list.put(it, runtime.folder / signed_list.FOLDER)
        (event,) = incoming_lists.read(runtime.configuration, file, keyed, staff_alone=True)
        return self._lists.say(event)

    def bring_unsigned(self, rows: Iterable[Row]) -> bool:
        """Have a folder with these rows and no signature imported; whether the cabinet heard it."""
        runtime = self._runtime
        folder = runtime.folder / UNSIGNED
        folder.mkdir(exist_ok=True)
        (folder / "people.csv").write_bytes(signed_list.written(rows))
        keyed = partial(keyed_hash, runtime.keys.pepper)
        try:
            events = incoming_lists.read(runtime.configuration, folder, keyed, staff_alone=False)
        except ImportProblem:
            return False
        return all(self._lists.say(event) for event in events)

    def hears(self) -> bool:
        """Whether anything that is brought would be heard."""
        boot = self._runtime.boot
        return boot is not None and boot.ready

    def say(self, person: Person, **columns: str) -> bool:
        """Their row is another one from now on; False, and nothing changes, where nobody hears."""
        if not self.hears():
            return False
        self.rows[person.staff_id] = {**self.rows[person.staff_id], **columns}
        return self.bring(self.sign(self.with_rows()))

    def suspend(self, person: Person) -> bool:
        """They may do nothing any more."""
        return self.say(person, status="suspended")

    def reinstate(self, person: Person) -> None:
        """They may again what they might at first."""
        self.rows[person.staff_id] = cast.row(person)
        self.right()

    def right(self) -> None:
        """The list as it should be, until it was taken."""
        right = self.sign(self.with_rows())

        def taken(state: State) -> bool:
            return state.staff_list.number >= right.number

        self._lists.bring_until(lambda: self.bring(right), taken)


def instant(unix_ms: int) -> str:
    """As a list has it."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")
