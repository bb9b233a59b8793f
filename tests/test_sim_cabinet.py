"""A simulated cabinet's ports, sockets and file: what a controller finds, and what is kept."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from cabinet.configuration import load
from sim.cabinet import SimulatedCabinet
from sim.errors import BadSave, NoSuchThing, SimulatorError
from sim.happenings import Kind, pulses
from sim.medicines import DEMO
from sim.pins import SocketLines
from sim.supervisor import Child
from tests.demo import PATIENCE_S, until

pytestmark = pytest.mark.real_time
BADGE = "0049137025"
LOCK, LATCH = 16, 3


def made(folder: Path) -> SimulatedCabinet:
    return SimulatedCabinet(folder, load(DEMO / "cabinet.toml"), stock={"D1-1": 10})


@pytest.fixture(name="it")
def _it(tmp_path: Path) -> Iterator[SimulatedCabinet]:
    cabinet = made(tmp_path)
    cabinet.start()
    yield cabinet
    cabinet.stop()


def test_a_badge_held_to_the_reader_is_read_at_its_serial_port(
    it: SimulatedCabinet, tmp_path: Path
) -> None:
    with serial.Serial(str(tmp_path / "run/badge"), timeout=PATIENCE_S) as port:
        assert it.present(BADGE)
        assert port.readline() == BADGE.encode() + b"\r\n"
    assert [event.kind for event in it.world.events] == [Kind.BADGE]


def test_a_label_is_read_at_the_scanners_port(it: SimulatedCabinet, tmp_path: Path) -> None:
    with serial.Serial(str(tmp_path / "run/scanner"), timeout=PATIENCE_S) as port:
        assert it.scan("]d20100312345678906\x1d21X")
        assert port.read_until(b"\r") == b"]d20100312345678906\x1d21X\r"


@pytest.mark.parametrize("text", ["", "x" * 129, "a\nb", "a\rb", "é"])
def test_what_no_reader_sends_is_refused(it: SimulatedCabinet, text: str) -> None:
    assert not it.present(text)
    assert not it.scan(text)


def test_the_sensor_sees_the_finger_that_is_on_the_glass(it: SimulatedCabinet) -> None:
    capture = bytes.fromhex("ef01ffffffff010003010005")
    [(_, frame)] = it.sensor.feed(capture)
    assert frame[9] == 0x02  # no finger
    it.world.touch("amina:right-index")
    [(_, frame)] = it.sensor.feed(capture)
    assert frame[9] == 0x00


def test_an_unplugged_device_is_gone_and_comes_back_at_the_same_path(
    it: SimulatedCabinet, tmp_path: Path
) -> None:
    assert it.unplug("badge")
    assert not it.unplug("badge")
    assert not (tmp_path / "run/badge").exists()
    assert not it.present(BADGE)
    assert it.plug("badge")
    with serial.Serial(str(tmp_path / "run/badge"), timeout=PATIENCE_S) as port:
        assert it.present(BADGE)
        assert port.readline() == BADGE.encode() + b"\r\n"
    with pytest.raises(NoSuchThing):
        it.unplug("printer")


def test_another_sensor_is_fitted_without_fingers_and_without_a_mark(
    it: SimulatedCabinet, tmp_path: Path
) -> None:
    it.sensor.templates[7] = "amina:right-index"
    it.sensor.notepad[0] = bytes(32)
    assert it.replace_sensor()
    assert not it.sensor.templates and not it.sensor.notepad
    assert (tmp_path / "run/fingerprint").exists()
    assert [event.detail for event in it.world.events] == ["fingerprint"] * 2
    it.cut_power()
    assert it.replace_sensor()
    assert not (tmp_path / "run/fingerprint").exists(), "there is no power"


def test_a_power_cut_darkens_the_devices_and_what_was_unplugged_stays_so(
    it: SimulatedCabinet, tmp_path: Path
) -> None:
    it.unplug("scanner")
    assert it.cut_power()
    assert not any((tmp_path / "run" / name).exists() for name in ("fingerprint", "badge"))
    assert not it.present(BADGE)
    assert it.restore_power()
    assert (tmp_path / "run/badge").exists()
    assert not (tmp_path / "run/scanner").exists()


def test_coils_and_the_one_shot_keep_time_by_themselves(it: SimulatedCabinet) -> None:
    lines = SocketLines(str(it.socket))
    lines.drive(LOCK, True)
    until(lambda: lines.level(LATCH) is True)
    until(lambda: any(pulse.cut for pulse in pulses(it.world.events)))
    lines.close()
    until(lambda: not it.connected)


def test_tablets_drawers_latches_and_templates_outlive_the_process(tmp_path: Path) -> None:
    first = made(tmp_path)
    first.start()
    first.world.pry("D1")
    first.world.take("D1-1", 4)
    first.sensor.templates[7] = "amina:right-index"
    first.stop()
    second = made(tmp_path)
    assert second.world.saved() == first.world.saved()
    assert second.world.tablets("D1-1") == {"OXYC-5-TAB": 6}
    assert second.sensor.templates == {7: "amina:right-index"}


def test_a_change_is_on_disk_soon_and_the_file_is_the_owners_alone(
    it: SimulatedCabinet, tmp_path: Path
) -> None:
    file = tmp_path / "world.json"
    it.world.pry("D2")
    until(lambda: file.exists() and json.loads(file.read_text())["world"]["drawers"]["D2"]["open"])
    it.sensor.templates[3] = "mei:left-index"
    until(lambda: json.loads(file.read_text())["templates"] == {"3": "mei:left-index"})
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_power_cut_while_a_controller_waits_to_be_started_again_keeps_it_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = Child("controller", ["--no-such-option"], tmp_path)  # ends by itself
    child.start()
    child.look()
    ended = child._process
    assert ended is not None
    ended.wait()
    looking = threading.Thread(target=child.look)
    looking.start()
    until(lambda: "is started again" in capsys.readouterr().err)
    child.kill()
    looking.join()
    assert child._process is None and not child.wanted


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', '{"version": 2, "templates": {}}'])
def test_a_file_that_is_no_saved_world_is_refused_with_the_remedy(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "world.json").write_text(text)
    with pytest.raises(BadSave, match=r"world.json: .*remove the file"):
        made(tmp_path)


def test_a_cabinet_that_is_no_demo_is_never_simulated(tmp_path: Path) -> None:
    text = (DEMO / "cabinet.toml").read_text().replace("demo = true", "demo = false")
    text = text.replace('"cabinet_sim"', '"lgpio"')
    (tmp_path / "cabinet.toml").write_text(text)
    with pytest.raises(SimulatorError, match="demo = true"):
        SimulatedCabinet(tmp_path, load(tmp_path / "cabinet.toml"))


@pytest.mark.parametrize("port", ["/dev/ttyUSB0", "../badge"])
def test_a_port_outside_the_cabinets_folder_is_never_replaced(tmp_path: Path, port: str) -> None:
    text = (DEMO / "cabinet.toml").read_text().replace("run/badge", port)
    (tmp_path / "cabinet.toml").write_text(text)
    with pytest.raises(SimulatorError, match="outside the cabinet's folder"):
        SimulatedCabinet(tmp_path, load(tmp_path / "cabinet.toml"))
