"""The cabinet that every simulated story begins with: set up, enrolled, loaded, the same each time.

Not for what happens later. One rule: its keys, codes and salts follow from one fixed seed, so that
runs can be compared byte by byte; it is a demo cabinet, and nothing else may ever use them.
"""

import csv
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from cabinet import configuration as site
from cabinet import keys as key_files
from cabinet.configuration import Configuration
from cabinet.keys import Keys
from sim import cast, signed_list
from sim.demo_cabinet import SetUp
from sim.medicines import DEMO, Stock, stock
from sim.people import PEOPLE, Person
from sim.servicing import SETTINGS
from sim.signed_list import SignedList
from sim.virtual import Stream

BEGAN_S = 1_772_434_800  # Monday 2026-03-02, 07:00 UTC: the first shift
SET_UP_MS = 3_600_000  # before it
MEMORY_KIB = 64
STAFF = (cast.first_rows(), cast.rows())  # two lists: somebody has left since the first
FILL = 30  # units in each pocket of a site's own cabinet
FILLED_UNTIL = "2028-12-31"
# The demo's cabinet holds nothing of glass: in a story one of its drawers does.
SWALLOWED = 'medicine = "LORA-1-TAB"\nschedule = "CIV"'
INJECTED = 'medicine = "FENT-100-AMP"\nschedule = "CII"'

_FORMULARY = "code,generic,brand,strength,form,schedule,unit,therapeutic_class,ndc,high_alert"

_ORDERS = "order,record_number,medicine,quantity,dose,route,frequency,reason,starts,stops"


@dataclass(frozen=True)
class Template:
    """A whole cabinet in `folder`, and what is physical of it."""

    folder: Path
    configuration: Configuration
    keys: Keys
    stock: dict[str, int]  # pocket -> how many of its medicine
    templates: dict[int, str]  # slot of the sensor -> finger
    notepad: dict[int, bytes]  # of the sensor
    signed: tuple[SignedList, ...]  # the lists of staff that it has taken
    apps: dict[str, bytes]  # staff id -> the secret of the authenticator app on their phone


def make(folder: Path, own: Path | None = None) -> Template:
    """The demo cabinet, or one of a site's `own` cabinet.toml, in `folder`."""
    folder.mkdir(mode=0o700, parents=True)
    lists = folder / signed_list.FOLDER
    shutil.copytree(DEMO, lists, ignore=shutil.ignore_patterns("__*", "*.toml", "people.csv"))
    text = (own or DEMO / "cabinet.toml").read_text(encoding="utf-8")
    rules = signed_list.SETTINGS + (cast.RULES + SETTINGS if own is None else "")
    if own is None:
        assert SWALLOWED in text
        text = text.replace(SWALLOWED, INJECTED)
    (folder / "cabinet.toml").write_text(_as_demo(text) + rules, encoding="utf-8")
    configuration = site.load(folder / "cabinet.toml")
    shelves = stock(DEMO)
    if own is not None:
        pockets = [pocket for drawer in configuration.drawer for pocket in drawer.pocket]
        shelves = {it.id: Stock(it.id, FILL, "SIM", FILLED_UNTIL) for it in pockets}
        _write_formulary(lists, configuration)
        _write_orders(lists, configuration)
    else:
        _add_orders(lists)
    chance = Stream(0, "template")
    setup = SetUp(
        folder,
        configuration,
        chance.bytes,
        began_ms=BEGAN_S * 1000 - SET_UP_MS,
        memory_kib=MEMORY_KIB,
        no_copies=cast.NO_COPIES,
    )
    first, second = (person for person in PEOPLE if person.role == "administrator")
    setup.enrol(first, setup.codes[0])
    setup.enrol(second, setup.codes[1])
    signed = [signed_list.sign(n, signed_list.written(rows)) for n, rows in enumerate(STAFF, 1)]
    signed_list.put(signed[0], lists)
    setup.take_lists(lists)
    pharmacist = next(person for person in PEOPLE if person.role == "pharmacist")
    _change(setup, pharmacist, (first, second), "resume")
    for person in PEOPLE:
        if person.role != "administrator":
            setup.enrol(person, setup.invite(first, person), second)
    technician = next(person for person in PEOPLE if person.role == "pharmacy_technician")
    setup.stock_up(technician, shelves)
    for person in (*cast.LISTED, cast.LEAVER):
        setup.enrol(person, setup.invite(first, person), second)
    charge = next(person for person in PEOPLE if person.role == "charge_nurse")
    override = ("edit", "edit:override", f"set_override:{cast.OVERRIDES}", "check_change")
    _change(setup, charge, (first, second), *override)
    _add_temporary(setup, charge, second)
    apps = _add_at_screen(setup, first, second)
    signed_list.put(signed[1], lists)
    setup.take_lists(lists)
    setup.finish()
    return Template(
        folder,
        configuration,
        key_files.load(folder / configuration.paths.keys),
        {pocket: shelf.count for pocket, shelf in shelves.items()},
        dict(setup.templates),
        dict(setup.notepad),
        tuple(signed),
        apps,
    )


def _change(setup: SetUp, person: Person, by: tuple[Person, Person], *buttons: str) -> None:
    """Two administrators change what somebody may do."""
    setup.show_badge(by[0])
    setup.find(person)
    for button in (*buttons, "save_change"):
        setup.press(button)
    setup.show_badge(by[1])
    for button in ("people", "menu", "sign_out"):
        setup.press(button)


def _add_temporary(setup: SetUp, charge: Person, enroller: Person) -> None:
    """The charge nurse lets somebody work here for some hours."""
    setup.show_badge(charge)
    for button in ("menu", "emergency", "temporary", "temp_new"):
        setup.press(button)
    setup.press("temp_staff_id", cast.TEMPORARY.staff_id)
    setup.press("temp_family", cast.TEMPORARY.family)
    setup.press("temp_given", cast.TEMPORARY.given)
    setup.press("temp_human", "")
    setup.press("temp_hours", cast.TEMPORARY_H)
    code = setup.code
    setup.press("menu")
    setup.press("sign_out")
    setup.enrol(cast.TEMPORARY, code, enroller)


def _add_at_screen(setup: SetUp, first: Person, second: Person) -> dict[str, bytes]:
    """Who is on no list; then whoever has a phone adds its app."""
    added = (
        (first, second, cast.SUBJECT, ""),
        (first, second, cast.HALIMA, ""),
        (second, cast.HALIMA, *cast.SECOND),
        (first, second, cast.FITTER, ""),
    )
    for adds, approves, person, number in added:
        setup.show_badge(adds)
        setup.press("people")
        setup.press("add_person")
        setup.press("add_staff_id", person.staff_id)
        setup.press("add_family", person.family)
        setup.press("add_given", person.given)
        setup.press("add_human", number)
        if person.role == "administrator":
            for button in ("add_role:auditor", "edit", "edit:role", "set_role:administrator"):
                setup.press(button)
            setup.press("save_change")
            setup.show_badge(approves)
        else:
            setup.press(f"add_role:{person.role}")
        setup.press(f"issue:{setup.engine.state.by_staff_id[person.staff_id]}")
        code = setup.code
        setup.press("menu")
        setup.press("sign_out")
        setup.enrol(person, code, approves)
    return {person.staff_id: setup.add_app(person) for person in cast.WITH_APP}


def _as_demo(text: str) -> str:
    """The same cabinet, marked as a demo for ever; its hospital's lists are signed by ours."""
    without = re.sub(r"(?m)^demo\s*=.*\n", "", text)
    without = re.sub(r"(?m)^\[staff_list\].*\n(?:(?!\[).*\n)*", "", without)
    return re.sub(r"(?m)^\[cabinet\][^\n]*\n", "[cabinet]\ndemo = true\n", without, count=1)


def _write_formulary(lists: Path, configuration: Configuration) -> None:
    """A row for each medicine of the cabinet's pockets, with the schedule that they have there."""
    with (lists / "formulary.csv").open(encoding="utf-8", newline="") as lines:
        known = {row["code"]: row for row in csv.DictReader(lines)}
    with (lists / "formulary.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(_FORMULARY.split(","))
        written: list[str] = []
        for drawer in configuration.drawer:
            for pocket in drawer.pocket:
                code = pocket.medicine
                if code in written:
                    continue
                written.append(code)
                row = known.get(code)
                if row is not None and row["schedule"] == pocket.schedule:
                    writer.writerow([row[name] for name in _FORMULARY.split(",")])
                    continue
                ndc = f"99999-{7000 + len(written)}-1"
                words = (code, code, "", "1", "tablet", pocket.schedule, "tablet", "simulated")
                writer.writerow([*words, ndc, "no"])


def _add_orders(lists: Path) -> None:
    """Ampoules for two of the demo's patients."""
    with (lists / "patients.csv").open(encoding="utf-8", newline="") as lines:
        patients = [row["record_number"] for row in csv.DictReader(lines)][:2]
    with (lists / "orders.csv").open("a", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        for number, patient in enumerate(patients, 1):
            words = ("1 ampule", "into a vein", "as needed", "simulated", "2026-01-01", "")
            writer.writerow([f"SIM-AMP-{number}", patient, "FENT-100-AMP", 1, *words])


def _write_orders(lists: Path, configuration: Configuration) -> None:
    """Two orders for each medicine of the cabinet's pockets, among the demo's patients."""
    with (lists / "patients.csv").open(encoding="utf-8", newline="") as lines:
        patients = [row["record_number"] for row in csv.DictReader(lines)]
    held = [pocket.medicine for drawer in configuration.drawer for pocket in drawer.pocket]
    with (lists / "orders.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(_ORDERS.split(","))
        for number, medicine in enumerate((*dict.fromkeys(held), *dict.fromkeys(held))):
            patient = patients[number % len(patients)]
            words = ("1 dose", "by mouth", "as needed", "simulated", "2026-01-01", "")
            writer.writerow([f"SIM-{number + 1}", patient, medicine, 1 + number % 2, *words])
