"""A whole simulated cabinet: the world, its three serial devices, its wires, and its file.

Everything of it is beyond the wires; it knows nothing of what the controller does or believes. One
rule: it outlives the controller, and what is physical outlives it in a file of its own.
"""

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from cabinet.configuration import Configuration
from sim.errors import BadSave, NoSuchThing, SimulatorError
from sim.fingerprint_sensor import ZfmSensor
from sim.happenings import Happening, Kind
from sim.lines import BadgeReader, Scanner
from sim.pty import Emulator, PtyDevice
from sim.views import Outcome
from sim.wires import Wires
from sim.world import DEVICES, World

SAVE_VERSION = 2
SAVE_AFTER_S = 0.2  # changes of the physical world are written this soon
LOOK_AGAIN_S = 1.0  # for changed templates, which nothing announces
MOST_TEXT = 128  # of a badge or a label
_log = logging.getLogger(__name__)

_NOT_KEPT = frozenset(  # kinds of happening that change nothing that lasts
    (
        *(Kind.COIL_ON, Kind.COIL_OFF, Kind.COIL_CUT, Kind.HELD, Kind.BADGE, Kind.SCANNED),
        *(Kind.LIGHT_ON, Kind.LIGHT_OFF, Kind.BEEPER_ON, Kind.BEEPER_OFF),
    )
)


class SimulatedCabinet:
    """One demo cabinet in `folder`: its ports, its pins' socket and its saved world are there."""

    def __init__(
        self, folder: Path, configuration: Configuration, stock: Mapping[str, int] | None = None
    ) -> None:
        """`stock` (pocket -> count) is what lies in it when nothing was saved before."""
        if not configuration.cabinet.demo:
            raise SimulatorError(
                f"cabinet {configuration.cabinet.id} is not marked `demo = true` in its "
                "cabinet.toml; a real cabinet is never simulated"
            )
        self.folder = folder
        self.configuration = configuration
        self._run = folder / configuration.paths.run
        self._file = folder / "world.json"
        ports = {name: getattr(configuration.devices, name).port for name in DEVICES}
        self._ports = {name: folder / port for name, port in ports.items()}
        for name, port in self._ports.items():
            if not port.parent.resolve().is_relative_to(folder.resolve()):
                raise SimulatorError(
                    f"devices.{name}.port is {ports[name]!r}, outside the cabinet's folder; "
                    f'the simulator makes its ports inside it: use "run/{name}"'
                )
        templates: dict[int, str] = {}
        notepad: dict[int, bytes] = {}
        self.world = World(configuration, stock=None if self._file.exists() else stock)
        if self._file.exists():
            templates, notepad = self._load()
        self.sensor = ZfmSensor(self.world.finger, templates, notepad=notepad)
        self._reader, self._scanner = BadgeReader(), Scanner()
        self._devices: dict[str, PtyDevice] = {}
        self._wires = Wires(self.world, self.socket)
        self._saved_sensor = (dict(templates), dict(notepad))
        self._lasting = threading.Event()
        self._stirred = threading.Event()
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="world", daemon=True)
        self._gesture = threading.Lock()  # plugs and power, one at a time

    @property
    def socket(self) -> Path:
        """Where a controller's pins connect: CABINET_SIM_SOCKET for its environment."""
        return self._run / "pins.sock"

    @property
    def connected(self) -> bool:
        """Whether a controller holds the pins."""
        return self._wires.connected

    def start(self) -> None:
        """Make the ports and the socket, and let time pass."""
        self._run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.world.observe(self._happened)
        self._wires.start()
        emulators: dict[str, Emulator] = {
            "fingerprint": self.sensor,
            "badge": self._reader,
            "scanner": self._scanner,
        }
        for name, emulator in emulators.items():
            self._ports[name].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._devices[name] = PtyDevice(emulator, self._ports[name])
        self._keeper.start()

    def stop(self) -> None:
        """Take the ports and the socket away and save what lasts; harmless the second time."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._stirred.set()
        if self._keeper.ident is not None:
            self._keeper.join()
        for device in self._devices.values():
            device.close()
        self._wires.stop()
        self._save()

    # --- gestures (those at the drawers are the world's own) -----------------------------------

    def present(self, badge: str) -> Outcome:
        """Hold a badge to the reader."""
        outcome = self._speak("badge", "the badge reader", badge)
        if outcome:
            self.world.note_badge(badge)
            self._devices["badge"].send(self._reader.present(badge))
        return outcome

    def scan(self, text: str) -> Outcome:
        """Hold a label before the scanner; `text` is what it reads, FNC1 as 0x1D."""
        outcome = self._speak("scanner", "the scanner", text)
        if outcome:
            self.world.note_scan(text)
            self._devices["scanner"].send(self._scanner.scan(text))
        return outcome

    def unplug(self, device: str) -> Outcome:
        """Pull a device's cable."""
        return self._set_plugged(device, False)

    def plug(self, device: str) -> Outcome:
        """Put a device's cable back."""
        return self._set_plugged(device, True)

    def replace_sensor(self) -> Outcome:
        """Fit another finger sensor of the same model: it holds no finger and no mark."""
        with self._gesture:
            self.world.set_plugged("fingerprint", False)
            self._power("fingerprint")
            self.sensor.templates.clear()
            self.sensor.notepad.clear()
            self.world.set_plugged("fingerprint", True)
            self._power("fingerprint")
        return Outcome(True, "another finger sensor is fitted")

    def cut_power(self) -> Outcome:
        """No mains: every device goes dark; killing the controller is its owner's part."""
        return self._set_mains(False)

    def restore_power(self) -> Outcome:
        """Mains again: devices start anew; starting the controller is its owner's part."""
        return self._set_mains(True)

    def _speak(self, device: str, name: str, text: str) -> Outcome:
        view = self.world.view()
        if not 1 <= len(text) <= MOST_TEXT or not text.isascii():
            return Outcome(False, f"{name} reads 1 to {MOST_TEXT} ASCII characters")
        if "\r" in text or "\n" in text:
            return Outcome(False, f"{name} reads no line ends")
        if not view.mains:
            return Outcome(False, f"{name} is dark: there is no power")
        if not view.plugged[device]:
            return Outcome(False, f"{name} is dark: it is unplugged")
        return Outcome(True, f"{name} reads it")

    def _set_plugged(self, device: str, plugged: bool) -> Outcome:
        if device not in self._devices:
            raise NoSuchThing("device", device, list(self._devices))
        with self._gesture:
            outcome = self.world.set_plugged(device, plugged)
            if outcome:
                self._power(device)
        return outcome

    def _set_mains(self, on: bool) -> Outcome:
        with self._gesture:
            outcome = self.world.set_mains(on)
            if outcome:
                for device in self._devices:
                    self._power(device)
        return outcome

    def _power(self, device: str) -> None:
        """A serial device is there while it is plugged in and there is power."""
        view = self.world.view()
        if view.mains and view.plugged[device]:
            self._devices[device].plug()
        else:
            self._devices[device].unplug()

    # --- time and keeping -----------------------------------------------------------------------

    def _happened(self, happening: Happening) -> None:
        if happening.kind not in _NOT_KEPT:
            self._lasting.set()
        self._stirred.set()

    def _keep(self) -> None:
        """Let the world's own changes come in time, and save what lasts soon after it changed."""
        save_at: float | None = None
        while not self._stopping.is_set():
            now = time.monotonic()
            if self._lasting.is_set() and save_at is None:
                save_at = now + SAVE_AFTER_S
            waits = [LOOK_AGAIN_S]
            due = self.world.next_due()
            waits += [it - now for it in (due, save_at) if it is not None]
            self._stirred.wait(max(0.0, min(waits)))
            self._stirred.clear()
            self.world.advance()
            changed = (self.sensor.templates, self.sensor.notepad) != self._saved_sensor
            if changed or (save_at is not None and time.monotonic() >= save_at):
                save_at = None
                try:
                    self._save()
                except OSError as error:
                    self._lasting.set()  # tried again
                    _log.error("%s cannot be written: %s; make room there", self._file, error)

    def _save(self) -> None:
        """Replace the file as a whole, mode 0600."""
        self._lasting.clear()
        templates, notepad = dict(self.sensor.templates), dict(self.sensor.notepad)
        kept = {
            "version": SAVE_VERSION,
            "world": self.world.saved(),
            "templates": {str(slot): finger for slot, finger in templates.items()},
            "notepad": {str(page): data.hex() for page, data in notepad.items()},
        }
        fresh = self._file.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()  # of a half-made save, whatever its mode
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)
        self._saved_sensor = (templates, notepad)

    def _load(self) -> tuple[dict[int, str], dict[int, bytes]]:
        """Restore the world from its file; the sensor's templates and notepad are returned."""
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            if kept["version"] != SAVE_VERSION:
                raise ValueError(f"version {kept['version']!r} is not {SAVE_VERSION}")
            templates = {int(slot): str(finger) for slot, finger in kept["templates"].items()}
            notepad = {int(page): bytes.fromhex(it) for page, it in kept["notepad"].items()}
            self.world.restore(kept["world"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadSave(self._file, f"cannot be used: {error}") from None
        return templates, notepad
