"""What the page shows, as plain JSON values: the physical world at one instant.

One rule: nothing here comes from the controller but whether its process runs.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sim.bench.gestures import Power
from sim.bench.words import describe, finger_name, hint, medicine_name, tone
from sim.cabinet import SimulatedCabinet
from sim.happenings import Happening, Kind
from sim.medicines import Medicine
from sim.people import by_badge

MOST_EVENTS = 40
LOOK_BACK = 400  # happenings, for the list and the hint
_BEEPS = (Kind.BEEPER_ON, Kind.BEEPER_OFF)


def state(
    cabinet: SimulatedCabinet, power: Power, medicines: Mapping[str, Medicine]
) -> dict[str, Any]:
    """All that moves on the page."""
    view, events = cabinet.world.view(), cabinet.world.events[-LOOK_BACK:]
    now = time.monotonic()
    badge, scan = (
        next((it for it in reversed(events) if it.kind is kind), None)
        for kind in (Kind.BADGE, Kind.SCANNED)
    )
    person = by_badge(badge.detail) if badge is not None else None
    return {
        "mains": view.mains,
        "controller": view.mains and power.is_on(),
        "connected": cabinet.connected,
        "beeper": view.beeper,
        "finger": view.finger,
        "finger_name": finger_name(view.finger) if view.finger else "",
        "plugged": dict(view.plugged),
        "badge": badge.number if badge else 0,
        "badge_name": person.name if person else "",
        "scan": scan.number if scan else 0,
        "hands": _counted(view.hands, medicines),
        "drawers": {
            drawer.id: {
                "open": drawer.is_open,
                "hook": drawer.hook_engaged,
                "coil": drawer.coil,
                "pulses": drawer.pulses,
                "light": drawer.light,
                "faults": [fault.name.lower() for fault in drawer.faults],
                "tablets": {
                    place: _counted(there, medicines) for place, there in drawer.tablets.items()
                },
            }
            for drawer in view.drawers
        },
        "events": _listed(events, medicines, now),
        "hint": hint(view, events, now),
    }


def _counted(counts: Mapping[str, int], medicines: Mapping[str, Medicine]) -> list[dict[str, Any]]:
    return [
        {"medicine": code, "name": medicine_name(code, medicines), "count": count}
        for code, count in counts.items()
    ]


def _listed(
    events: tuple[Happening, ...], medicines: Mapping[str, Medicine], now: float
) -> list[dict[str, Any]]:
    """The newest events, newest first; a beeper that goes on and on is said once."""
    wall = time.time() - now
    listed: list[dict[str, Any]] = []
    beeping = False
    for event in reversed(events):
        if event.kind in _BEEPS and beeping:
            continue
        beeping = event.kind in _BEEPS
        when = datetime.fromtimestamp(wall + event.at)
        listed.append(
            {
                "number": event.number,
                "time": when.strftime("%H:%M:%S.") + f"{when.microsecond // 100_000}",
                "tone": tone(event.kind),
                "words": describe(event, medicines),
            }
        )
        if len(listed) == MOST_EVENTS:
            break
    return listed
