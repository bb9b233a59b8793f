"""How long a coil rests before its first pulse after a start, by what the ledger says of the last.

Not for the rest between two pulses of one run (`drivers/locks.py`). One rule: what is not known for
sure was a moment ago.
"""

from cabinet.service_effects import tested
from cabinet.state import State


def resting_s(state: State, mono_ms: int) -> dict[str, float]:
    """Drawer -> how long its coil must rest before the first pulse of this start.

    A process may be back within the rest time of the last one's pulse, which ended at the latest a
    pulse after the access's newest entry; of an access that went on nobody knows how late it was.
    The monotonic clock begins again where the machine did, so what it says is at least so long ago.
    """
    timings = state.plan.timings
    going_on = state.access.started.drawer if state.access is not None else tested(state)[0]
    found = {}
    for name, drawer in state.drawers.items():
        if drawer.used_ms < 0:
            continue
        began_anew = mono_ms < drawer.used_ms
        ago_ms = mono_ms if began_anew else mono_ms - drawer.used_ms
        if going_on == name and not began_anew:
            ago_ms = 0
        left_ms = timings.rest_ms + 2 * timings.pulse_ms - ago_ms
        if left_ms > 0:
            found[name] = left_ms / 1000
    return found
