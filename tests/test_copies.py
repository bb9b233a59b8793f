"""Sealed copies of fingers: where the site and the person say so, and no longer than a finger."""

import base64

import msgspec
import pytest

from auth import templates
from cabinet import events as e
from cabinet import evidence, people_report, retention, screens, snapshot
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.effects import apply
from cabinet.journal import Attachments, replay
from cabinet.plan import Fingers
from tests.test_enrolment import enter, issued, pins
from tests.test_sensor import at_the_finger, down
from tests.ward import PLAN, SENSOR, Ward, badge

KEEPING = msgspec.structs.replace(PLAN, fingers=Fingers(copies=True))


class Keeping(Ward):
    """A ward whose site keeps copies, and a sensor that gives them out as sealed text."""

    def __init__(self) -> None:
        super().__init__(KEEPING, stocked=False)

    def copy(self, most: int = 60) -> None:
        """Ticks, and a sensor that gives what it is asked for."""
        for _ in range(most):
            self.commands.clear()
            self.wait(1)
            asked = [it for it in self.commands if isinstance(it, e.ReadFinger)]
            for it in asked:
                self.do(e.FingerSeen(it.request, "read", it.slot, sealed=f"sealed {it.slot}"))
            for wipe in [it for it in self.commands if isinstance(it, e.DeleteFinger)]:
                self.do(e.FingerSeen(wipe.request, "deleted", wipe.slot))
            if not asked and not self.state.forgotten and not self.state.wiping:
                return

    def of(self, staff_id: str) -> tuple[tuple[int, str], ...]:
        return self.state.people[self.ref(staff_id)].templates

    def attachments(self) -> list[str]:
        return sorted(it.hash.hex() for it in self.sink.attached if it.kind == "template")


@pytest.fixture
def ward() -> Keeping:
    return Keeping()


def test_the_default_keeps_none_and_nobody_is_asked() -> None:
    plain = Ward(stocked=False)
    plain.wait(5)
    assert not [it for it in plain.commands if isinstance(it, e.ReadFinger)]
    assert not any(person.copies for person in plain.state.people.values())
    at_the_finger(plain, "X1")
    assert plain.screen().name == "enrol_finger"


def test_after_each_enrolled_finger_its_template_is_read_and_kept_as_an_attachment(
    ward: Keeping,
) -> None:
    ward.copy()
    enrolled = {it.ref: it.slots for it in ward.state.people.values() if it.slots}
    kept = ward.records(fr.TemplateKept)
    assert {it.person: (it.slot,) for it in kept} == enrolled
    assert ward.attachments() == sorted(it.template for it in kept)
    assert not any(b"sealed" in body for body in ward.sink.bodies), "bodies have its hash alone"
    ward.commands.clear()
    ward.wait(3)
    assert not ward.commands, "each is read once"
    assert replay(ward.sink).people[ward.ref("N1")].templates == ward.of("N1")


def test_a_person_who_says_no_has_no_copy_and_may_enrol_all_the_same(ward: Keeping) -> None:
    ward.copy()
    at_the_question(ward, "X1")
    assert ward.screen().name == "enrol_copies"
    ward.press("no_copies")
    finish(ward)
    ward.copy()
    person = ward.state.people[ward.ref("X1")]
    assert person.slots and not person.copies and not person.templates
    assert not ward.records(r.PersonEnrolled)[-1].copies


def at_the_question(ward: Keeping, staff_id: str) -> None:
    issued(ward, staff_id, "code of it")
    enter(ward, "code of it")
    ward.do(e.BadgeSeen(badge(staff_id)))
    pins(ward)


def finish(ward: Keeping) -> None:
    asked = ward.command(e.EnrolFinger)
    ward.do(e.FingerSeen(asked.request, "enrolled", asked.slot))
    ward.press("without_finger")


def test_fingers_enrolled_before_the_site_kept_copies_are_not_copied(ward: Keeping) -> None:
    plain = Ward(stocked=False)
    plain.plan = KEEPING
    plain.restart()
    plain.do(e.DeviceChanged("fingerprint", "", SENSOR))
    plain.wait(3)
    assert not [it for it in plain.commands if isinstance(it, e.ReadFinger)]


def test_a_template_is_not_read_while_a_finger_is_waited_for_or_the_sensor_is_down(
    ward: Keeping,
) -> None:
    ward.do(e.BadgeSeen(badge("N1")))
    ward.wait(3)
    assert not [it for it in ward.commands if isinstance(it, e.ReadFinger)]
    ward.press("cancel")
    down(ward)
    ward.wait(3)
    assert not [it for it in ward.commands if isinstance(it, e.ReadFinger)]


def test_a_template_that_the_sensor_does_not_give_is_asked_three_times_and_no_more(
    ward: Keeping,
) -> None:
    for _ in range(40):
        ward.commands.clear()
        ward.wait(1)
        for it in [it for it in ward.commands if isinstance(it, e.ReadFinger)]:
            ward.do(e.FingerSeen(it.request, "fault", None, "it gives none"))
    lost = ward.records(fr.TemplateNotKept)
    fingers = sum(len(person.slots) for person in ward.state.people.values())
    assert len(lost) == 3 * fingers and lost[0].why == "it gives none"
    assert not ward.records(fr.TemplateKept)


@pytest.mark.parametrize("outcome", ["cancelled", "matched", "fault"])
def test_what_answers_nothing_that_was_asked_is_not_kept(ward: Keeping, outcome: str) -> None:
    ward.wait(1)
    asked = ward.command(e.ReadFinger)
    for request, slot, told in (
        (asked.request, asked.slot + 1, "read"),  # of another slot
        ("read:999:x", 999, "read"),  # of nobody's
        ("read:", 0, "read"),
        ("read:²:x", 2, "read"),
        (asked.request, asked.slot, outcome),
    ):
        ward.do(e.FingerSeen(request, told, slot, sealed="anybody's"))
    assert not ward.records(fr.TemplateKept) and not ward.attachments()


# --- no copy outlives its finger ------------------------------------------------------------------


def gone(ward: Keeping, before: tuple[tuple[int, str], ...]) -> None:
    """What was kept is erased, entry and bytes, and the slots are emptied."""
    ward.copy()
    names = [name for _, name in before]
    assert [it.attachment for it in ward.records(r.Erased)] == names
    assert not [name for name in names if name in ward.attachments()]
    assert not ward.state.forgotten
    assert fr.FingerWiped(before[0][0]) in ward.records(fr.FingerWiped)
    assert replay(ward.sink).forgotten == ()


def look_up_nina(ward: Keeping) -> None:
    """An administrator finds her among the people."""
    ward.sign_in("A1")
    ward.press("people")
    ward.press("find_person")
    ward.press("find_people", "Nina")
    ward.press(f"person:{ward.ref('N1')}")


def test_who_leaves_takes_their_fingers_and_copies_along(ward: Keeping) -> None:
    """Their slots too: what nobody wiped would still match whoever finds the badge."""
    ward.copy()
    before = ward.of("N1")
    assert before
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", badge("N1"), "left")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    assert ward.state.people[ward.ref("N1")].slots == ()
    gone(ward, before)


def test_who_is_made_to_leave_at_the_screen_does_too(ward: Keeping) -> None:
    ward.copy()
    before = ward.of("N1")
    look_up_nina(ward)
    ward.press("stop_person")
    ward.press("stop_person:left")
    ward.press("save_change")
    assert ward.state.people[ward.ref("N1")].standing == "left"
    gone(ward, before)


def test_a_temporary_users_fingers_and_copies_go_with_their_hours(ward: Keeping) -> None:
    ward.copy()
    before = ward.of("N1")
    person = ward.state.people[ward.ref("N1")]
    person.rights = msgspec.structs.replace(person.rights, role="temporary")
    ward.do(e.Tick())
    body = msgspec.structs.replace(
        r.decode_body(ward.sink.bodies[-1]),
        seq=ward.sink.size + 1,
        record=st.TemporaryOver(person.ref),
    )
    apply(ward.state, body)
    assert person.slots == () and person.templates == ()
    assert [name for _, name in before] == list(ward.state.forgotten)


def test_who_enrols_again_begins_without_fingers_and_copies(ward: Keeping) -> None:
    ward.copy()
    before = ward.of("N1")
    look_up_nina(ward)
    ward.press("edit:again")
    ward.press("enrol_again:pin")
    ward.press("save_change")
    assert ward.of("N1") == ()
    gone(ward, before)


def test_who_takes_back_their_yes_keeps_their_fingers_and_has_no_copies(ward: Keeping) -> None:
    ward.copy()
    before = ward.of("N1")
    look_up_nina(ward)
    ward.press("edit")
    ward.press("take_back")
    assert ward.records(fr.CopiesTakenBack) == [fr.CopiesTakenBack(ward.ref("N1"), ward.ref("A1"))]
    assert ward.state.people[ward.ref("N1")].slots
    assert "take_back" not in screens.buttons(ward.screen())
    ward.copy()
    assert [it.attachment for it in ward.records(r.Erased)] == [name for _, name in before]
    assert ward.of("N1") == () and len(ward.attachments()) > 0
    bodies = [r.decode_body(data) for data in ward.sink.bodies]
    rows = people_report.changes(bodies, Attachments(ward.sink))
    assert ("Nina Nurse", "Ada Admin") in [
        (row[2], row[4]) for row in rows if "no copies" in row[6]
    ]


def test_a_site_that_keeps_no_copies_any_more_has_none(ward: Keeping) -> None:
    ward.copy()
    before = ward.attachments()
    assert before
    ward.plan = PLAN
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", SENSOR))
    ward.wait(2)
    assert not ward.attachments()
    assert sorted(it.attachment for it in ward.records(r.Erased)) == before
    assert ward.state.people[ward.ref("N1")].slots, "the fingers stay"


def test_a_copy_that_was_erased_by_right_is_not_made_anew(ward: Keeping) -> None:
    ward.copy()
    ((_, name),) = ward.of("N1")
    ward.state.people[ward.ref("N1")].standing = "suspended"
    ward.wall_ms += 731 * retention.DAY_MS
    assert not ward.do(e.Erase((name,), "right")).refusal
    ward.state.people[ward.ref("N1")].standing = "active"
    ward.commands.clear()
    ward.wait(3)
    assert not [it for it in ward.commands if isinstance(it, e.ReadFinger)]


def test_a_copy_of_somebody_who_works_here_is_not_past_any_term(ward: Keeping) -> None:
    ward.copy()
    ((_, name),) = ward.of("N1")
    now_ms = ward.wall_ms + 3000 * retention.DAY_MS
    assert name not in retention.due(ward.state, now_ms)
    assert ward.do(e.Erase((name,), "right", "court-1")).refusal


def test_a_snapshot_holds_no_copy_and_leads_to_the_same_state(ward: Keeping) -> None:
    ward.copy()
    data = snapshot.take(ward.state)
    assert b"sealed" not in data
    restored = snapshot.restore(data, Attachments(ward.sink))
    assert restored.people[ward.ref("N1")].templates == ward.of("N1")


def test_no_export_holds_a_copy_also_not_with_attachments() -> None:
    assert {"template", "totp", "security_key", "credential"} <= set(evidence.NEVER)


# --- sealing --------------------------------------------------------------------------------------

PEPPER, NONCE = bytes(range(32)), bytes(12)


def test_a_copy_opens_for_its_person_and_model_alone_and_not_without_the_pepper() -> None:
    template = bytes(range(256)) * 2
    sealed = templates.sealing(PEPPER, "p1", NONCE)("zfm:0009", bytearray(template))
    assert template[:16] not in sealed.encode()
    opened = templates.unsealing(PEPPER, "p1", sealed)("zfm:0009")
    assert opened is not None and bytes(opened) == template
    assert templates.unsealing(PEPPER, "p1", sealed)("zfm:0021") is None
    assert templates.unsealing(PEPPER, "p2", sealed)("zfm:0009") is None
    assert templates.unsealing(bytes(32), "p1", sealed)("zfm:0009") is None


@pytest.mark.parametrize("at", [0, 12, 40, -1])
def test_a_copy_that_was_altered_opens_for_nobody(at: int) -> None:
    sealed = templates.sealing(PEPPER, "p1", NONCE)("zfm:0009", bytearray(512))
    data = bytearray(base64.b64decode(sealed))
    data[at] ^= 1
    altered = base64.b64encode(data).decode()
    assert templates.unsealing(PEPPER, "p1", altered)("zfm:0009") is None


@pytest.mark.parametrize("text", ["", "garbage", "AAAA", "²", "A" * 10_000])
def test_what_is_no_copy_opens_for_nobody(text: str) -> None:
    assert templates.unsealing(PEPPER, "p1", text)("zfm:0009") is None


def test_attack_a_template_that_another_sensor_gave_out_is_nobodys_copy(ward: Keeping) -> None:
    """It came up between the tick that asked and the asking: its slot holds the swapper's finger,
    which would be loaded as this person's into a sensor that two people approve later.
    """
    ward.wait(1)
    asked = ward.command(e.ReadFinger)
    down(ward)
    ward.do(e.DeviceChanged("fingerprint", "", "c3" * 16))
    ward.do(e.FingerSeen(asked.request, "read", asked.slot, sealed="the swapper's"))
    assert not ward.records(fr.TemplateKept)
    ward.do(e.DeviceChanged("fingerprint", "", SENSOR))
    ward.copy()
    assert asked.slot in [it.slot for it in ward.records(fr.TemplateKept)]
