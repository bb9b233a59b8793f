"""The demo's invented people: staff, their badges, fingers and PINs.

They exist only in the simulator; nobody is meant, and no cabinet but a demo's knows them. One rule:
what is here may be shown on the bench, and nothing else of the project may depend on it.
"""

from dataclasses import dataclass

HANDS = ("right index", "left index")


@dataclass(frozen=True)
class Person:
    """One member of the staff; `badge` is what the reader sends, `pin` what they would type.

    A `pin` that is not of digits is a passphrase.
    """

    staff_id: str
    given: str
    family: str
    role: str  # nurse, charge_nurse, pharmacist, pharmacy_technician, administrator
    badge: str
    fingers: tuple[str, ...]  # names of fingers in the world, unique among all people
    pin: str

    @property
    def name(self) -> str:
        """As on the badge."""
        return f"{self.given} {self.family}"


def _person(
    staff_id: str, given: str, family: str, role: str, badge: str, pin: str, key: str
) -> Person:
    fingers = tuple(f"{key}:{hand.replace(' ', '-')}" for hand in HANDS)
    return Person(staff_id, given, family, role, badge, fingers, pin)


PEOPLE: tuple[Person, ...] = (
    _person("N-2041", "Amina", "Okafor", "nurse", "0049137025", "58203914", "amina"),
    _person("N-2057", "Jonas", "Lindqvist", "nurse", "0051880463", "70416295", "jonas"),
    _person("N-2063", "Mei", "Tanaka", "nurse", "0053302871", "29585036", "mei"),
    _person("N-2008", "Rosa", "Delgado", "charge_nurse", "0037461190", "84630172", "rosa"),
    _person("P-3102", "Henry", "Abbott", "pharmacist", "0042915538", "13974860", "henry"),
    _person("T-4015", "Priya", "Raman", "pharmacy_technician", "0060728344", "46057291", "priya"),
    _person("A-1001", "Ingrid", "Solberg", "administrator", "0011359407", "95328106", "ingrid"),
    _person("A-1002", "Samuel", "Osei", "administrator", "0011362751", "30769418", "samuel"),
)

# Of the demo alone: on no list of a story, and no card of the bench.
TECHNICIAN = _person(
    "S-5003", "Sam", "Okafor", "service_technician", "0064207719", "39518264", "sam"
)

# On the bench alone: nobody whom the cabinet knows, with a badge that is nobody's, to enrol there.
NEWCOMER = _person("N-2099", "Nora", "Quinn", "newcomer", "0071930528", "62849071", "nora")
AT_THE_BENCH = (*PEOPLE, NEWCOMER)


def by_badge(badge: str) -> Person | None:
    """The person who carries `badge`."""
    return next((person for person in AT_THE_BENCH if person.badge == badge), None)


def by_finger(finger: str) -> Person | None:
    """The person whose `finger` it is."""
    return next((person for person in AT_THE_BENCH if finger in person.fingers), None)
