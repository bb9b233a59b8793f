"""What the kernel shows of disk, clock and supply, from files as a Raspberry Pi has them."""

import os
from pathlib import Path

import pytest

from cabinet import board

EMMC = os.makedev(179, 2)


def put(system: Path, files: dict[str, str]) -> None:
    """These files below /sys and /run."""
    for name, text in files.items():
        file = system / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def disk(system: Path, whole_name: str, part: str, /, **facts: str) -> None:
    """A disk with one partition, as /sys/dev/block leads to it."""
    whole = f"sys/devices/platform/{whole_name}"
    put(system, {f"{whole}/{part}/partition": "2\n", f"{whole}/stat": "1 2 3 4 5 6 4096 8\n"})
    put(system, {f"{whole}/device/{key}": f"{text}\n" for key, text in facts.items()})
    place = system / "sys/dev/block/179:2"
    place.parent.mkdir(parents=True)
    place.symlink_to(system / whole / part)


@pytest.mark.parametrize(
    ("life", "shown"),
    [
        ("0x01 0x02", "10 to 20 % of its life used, by its own estimate"),
        ("0x01 0x01", "0 to 10 % of its life used, by its own estimate"),
        ("0x0a 0x03", "90 to 100 % of its life used, by its own estimate"),
        ("0x0b 0x01", "beyond its expected life: replace it now"),
        ("0x00 0x00", "not shown by the kernel for this disk"),
        ("", "not shown by the kernel for this disk"),
        ("0xzz 12 0x", "not shown by the kernel for this disk"),
    ],
)
def test_the_wear_of_an_emmc_is_its_own_estimate(tmp_path: Path, life: str, shown: str) -> None:
    disk(tmp_path, "mmcblk0", "mmcblk0p2", type="MMC", name="BJTD4R", life_time=life)
    facts = dict(board.disk(EMMC, tmp_path))
    assert facts["wear"] == shown
    assert facts["disk"] == "mmcblk0, eMMC BJTD4R"
    assert facts["written since the start"] == "2 MiB"


def test_spare_blocks_errors_and_what_was_written_are_said_where_the_kernel_shows_them(
    tmp_path: Path,
) -> None:
    disk(tmp_path, "mmcblk0", "mmcblk0p2", type="MMC", life_time="0x01 0x01", pre_eol_info="0x03")
    put(tmp_path, {"sys/fs/ext4/mmcblk0p2/lifetime_write_kbytes": f"{5 * 2**20}\n"})
    put(tmp_path, {"sys/fs/ext4/mmcblk0p2/errors_count": "0\n"})
    facts = dict(board.disk(EMMC, tmp_path))
    assert facts["spare blocks"] == "nearly used: replace it now"
    assert facts["written in its life"] == "5 GiB, by its file system"
    assert facts["file system errors"] == "0"


def test_an_sd_card_an_nvme_and_a_usb_disk_say_nothing_of_their_wear(tmp_path: Path) -> None:
    disk(tmp_path / "a", "mmcblk0", "mmcblk0p2", type="SD", name="SC64G", date="03/2024")
    facts = dict(board.disk(EMMC, tmp_path / "a"))
    assert facts["disk"] == "mmcblk0, SD card SC64G"
    assert facts["wear"] == "an SD card does not say; made 03/2024, replace it by its age"
    for name, said in (("nvme0n1", "NVMe Fast 1"), ("sda", "disk Fast 1")):
        disk(tmp_path / name, name, f"{name}p2", model="Fast 1")
        facts = dict(board.disk(EMMC, tmp_path / name))
        assert facts["disk"] == f"{name}, {said}"
        assert facts["wear"] == "not shown by the kernel for this disk"


def test_an_encrypted_volume_is_on_the_disk_beneath_it(tmp_path: Path) -> None:
    disk(tmp_path, "mmcblk0", "mmcblk0p2", type="MMC", life_time="0x02 0x02")
    volume = tmp_path / "sys/devices/virtual/block/dm-0"
    (volume / "slaves").mkdir(parents=True)
    (volume / "slaves" / "mmcblk0p2").symlink_to(tmp_path / "sys/dev/block/179:2")
    (tmp_path / "sys/dev/block/254:0").symlink_to(volume)
    facts = dict(board.disk(os.makedev(254, 0), tmp_path))
    assert facts["disk"].startswith("mmcblk0, eMMC")


def test_a_disk_that_the_kernel_does_not_show_is_unknown(tmp_path: Path) -> None:
    assert board.disk(EMMC, tmp_path) == (("disk", "unknown"),)


def test_the_clocks_are_told_apart(tmp_path: Path) -> None:
    facts = dict(board.clocks(tmp_path, 1_790_000_000))
    assert facts["set by the network"].startswith("not since the start")
    assert facts["battery clock"].startswith("none:")
    rtc = {"name": "rtc-ds1307", "since_epoch": "1789999990\n"}
    put(tmp_path, {f"sys/class/rtc/rtc0/{name}": text for name, text in rtc.items()})
    put(tmp_path, {"run/systemd/timesync/synchronized": ""})
    os.utime(tmp_path / "run/systemd/timesync/synchronized", (1_790_000_000, 1_790_000_000))
    facts = dict(board.clocks(tmp_path, 1_790_000_000))
    assert facts["set by the network"] == "yes, last at 2026-09-21 14:13 UTC"
    assert facts["battery clock"] == "rtc-ds1307, -10 s from the wall clock"


def test_the_supply_is_what_the_firmware_or_the_kernels_sensor_says(tmp_path: Path) -> None:
    assert board.power(tmp_path) == (("supply", "unknown"),)
    sensor = "sys/class/hwmon/hwmon1"
    put(tmp_path, {f"{sensor}/name": "rpi_volt\n", f"{sensor}/in0_lcrit_alarm": "1\n"})
    assert board.power(tmp_path) == (("supply", "under-voltage now"),)
    for raw, said in (("50005", "under-voltage now, throttled now"), ("0", "good since the start")):
        put(tmp_path, {str(board.THROTTLED): f"{raw}\n"})
        assert dict(board.power(tmp_path))["supply"].startswith(said)
