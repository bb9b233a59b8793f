"""The report of technicians' visits: parts, tests and notes, by whom, and who let them in."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import visits_report
from cabinet.journal import attached
from tests.test_service import proof, session
from tests.test_service_work import ask
from tests.ward import Ward


@pytest.fixture
def ward() -> Ward:
    """A visit: let in, a jam found with the pharmacist, a part replaced, a note, and out."""
    ward = Ward()
    ward.do(e.ServiceNotProved("revoked"))
    ward.do(proof())
    ward.sign_in("P1")
    ward.press("menu")
    ward.press(f"admit:{session(ward)}")
    ward.press("sign_out")
    ward.do(e.ServiceAsked(session(ward), "status"))
    ask(ward, "service begin")
    ask(ward, "test lock D1")
    ward.sign_in("P1")
    ward.press("test_lock")
    ward.wait(3)
    ward.press("sign_out")
    ask(ward, "replace locks LK-7 SN77")
    ward.do(e.ServiceWrote(session(ward), "The hook was bent."))
    ask(ward, "service end")
    ward.do(e.ServiceLeft(session(ward), "logout"))
    return ward


def rows(ward: Ward, *, names: bool = True) -> list[dict[str, str]]:
    bodies = (r.decode_body(data) for data in ward.sink.bodies)
    found = visits_report.visits(bodies, attached(ward.sink.attached), names=names)
    return [dict(zip(visits_report.HEADINGS, row, strict=True)) for row in found]


def test_a_visit_is_told_from_the_sign_in_to_its_end(ward: Ward) -> None:
    told = [it["What"] for it in rows(ward)]
    assert told[0] == "sign-in refused: revoked"
    assert told[1].startswith("signed in: key SHA256:")
    assert told[2:] == [
        "let in by Paul Pharmacist",
        "service mode begun",
        "lock pulsed: D1, by Paul Pharmacist, who counts",
        "test: lock D1 failed (the lock did not let go)",
        "replaced: locks, part LK-7, serial SN77",
        "note: The hook was bent.",
        "self-test found nothing; returned",
        "ended: logout",
    ]


def test_each_row_names_its_visit_its_technician_and_its_entry(ward: Ward) -> None:
    refused, *visit = rows(ward)
    assert (refused["Visit"], refused["Technician"]) == ("", "")
    assert {it["Technician"] for it in visit} == {"Sam Okafor"}
    assert len({it["Visit"] for it in visit}) == 1
    entries = [int(it["Entry"]) for it in visit]
    assert entries == sorted(entries) and entries[-1] == ward.sink.size


def test_without_names_nobody_and_no_note_is_in_it(ward: Ward) -> None:
    told = str(rows(ward, names=False))
    for words in ("Okafor", "Paul", "bent"):
        assert words not in told
    assert "key kkkkkkkk" in told and "note " in told
