"""What the kernel says of the board: the ledger's disk and its wear, the battery clock, the supply.

Not for the state of the cabinet. One rule: each fact is a short read of a file below /sys or /run;
what the kernel does not show is said so, and never guessed.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

Pairs = tuple[tuple[str, str], ...]
UNKNOWN = "unknown"
SYNCHRONISED = Path("run/systemd/timesync/synchronized")  # made anew at each synchronisation
THROTTLED = Path("sys/devices/platform/soc/soc:firmware/get_throttled")
HWMON = Path("sys/class/hwmon")
CLOCK = Path("sys/class/rtc/rtc0")
MAX_FACT_BYTES = 256
SECTOR_BYTES = 512  # of /sys/block/DISK/stat, whatever the disk's own are
# eMMC's own estimate (JEDEC JESD84-B51, EXT_CSD 268 and 269): tenths of its life used.
LIFE_NOT_SAID, LIFE_EXCEEDED = 0x00, 0x0B
# Its spare blocks (EXT_CSD 267).
SPARE = {
    "0x01": "normal",
    "0x02": "80 % used: replace it soon",
    "0x03": "nearly used: replace it now",
}
# Bits of the Raspberry Pi firmware's get_throttled.
POWER_BITS = (
    (0, "under-voltage now"),
    (1, "frequency capped now"),
    (2, "throttled now"),
    (16, "under-voltage since the start"),
    (17, "frequency capped since the start"),
    (18, "throttled since the start"),
)


def read(path: Path) -> str:
    """The beginning of a small file of the kernel's, "" where there is none."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FACT_BYTES)
    except OSError:
        return ""
    return data.decode("ascii", "replace").strip("\0\n ")


# --- the disk -------------------------------------------------------------------------------------


def disk(device: int, system: Path) -> Pairs:
    """Kind, wear and errors of the disk with this device number (st_dev of a file on it)."""
    place = system / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    if not place.exists():
        return (("disk", UNKNOWN),)
    part = place.resolve()
    whole = _beneath(part)
    return (
        ("disk", _kind(whole)),
        *_life(whole),
        *_file_system(system / "sys/fs/ext4" / part.name),
        ("written since the start", _written(whole)),
    )


def _beneath(part: Path) -> Path:
    """The disk that a partition, or an encrypted volume on one, is on."""
    for _ in range(3):
        slaves = sorted((part / "slaves").iterdir()) if (part / "slaves").is_dir() else []
        if len(slaves) != 1:
            break
        part = slaves[0].resolve()
    return part.parent if (part / "partition").exists() else part


def _kind(whole: Path) -> str:
    model = read(whole / "device/model") or read(whole / "device/name") or "of no name"
    sort = {"MMC": "eMMC", "SD": "SD card"}.get(read(whole / "device/type"), "")
    if not sort:
        sort = "NVMe" if whole.name.startswith("nvme") else "disk"
    return f"{whole.name}, {sort} {model}"


def _life(whole: Path) -> Iterator[tuple[str, str]]:
    sort = read(whole / "device/type")
    estimates = [
        int(part, 16)
        for part in read(whole / "device/life_time").split()
        if part[:2] == "0x" and len(part) == 4 and set(part[2:]) <= set("0123456789abcdefABCDEF")
    ]
    worst = max(estimates, default=LIFE_NOT_SAID)
    if worst >= LIFE_EXCEEDED:
        yield "wear", "beyond its expected life: replace it now"
    elif worst != LIFE_NOT_SAID:
        yield "wear", f"{worst * 10 - 10} to {worst * 10} % of its life used, by its own estimate"
    elif sort == "SD":
        made = read(whole / "device/date")
        yield "wear", f"an SD card does not say; made {made or UNKNOWN}, replace it by its age"
    else:
        yield "wear", "not shown by the kernel for this disk"
    spare = SPARE.get(read(whole / "device/pre_eol_info"))
    if spare:
        yield "spare blocks", spare


def _file_system(facts: Path) -> Iterator[tuple[str, str]]:
    written, errors = read(facts / "lifetime_write_kbytes"), read(facts / "errors_count")
    if written.isascii() and written.isdecimal():
        yield "written in its life", f"{int(written) // 2**20} GiB, by its file system"
    if errors.isascii() and errors.isdecimal():
        yield "file system errors", errors


def _written(whole: Path) -> str:
    fields = read(whole / "stat").split()
    if len(fields) < 7 or not fields[6].isdecimal():
        return UNKNOWN
    return f"{int(fields[6]) * SECTOR_BYTES // 2**20} MiB"


# --- clocks and supply ----------------------------------------------------------------------------


def clocks(system: Path, now_s: float) -> Pairs:
    """Whether the network sets the clock, and the battery clock beside it."""
    try:
        last = time.gmtime((system / SYNCHRONISED).stat().st_mtime)
        network = time.strftime("yes, last at %Y-%m-%d %H:%M UTC", last)
    except OSError:
        network = "not since the start, as far as systemd-timesyncd says"
    battery = read(system / CLOCK / "since_epoch")
    if battery.isascii() and battery.isdecimal():
        apart = int(battery) - int(now_s)
        beside = f"{read(system / CLOCK / 'name') or 'there'}, {apart:+d} s from the wall clock"
    else:
        beside = "none: after a power cut the time is wrong until somebody sets it"
    return (("set by the network", network), ("battery clock", beside))


def power(system: Path) -> Pairs:
    """What the board says of its supply."""
    try:
        bits = int(read(system / THROTTLED), 16)
    except ValueError:
        return (("supply", _volts(system)),)
    said = [words for bit, words in POWER_BITS if bits >> bit & 1]
    return (("supply", ", ".join(said) or "good since the start"), ("flags", f"0x{bits:x}"))


def _volts(system: Path) -> str:
    """Debian's own kernel: its sensor knows only of now."""
    for sensor in sorted((system / HWMON).glob("hwmon*")):
        if read(sensor / "name") == "rpi_volt":
            low = read(sensor / "in0_lcrit_alarm")
            return {"0": "good now", "1": "under-voltage now"}.get(low, UNKNOWN)
    return UNKNOWN
