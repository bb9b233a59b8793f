"""What `cabinet import` takes from a folder or a file: the four lists, and a signed staff list.

Not for reading one of them (`importing.py`, `staff_file.py`). One rule: where a key may sign staff
lists, people come by a signed list alone.
"""

from pathlib import Path

from cabinet import importing, staff_file
from cabinet.configuration import Configuration
from cabinet.events import Import, StaffList
from cabinet.importing import ImportProblem, Keyed


def read(
    configuration: Configuration, path: Path, keyed: Keyed, *, staff_alone: bool
) -> list[Import | StaffList]:
    """The events of a folder of lists, the staff list first; or of one staff list alone."""
    vkey = configuration.staff_list.vkey
    if staff_alone:
        return [staff_file.read(path, vkey, keyed)]
    staff = path / staff_file.IN_FOLDER
    there = importing.present(path)
    if not there and not staff.exists():
        wanted = ", ".join((*importing.FILES, staff_file.IN_FOLDER))
        raise ImportProblem(f"{path}: has none of {wanted}")
    events: list[Import | StaffList] = []
    if staff.exists():  # first, because patients name nurses whom only it may bring
        events.append(staff_file.read(staff, vkey, keyed))
    if there:
        lists = importing.read(path, keyed)
        if lists.people and vkey:
            raise ImportProblem(
                "people.csv: this cabinet takes people from signed staff lists alone, as "
                "[staff_list] of cabinet.toml names a key; sign it as staff.csv"
            )
        events.append(lists)
    return events
