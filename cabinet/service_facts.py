"""What the console shows beside the state: wires, disk, clock, power, settings, read when asked.

Not for the answers' form (`service_answers.py`). One rule: each fact is a short read of a file or
of a driver's memory; what cannot be read is said as unknown and stops nothing.
"""

import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cabinet import board
from cabinet import configuration as site
from cabinet.configuration import Configuration, ConfigurationError
from cabinet.devices import Devices
from cabinet.service_answers import Trace, Wires
from cabinet.version import VERSION
from ledger.store import Store

Pairs = tuple[tuple[str, str], ...]


class Facts:
    """Reads them for one cabinet."""

    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        store: Store,
        devices: Callable[[], Devices],
        *,
        file: Path | None = None,
        system: Path = Path("/"),
    ) -> None:
        """`file` is the cabinet.toml in force; `system` is where /sys and /run are."""
        self._configuration, self._folder, self._store = configuration, folder, store
        self._devices, self._system = devices, system
        self._file = file if file is not None else folder / "cabinet.toml"

    def wires(self) -> Mapping[str, Wires]:
        """Each drawer's wires as last sampled."""
        pins = {
            it.id: (it.switch_pin, it.latch_pin, it.lock_pin, it.light_pin)
            for it in self._configuration.drawer
        }
        levels = self._devices().locks.levels()
        return {drawer: Wires(*read, pins=pins[drawer]) for drawer, read in levels.items()}

    def refused(self) -> Mapping[str, int]:
        """Lines that the readers sent and that were no good."""
        devices = self._devices()
        return {"badge": devices.badge.refused, "scanner": devices.scanner.refused}

    def about(self) -> Mapping[str, Pairs]:
        """What devices say of themselves, and how many lines the readers read."""
        devices = self._devices()
        return {
            "fingerprint": devices.finger.about(),
            "badge": (("lines read", str(devices.badge.taken)),),
            "scanner": (("lines read", str(devices.scanner.taken)),),
        }

    def listen(self, device: str, on: bool) -> None:
        """Have a device's frames heard, or not any more."""
        self._devices().taps[device].listen(on)

    def heard(self, device: str) -> tuple[tuple[Trace, ...], int]:
        """The frames that came since, and how many more there were."""
        frames, lost = self._devices().taps[device].take()
        return tuple(Trace(it.at_s, it.to_device, it.shown, it.words) for it in frames), lost

    def ledger(self) -> Pairs:
        """How far it is, and what is signed of it."""
        head = self._store.newest_head()
        return (
            ("entries", str(self._store.size)),
            ("newest signed head", str(head.size) if head is not None else "none yet"),
            ("entries after it", str(self._store.size - (head.size if head is not None else 0))),
            ("root of that head", self._store.root(head.size).hex() if head is not None else "-"),
        )

    def storage(self) -> Pairs:
        """Room and wear of the ledger's disk."""
        ledger = self._folder / self._configuration.paths.ledger
        space = os.statvfs(ledger.parent)
        free, total = space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
        return (
            ("free", f"{free // 2**20} MiB of {total // 2**20} MiB"),
            ("free share", f"{100 * free // max(1, total)} %"),
            ("ledger", f"{ledger.stat().st_size // 1024} KiB"),
            *board.disk(ledger.stat().st_dev, self._system),
        )

    def clock(self) -> Pairs:
        """The clocks, and whether somebody sets them."""
        since = int(time.monotonic())
        return (
            ("wall clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())),
            ("local time", time.strftime("%Y-%m-%d %H:%M:%S %Z")),
            *board.clocks(self._system, time.time()),
            ("running for", f"{since // 86_400} d {since // 3600 % 24} h {since // 60 % 60} min"),
        )

    def power(self) -> Pairs:
        """What the board says of its supply."""
        return board.power(self._system)

    def software(self) -> Pairs:
        """What runs here."""
        return software(self._system)

    def settings(self) -> Pairs:
        """The settings in force."""
        return flat(self._configuration)

    def file_settings(self) -> Pairs | str:
        """The settings in the file now, or what is wrong with it."""
        try:
            return flat(site.load(self._file))
        except ConfigurationError as error:
            return f"{error.key}: {error.reason}"


def software(system: Path = Path("/")) -> Pairs:
    """What runs here."""
    return (
        ("cabinet", VERSION),
        ("python", platform.python_version()),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("board", board.read(system / "proc/device-tree/model") or platform.machine()),
    )


def flat(configuration: Configuration) -> Pairs:
    """Every setting with its value, by its key in the file; a pocket is one, and drawers last."""
    found: list[tuple[str, str]] = []

    def walk(key: str, value: Any) -> None:
        if isinstance(value, dict) and ".pocket[" in key:
            found.append((key, ", ".join(map(str, value.values()))))
        elif isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{key}.{name}" if key else name, inner)
        elif isinstance(value, list | tuple):
            for index, inner in enumerate(value):
                walk(f"{key}[{index}]", inner)
        else:
            found.append((key, str(value).lower() if isinstance(value, bool) else str(value)))

    walk("", msgspec.to_builtins(configuration))
    return tuple(sorted(found, key=lambda it: it[0].startswith("drawer[")))
