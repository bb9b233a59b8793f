"""The invariants of the design that a ledger and the physical world's log show together.

A model kept simple: lists of what happened; it repeats no rule of the cabinet. Numbers are those of
the design's table.
"""

from collections.abc import Iterable, Sequence

from cabinet import records as r
from cabinet import service_records as sr
from sim.happenings import Happening, Kind, pulses

PULSE_LIMIT_S = 1.0
EPSILON_S = 0.05  # between an edge on the wire and its log


def check(bodies: Sequence[r.Body], happenings: Sequence[Happening], *, rest_s: float) -> None:
    """Raise AssertionError naming the invariant that does not hold."""
    records = [body.record for body in bodies]
    one_record_for_each_pulse(records, happenings)
    one_record_for_each_opening(records, happenings)
    postings_sum_to_zero(records)
    two_factors_and_two_people(records)
    one_drawer_at_a_time(happenings)
    short_pulses_with_rest(happenings, rest_s)


def _count(records: Iterable[r.Record], kind: type, drawer: str) -> int:
    return sum(1 for it in records if isinstance(it, kind) and getattr(it, "drawer", "") == drawer)


def _drawers(happenings: Iterable[Happening]) -> list[str]:
    return sorted({it.drawer for it in happenings if it.drawer})


def one_record_for_each_pulse(records: Sequence[r.Record], happenings: Sequence[Happening]) -> None:
    """1: no lock is energised without a durable record that orders it; none twice for one."""
    for drawer in _drawers(happenings):
        energised = sum(1 for pulse in pulses(happenings) if pulse.drawer == drawer)
        ordered = _count(records, r.AccessStarted, drawer)
        ordered += _count(records, sr.LockTestOrdered, drawer)
        assert energised <= ordered, f"1: {drawer} energised {energised}, ordered {ordered}"
    for record in records:
        if isinstance(record, r.AccessStarted):
            assert record.person and record.session and record.factors, "1: who and by what"
            assert record.pocket or record.kind == "return", "1: which pocket"
        if isinstance(record, sr.LockTestOrdered):
            assert (record.key or record.person) and record.factors, "1: who and by what"


def one_record_for_each_opening(
    records: Sequence[r.Record], happenings: Sequence[Happening]
) -> None:
    """2: every opening has one authorising record or one tamper record."""
    accesses = {it.access: it for it in records if isinstance(it, r.AccessStarted)}
    seen_open = {it.access for it in records if isinstance(it, r.DrawerOpened)}
    for drawer in _drawers(happenings):
        opened = sum(1 for it in happenings if it.kind is Kind.OPENED and it.drawer == drawer)
        recorded = _count(records, r.DrawerOpened, drawer) + _count(records, r.DrawerForced, drawer)
        for record in records:  # opened while the controller was away, found so at its start
            if isinstance(record, r.AccessInterrupted) and record.opened:
                started = accesses[record.access]
                recorded += started.drawer == drawer and record.access not in seen_open
            if isinstance(record, sr.LockTestInterrupted) and record.opened:
                recorded += record.drawer == drawer and record.access not in seen_open
        assert opened <= recorded, f"2: {drawer} opened {opened} times, recorded {recorded}"


def postings_sum_to_zero(records: Sequence[r.Record]) -> None:
    """3, first half: each record's postings sum to zero."""
    for record in records:
        assert r.balanced(r.postings_of(record)), f"3: {type(record).__name__}"


def two_factors_and_two_people(records: Sequence[r.Record]) -> None:
    """5: two kinds of factor for a controlled substance; a witness is somebody else."""
    controlled = {
        it.medicine for it in records if isinstance(it, r.MedicineListed) and it.schedule != "none"
    }
    for record in records:
        match record:
            case r.AccessStarted() if record.medicine in controlled:
                assert len(set(record.factors)) >= 2, "5: factors of an access"
            case r.Wasted() | r.Counted() if isinstance(record, r.Wasted) or record.witness:
                assert record.witness != record.person, "5: a witness is a second person"
                assert len(set(record.witness_factors)) >= 2, "5: factors of a witness"


def one_drawer_at_a_time(happenings: Sequence[Happening]) -> None:
    """6: no coil is energised while a drawer is open."""
    is_open: dict[str, bool] = {}
    for it in happenings:
        if it.kind is Kind.OPENED:
            is_open[it.drawer] = True
        elif it.kind is Kind.CLOSED:
            is_open[it.drawer] = False
        elif it.kind is Kind.COIL_ON:
            assert not any(is_open.values()), f"6: {it.drawer} released with a drawer open"


def short_pulses_with_rest(happenings: Sequence[Happening], rest_s: float) -> None:
    """8: no pulse over the limit, no coil again within its rest time."""
    last: dict[str, float] = {}
    for pulse in pulses(happenings):
        off = pulse.off if pulse.off is not None else pulse.on
        assert off - pulse.on <= PULSE_LIMIT_S + EPSILON_S, (
            f"8: {pulse.drawer} for {off - pulse.on}"
        )
        if pulse.drawer in last:
            rest = pulse.on - last[pulse.drawer]
            assert rest >= rest_s - EPSILON_S, f"8: {pulse.drawer} after {rest} s"
        last[pulse.drawer] = off
