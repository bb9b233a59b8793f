"""docs/install.md against what it describes: configuration, wiring, units, commands, licences."""

import re
from pathlib import Path

import pytest

from cabinet import cli
from cabinet import configuration as site
from cabinet.configuration import Configuration
from cabinet.keys import NAMES
from drivers.locks import HIGH_AT_POWER_ON

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "install.md").read_text()
UNITS = {unit.name: unit.read_text() for unit in (ROOT / "systemd").glob("*.service")}
# The header's pins of GPIO 2, 3, 4 and so on.
HEADER_PINS = (
    *(3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22),
    *(37, 13),
)
HEADER = dict(enumerate(HEADER_PINS, start=2))


@pytest.fixture
def guided(tmp_path: Path) -> Configuration:
    """The guide's tables with the demo's drawers, as its step 7 says."""
    demo = (ROOT / "sim" / "demo" / "cabinet.toml").read_text()
    drawers = demo[demo.index("[[drawer]]") :]
    tables = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert tables is not None
    file = tmp_path / "cabinet.toml"
    file.write_text(f"{tables[1]}\n{drawers}")
    return site.load(file)


def test_the_guides_configuration_is_right_and_of_a_real_cabinet(guided: Configuration) -> None:
    assert not guided.cabinet.demo
    assert guided.devices.pin_factory == "lgpio"


def test_the_wiring_table_is_that_of_the_configuration(guided: Configuration) -> None:
    rows = re.findall(r"^\| (D\d) \|(.*)\|$", GUIDE, re.MULTILINE)
    wired = {drawer: re.findall(r"(\d+) \((\d+)\)", cells) for drawer, cells in rows}
    for drawer in guided.drawer:
        pins = (drawer.lock_pin, drawer.switch_pin, drawer.latch_pin, drawer.light_pin)
        assert wired[drawer.id] == [(str(pin), str(HEADER[pin])) for pin in pins]
        assert drawer.lock_pin not in HIGH_AT_POWER_ON
    beeper = guided.devices.beeper_pin
    assert f"beeper is on {beeper} ({HEADER[beeper]})" in GUIDE


def test_the_units_and_the_guide_agree_on_where_things_are(guided: Configuration) -> None:
    controller = UNITS["cabinet-controller.service"]
    paths = guided.paths
    assert (
        f"ReadWritePaths={paths.run} {Path(paths.gateway).parent} {Path(paths.console).parent} "
        f"{paths.requests}\n" in controller
    )
    states = [Path(paths.ledger).parent.name, Path(paths.anchor).parent.name]
    assert f"StateDirectory={' '.join(states)}\n" in controller
    for unit in UNITS.values():
        ours = "/bin/cabinet " in unit
        assert not ours or f"--config {cli.DEFAULT_CONFIG}" in unit


def test_every_key_is_encrypted_and_every_unit_exists() -> None:
    names = " ".join(name.removesuffix(".key") for name in NAMES)
    assert f"for key in {names}; do" in GUIDE
    named = set(re.findall(r"(?<![\w/.-])cabinet-[a-z-]+@?", GUIDE)) - {
        "cabinet-keys",
        "cabinet-ctl",
    }
    assert {f"{name}.service" for name in named - {"cabinet-facts"}} == set(UNITS)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"bin/cabinet ([a-z][a-z-]+)", GUIDE))))
def test_every_command_of_the_guide_exists(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert "--config" in capsys.readouterr().out


def test_devices_have_their_udev_names(guided: Configuration) -> None:
    rules = (ROOT / "systemd" / "60-cabinet.rules").read_text()
    for name in ("badge", "fingerprint", "scanner"):
        port = getattr(guided.devices, name).port
        assert f'SYMLINK+="{port.removeprefix("/dev/")}"' in rules


def test_every_locked_package_has_its_licence_named() -> None:
    told = (ROOT / "docs" / "licences.md").read_text()
    named = set(re.findall(r"[a-z0-9][a-z0-9-]+", told))
    lock = (ROOT / "requirements.lock").read_text()
    assert not [p for p in re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE) if p not in named]
