"""Screens of every kind with long and awkward contents, for the tests of how they look.

Not what the controller says (`cabinet/screens.py`). One rule: invented people only.
"""

import msgspec

from auth.totp import uri
from cabinet import enrolment, enrolment_screens, numbers
from cabinet.authenticator import NOT_ACCEPTED, SCAN
from cabinet.decision import Note, Place
from cabinet.messages import (
    Alarm,
    Banner,
    Button,
    DrawerMap,
    Facts,
    Keypad,
    Letters,
    Live,
    QrCode,
    Row,
    Rows,
    Screen,
    Shown,
    Words,
)
from cabinet.signin import PIN_LOCKED
from cabinet.wording import REASONED

LIVE = Live("14:05", "Ward 3 East")
NURSE = "Marisol Etxeberria — Charge nurse"
CANCEL = Button("cancel", "Cancel", "quiet")
BACK = Button("home", "Back", "quiet")
OK = Button("count", "OK", "primary")
BANNER = Banner(
    "OKONKWO-LINDQVIST, Wilhelmina",
    ("Born 05-Apr-1961 (65 y)", "No. 4471023", "Bed 12A"),
    "penicillin — anaphylaxis",
    "SIMILAR NAME",
)
PLAIN_BANNER = Banner(
    "ARDEN, Rosa", ("Born 17-Sep-1948 (78 y)", "No. 88123", "Bed 3"), "None known"
)
ALIKE_BANNER = Banner(
    "OKONKWO, Wilma",
    ("Born 05-Apr-1961 (65 y)", "No. 4471024", "Bed 12B"),
    "penicillin — anaphylaxis",
    "SIMILAR NAME",
)
DRAWERS = DrawerMap(
    (
        ("D1", "Drawer 1", "open"),
        ("D2", "Drawer 2", "shut"),
        ("D3", "Drawer 3", "lit"),
        ("D4", "Drawer 4", "shut"),
        ("D5", "Matrix drawer 5", "fault"),
        ("D6", "Return bin", "shut"),
    )
)
LONG_MEDICINE = "HYDROmorphone hydrochloride 2\u00a0mg tablet"
ATTESTED = f"You witness: Maximilian Beauregard-Montgomery wastes 1\u00a0tablet of {LONG_MEDICINE}"


def _orders(count: int) -> tuple[Row, ...]:
    rows = (
        Row(
            "order:1",
            "oxyCODONE 5\u00a0mg tablet",
            ("DOSE 10\u00a0mg — 2\u00a0tablets", "by mouth — every 4 hours when needed"),
            "CONTROLLED CII",
            "controlled",
        ),
        Row(
            "order:2",
            LONG_MEDICINE,
            ("DOSE 2\u00a0mg — 1\u00a0tablet", "by mouth — every 6 hours"),
            "CONTROLLED CII",
            "controlled",
        ),
        Row(
            "order:3",
            "LORazepam 1\u00a0mg tablet",
            ("DOSE 1\u00a0mg — 1\u00a0tablet", "by mouth — at night"),
            "CONTROLLED CIV",
            "controlled",
            "Its stock has expired",
        ),
        Row(
            "order:4",
            "insulin lispro 100\u00a0units per mL, 3\u00a0mL pen",
            ("DOSE 6\u00a0units — 1\u00a0pen", "under the skin — before meals"),
            "HIGH ALERT",
            "warning",
        ),
        Row("order:5", "paracetamol 500\u00a0mg tablet", ("DOSE 1\u00a0g — 2\u00a0tablets",)),
    )
    return rows[:count]


def _cards() -> tuple[Row, ...]:
    names = (
        "OKONKWO-LINDQVIST, Wilhelmina",
        "OKONKWO, Wilma",
        "ARDEN, Rosa",
        "BEAUREGARD-MONTGOMERY, Maximilian",
        "DE LA CRUZ, Ana",
        "UNKNOWN, Male 7",
    )
    return tuple(
        Row(
            f"patient:{index}",
            name,
            ("Born 05-Apr-1961 (65 y)", f"No. 447102{index} — Bed {index}A", "3 active orders"),
            "SIMILAR NAME" if index < 2 else "",
            "warning" if index < 2 else "plain",
        )
        for index, name in enumerate(names)
    )


def _gallery() -> dict[str, Shown]:
    code = Button("have_code", "I have a code", "quiet")
    home = (
        Button("sign_out", "Sign out", "quiet"),
        Button("menu", "Tasks"),
        Button("everyone", "All patients"),
        Button("removals", "Open removals (3)", "primary"),
        Button("more", "Next page"),
    )
    note = Words("Not recognised. Try again.", "strong", "warning")
    screens: dict[str, tuple[Screen, Live]] = {}

    def add(name: str, screen: Screen, live: Live = LIVE) -> None:
        screens[name] = (screen, live)

    rest = Words("Hold your badge to the reader", "name")
    add("rest", Screen(1, "rest", "Ward 3 East", (rest,), (code,)))
    why = Words(PIN_LOCKED, "strong", "refusal")
    add("rest with a note", Screen(1, "rest", "Ward 3 East", (why, rest), (code,)))
    locked = Words("Somebody was at work here. They go on when they prove who they are.")
    add("locked", Screen(1, "locked", "Ward 3 East", (note, rest, locked)))
    finger = (
        Words("Put your finger on the sensor", "name"),
        Words("Flat, in the middle, and still until the light goes out."),
    )
    add(
        "finger",
        Screen(2, "finger", "Sign in", finger, (CANCEL, Button("use_pin", "PIN or passphrase"))),
    )
    pin = Keypad("Your PIN", Button("pin", "OK", "primary"), 8, secret=True)
    other_ways = (CANCEL, Button("use_finger", "Use finger"), Button("use_letters", "Passphrase"))
    add("PIN", Screen(3, "pin", "Sign in", (note, pin), other_ways))
    cards = Rows(_cards(), "No patients here.", "6 more", cards=True)
    add("patients", Screen(4, "patients", "My patients", (cards,), home, person=NURSE))
    add(
        "patients with a note and alarms",
        Screen(4, "patients", "My patients", (note, cards), home, person=NURSE),
        Live(
            "14:05",
            "Ward 3 East",
            (
                Alarm("low", "The finger sensor does not answer."),
                Alarm("low", "2\u00a0pockets must be counted: see Tasks."),
                Alarm("medium", "Matrix drawer 5 is still open. Close it."),
            ),
        ),
    )
    four, five = (Rows(_orders(n), "No active orders.", "4 more") for n in (4, 5))
    add("orders", Screen(5, "orders", "Active orders", (four,), (BACK,), BANNER, NURSE))
    add("five orders", Screen(5, "orders", "Active orders", (five,), (BACK,), ALIKE_BANNER, NURSE))
    add(
        "five orders with a note and an alarm",
        Screen(5, "orders", "Active orders", (note, five), (BACK,), PLAIN_BANNER, NURSE),
        Live("14:05", "Ward 3 East", (Alarm("low", "The badge reader does not answer."),)),
    )
    pairs = (
        ("Medicine", LONG_MEDICINE),
        ("Class", "opioid analgesic"),
        ("Dose", "2\u00a0mg — by mouth — every 6 hours"),
        ("For", "pain after surgery, when paracetamol alone is not enough"),
        ("Until", "24-Nov-2026"),
    )
    title = f"{LONG_MEDICINE} — CONTROLLED CII"
    add(
        "order",
        Screen(
            6,
            "order",
            title,
            (Facts(pairs), Words("Take 2\u00a0tablets", "take")),
            (
                BACK,
                Button("quantity", "Change quantity"),
                Button("open", "Open Drawer 1", "primary"),
            ),
            BANNER,
            NURSE,
        ),
    )
    blind = Keypad("How many are in the drawer, before you take any?", OK, 4, "tablets")
    danger = Button("cancel", "Cancel", "danger")
    add(
        "count", Screen(7, "count", "oxyCODONE 5\u00a0mg tablet", (blind,), (danger,), person=NURSE)
    )
    many = Keypad("How many tablets? At most 2.", OK, 3, "tablets")
    add("quantity", Screen(8, "quantity", LONG_MEDICINE, (note, many), (BACK,), BANNER, NURSE))
    take = (
        Words("Take 2\u00a0tablets", "take"),
        Words("From pocket D5-03", "name"),
        Words("Then close Drawer 1 until it clicks.", "strong"),
        DRAWERS,
    )
    add("take", Screen(9, "take", LONG_MEDICINE, take, (danger,), person=NURSE))
    add(
        "take with alarms",
        Screen(9, "take", "oxyCODONE 5\u00a0mg tablet", take, (danger,), person=NURSE),
        Live(
            "14:05",
            "Ward 3 East",
            (
                Alarm("high", "Drawer 1 is open, and should not be. Close it now."),
                Alarm("medium", "Matrix drawer 5: hook and switch disagree. Push it shut."),
            ),
        ),
    )
    witness = (
        Words(f"Waste 1\u00a0tablet of {LONG_MEDICINE}", "name"),
        Facts((("Wasted by", "Marisol Etxeberria"),)),
        Words("Witness: see it wasted, then hold your badge to the reader.", "strong"),
    )
    add("witness", Screen(10, "witness", "Witness", witness, (danger,), BANNER, NURSE))
    refusal = Words("Not opened: Drawer 4 is open. Close it first.", "strong", "refusal")
    add(
        "refusal",
        Screen(
            11,
            "order",
            "paracetamol 500\u00a0mg tablet",
            (refusal, Facts(pairs[:3]), Words("Take 2\u00a0tablets", "take")),
            (BACK, Button("open", "Open Drawer 1", "primary", "Drawer 4 is open")),
            PLAIN_BANNER,
            NURSE,
        ),
    )
    done = Words("Recorded: 2\u00a0tablets taken.", "strong", "success")
    add(
        "done",
        Screen(
            12,
            "taken",
            "Done",
            (done, Words("Say later what became of it: given, wasted or returned.")),
            (
                Button("sign_out", "Sign out", "quiet"),
                Button("removals", "Given, waste, return"),
                Button("patient:1", "Same patient"),
                Button("home", "Next patient", "primary"),
            ),
            PLAIN_BANNER,
            NURSE,
        ),
    )
    name = Letters("Your family name", Button("family", "OK", "primary"), 40)
    phrase = Letters("Your passphrase", Button("pin", "OK", "primary"), 64, secret=True)
    ways = (CANCEL, Button("use_finger", "Use finger"), Button("use_digits", "PIN"))
    add("passphrase", Screen(17, "passphrase", "Sign in", (note, phrase), ways))
    label = "A passphrase: four unrelated words"
    why_not = "Your name, number or cabinet is what others try. Take unrelated words."
    refused = Words(why_not, "strong", "refusal")
    chosen = Letters(label, Button("new_pin", "OK", "primary"), 64, secret=True)
    other = (CANCEL, Button("pin_instead", "A PIN instead"))
    add(
        "new passphrase",
        Screen(18, "enrol_phrase", "Enrol Marisol Etxeberria", (refused, chosen), other),
        Live("14:05", "Ward 3 East", (Alarm("low", "The finger sensor does not answer."),)),
    )
    add("letters", Screen(13, "enrol_family", "Enrol an administrator", (note, name), (CANCEL,)))
    alone = Place(note=Note(enrolment.CODE_WORDS["nobody_stands_by"], "refusal"))
    add("code alone", enrolment_screens.show_code_entry(alone))
    add("code beside", enrolment_screens.show_code_beside(Place()))
    add(
        "signing out",
        Screen(14, "orders", "Active orders", (four,), (BACK,), BANNER, NURSE),
        Live("14:05", "Ward 3 East", (), 12),
    )
    removed = Rows((), "Nothing open.")
    add("nothing", Screen(15, "removals", "My open removals", (removed,), (BACK,), person=NURSE))
    tasks = tuple(
        Row(id_, title, (line,))
        for id_, title, line in (
            ("load_list", "Load", "Put medicine into a pocket"),
            ("counts", "Count", "2 pockets must be counted"),
            ("invite", "Invite", "A one-time code for a new colleague"),
            ("locked", "Locked badges", "Release after too many wrong tries"),
        )
    )
    menu = (Rows(tasks, "Nothing to do."),)
    add("menu", Screen(16, "menu", "Tasks", menu, (BACK,), person=NURSE))
    for proof in ("finger", "PIN", "passphrase"):
        attested = msgspec.structs.replace(screens[proof][0], title=ATTESTED)
        add(f"a second person's {proof}", attested)
    screens.update({name: (screen, LIVE) for name, screen in (_people() | _apps()).items()})
    screens.update({name: (screen, BROKEN) for name, screen in _emergencies().items()})
    return {name: Shown(screen, live) for name, (screen, live) in screens.items()}


def _people() -> dict[str, Screen]:
    """An administrator's screens, with people who have long names and every right."""
    long = "Maximilian Beauregard-Montgomery"
    back = Button("person:1", "Back", "quiet")
    rights = (
        ("Staff number", "N-2041"),
        ("Role", "Pharmacy technician"),
        ("Status", "Works here"),
        ("Areas", "ICU-2, OR-1, WARD-4-WEST, EMERGENCY, PAEDIATRICS"),
        ("Groups of medicines", "A B C D E F G H"),
        ("Without an order", "A B C D E F G H"),
        ("Access ends", "31-Dec-2031"),
        ("Trained for", "chemotherapy (31-Dec-2031), epidural (30-Jun-2030), IV pump"),
    )
    alike = Words(f"Similar name: {long} (No. N-2042)", "strong", "warning")
    groups = tuple(
        Row(f"set_group:{it}", f"Group {it}", ("20 medicines",), "YES" if it < "F" else "")
        for it in "ABCDEFGH"
    )
    changes = (
        ("Role", "Pharmacy technician → Pharmacist"),
        ("Groups of medicines", "A B C D E → A B C D E F G H"),
        ("Areas", "ICU-2, OR-1, WARD-4-WEST → Everywhere"),
        ("Asked by", long),
    )
    done, approve = Button("check_change", "Done", "primary"), Button("dismiss", "Cancel", "danger")
    return {
        "person": Screen(
            40,
            "person",
            long,
            (Facts(rights), alike),
            (
                Button("people", "Back", "quiet"),
                Button("stop_person", "Suspend"),
                Button("edit:again", "Reset"),
                Button("edit", "Change"),
            ),
            person=NURSE,
        ),
        "groups": Screen(
            41,
            "edit_groups",
            f"Groups of medicines: {long}",
            (Rows(groups, "Nothing to choose.", cards=True),),
            (back, done),
            person=NURSE,
        ),
        "approve": Screen(
            42,
            "witness",
            "Approve",
            (
                Words(long, "name"),
                Facts(changes),
                Words("Second administrator: hold your badge to the reader to approve.", "strong"),
            ),
            (approve,),
            person=NURSE,
        ),
    }


BROKEN = Live(
    "14:05",
    "Ward 3 East",
    (Alarm("high", "BREAK-GLASS until 15:05. All that is taken is reviewed."),),
)


def _verdict() -> Screen:
    """A pharmacist judges."""
    begun = (
        ("Begun by", "Marisol Etxeberria, agreed by Maximilian Beauregard-Montgomery"),
        ("Why", "Whoever has the rights cannot come"),
        ("From", "22-Nov-2026 23:19"),
    )
    return Screen(
        54,
        "review",
        "Critical override",
        (
            Facts(begun),
            Rows(
                tuple(
                    Row("", it.title, (f"{NURSE} for {BANNER.name} — 14:05",), it.tag, it.tone)
                    for it in _orders(2)
                ),
                "Nothing was taken.",
            ),
        ),
        (
            Button("reviews", "Back", "quiet"),
            Button("not_justified", "Not justified", "danger"),
            Button("justified", "Justified", "primary"),
        ),
        person=NURSE,
    )


def _apps() -> dict[str, Screen]:
    """An authenticator app is added, with and without a word on the code that was typed."""
    spelt = "K7QM 2XWP 9HTA AAAA BBBB CCCC DDDD EEEE"
    scanned = QrCode(uri(spelt, "Medical-Surgical 4 West", "N-204117"), SCAN, spelt)
    typed = Keypad("Then type the code it shows", Button("same_totp", "OK", "primary"), 6)
    refused = Words(NOT_ACCEPTED, "strong", "refusal")
    title = "App or security key"
    return {
        "new app": Screen(19, "totp_shown", title, (scanned, typed), (BACK,)),
        "new app refused": Screen(19, "totp_shown", title, (refused, scanned, typed), (BACK,)),
    }


def _emergencies() -> dict[str, Screen]:
    """What is done without an order, under the banner that says so."""
    danger = Button("dismiss", "Cancel", "danger")
    why = ("Why", "Emergency: waiting would harm the patient")
    reasons = (
        Row("override_why:emergency", why[1]),
        Row("override_why:told", "Ordered by word of mouth"),
        Row("override_why:new_order", "Ordered, but not on this screen yet"),
        Row("override_why:system_down", "The order system is down"),
    )
    typed = Letters(
        "Medicine: type at least 5 letters of its name", Button("find", "Find", "primary"), 30
    )
    alert = ("HIGH ALERT", "Read the label twice: an error with it can kill.")
    checked = (("Medicine", LONG_MEDICINE), ("Class", "opioid analgesic"), why, alert)
    agreed = (
        ("Why", "Whoever has the rights cannot come"),
        ("For", "Everybody at this cabinet"),
        ("Asked by", "Maximilian Beauregard-Montgomery"),
    )
    back = Button("override_why:emergency", "Back", "quiet")
    return {
        "without an order: why": Screen(
            50,
            "override_why",
            "Without an order: why?",
            (Rows(reasons, ""),),
            (BACK,),
            BANNER,
            NURSE,
        ),
        "without an order: search": Screen(
            51,
            "override_search",
            f"Without an order: {BANNER.name}",
            (typed,),
            (BACK,),
            person=NURSE,
        ),
        "without an order: check": Screen(
            52,
            "override",
            f"{LONG_MEDICINE} — CONTROLLED CII",
            (Facts(checked), Words("Take 1\u00a0tablet", "take")),
            (back, Button("open_override", "Open Drawer 2", "primary")),
            PLAIN_BANNER,
            NURSE,
        ),
        "second person": Screen(
            53,
            "witness",
            "Second person",
            (
                Words("Critical override for 4 hours", "name"),
                Facts(agreed),
                Words("Second person: if you agree, hold your badge to the reader.", "strong"),
            ),
            (danger,),
            person=NURSE,
        ),
        "verdict": _verdict(),
        "person number": numbers.show("New temporary user", "temp_human", (), (BACK, CANCEL)),
        **_asked_by_the_site(danger, why),
    }


def _asked_by_the_site(danger: Button, why: tuple[str, str]) -> dict[str, Screen]:
    """A reason, and a second person before a drawer opens."""
    reasons = tuple(Row(f"reason:{it}", words) for it, words in REASONED["remove"].items())
    facts = Facts((("Asked by", "Maximilian Beauregard"), why))
    said = "Witness: if you agree, hold your badge. Then it opens."
    take = Words(f"Take 2\u00a0tablets of {LONG_MEDICINE}", "name")
    opening = (take, facts, Words(said, "strong"))
    listed = (Rows(reasons, ""),)
    return {
        "a reason": Screen(54, "reason", "Take it: why?", listed, (BACK,), BANNER, NURSE),
        "witness before it opens": Screen(
            55, "witness", "Witness", opening, (danger,), ALIKE_BANNER, NURSE
        ),
    }


GALLERY = _gallery()
