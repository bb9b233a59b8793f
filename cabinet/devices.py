"""The cabinet's devices as the configuration has them: drivers on their lines, pins and clock.

Not for running them. One rule: a pin factory is the one that is named, never a fallback.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from cabinet import labels
from cabinet.configuration import PRODUCTION_FACTORIES, Configuration, NotThisCabinet
from cabinet.events import CodeSeen
from drivers import readings as d
from drivers.clock import Clock
from drivers.fingerprint import FingerprintSensor
from drivers.frames import LineDecoder, SensorDecoder
from drivers.lines import BADGE, CODE, MOST_CHARS, LineReader, badge_reader, barcode_scanner
from drivers.link import Connect
from drivers.locks import DrawerPins, Locks
from drivers.security_key import KeyLink, SecurityKey
from drivers.tap import Tap


@dataclass(frozen=True)
class Devices:
    """The cabinet's devices, not yet running."""

    locks: Locks
    finger: FingerprintSensor
    badge: LineReader
    scanner: LineReader
    key: SecurityKey
    taps: Mapping[str, Tap]

    def owned(self) -> tuple[tuple[str, Any], ...]:
        """Each with the name of its owner, in the order in which they are started."""
        return (
            ("locks", self.locks),
            ("fingerprint", self.finger),
            ("badge", self.badge),
            ("scanner", self.scanner),
            ("security_key", self.key),
        )


def pin_factory(configuration: Configuration, *, demo: bool) -> Any:
    """gpiozero's factory named in the configuration, by its entry point; never a fallback."""
    name = configuration.devices.pin_factory
    if not demo and name not in PRODUCTION_FACTORIES:
        raise NotThisCabinet(
            f"devices.pin_factory: {name!r} is for demo cabinets; use "
            f"{' or '.join(PRODUCTION_FACTORIES)}"
        )
    found = [p for p in entry_points(group="gpiozero_pin_factories") if p.name.lower() == name]
    if not found:
        raise NotThisCabinet(f"devices.pin_factory: gpiozero knows no factory {name!r}")
    return found[0].load()()


def open_devices(
    configuration: Configuration,
    factory: Any,
    clock: Clock,
    connect: Callable[[str], Connect],
    post: Callable[[d.Reading | CodeSeen], None],
    post_now: Callable[[d.Reading], None],
    key: Callable[[], KeyLink],
) -> Devices:
    """The drivers of the configuration's devices; `connect` opens the line of the one it names.

    The locks post by `post_now`, which never waits: a full queue ends their owner with every coil
    off, rather than keep one energised. `key` opens whatever security key is plugged in.
    """
    devices, timings = configuration.devices, configuration.timings
    pins = [
        DrawerPins(w.id, w.lock_pin, w.switch_pin, w.latch_pin, w.light_pin)
        for w in configuration.drawer
    ]

    def scanned(reading: d.Reading) -> None:
        """Parsed by the scanner's own owner, off the controller's thread."""
        post(labels.read(reading.text) if isinstance(reading, d.CodeScanned) else reading)

    badges, scans = ("a badge's line", BADGE, MOST_CHARS), ("a label's line", CODE, MOST_CHARS)
    taps = {
        "fingerprint": Tap(SensorDecoder(), clock),
        "badge": Tap(LineDecoder(*badges), clock),
        "scanner": Tap(LineDecoder(*scans), clock),
    }
    lines = {name: tap.on(connect(name)) for name, tap in taps.items()}
    return Devices(
        Locks(
            pins,
            factory,
            clock,
            post_now,
            beeper_pin=devices.beeper_pin,
            pulse_ms=timings.pulse_ms,
            rest_ms=timings.rest_ms,
            settle_ms=timings.settle_ms,
        ),
        FingerprintSensor(
            lines["fingerprint"], clock, post, min_score=configuration.rules.finger_min_score
        ),
        badge_reader(lines["badge"], clock, post),
        barcode_scanner(lines["scanner"], clock, scanned),
        SecurityKey(key, clock, post),
        taps,
    )
