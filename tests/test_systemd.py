"""The units and what is installed with them: syntax, exposure, and what no score sees.

Not proof that a sandbox holds: that needs a booted machine. One rule: systemd's own tools judge
what they can, and every directive that they do not weigh is asserted here.
"""

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from cabinet import configuration as site
from cabinet.console_socket import CONSOLE_USER
from cabinet.gateway_socket import GATEWAY_USER
from cabinet.keys import NAMES
from cabinet.screen_socket import SCREEN_USER
from cabinet.service_records import SystemAct
from cabinet.system_requests import ACTS

UNITS = Path(__file__).parent.parent / "systemd"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not installed: apt-get install systemd"
)

# Unit -> the exposure it may have, in tenths; the kiosk's is Chromium's own sandbox's price.
MOST_EXPOSED = {
    "cabinet-bundle.service": 10,
    "cabinet-console@.service": 10,
    "cabinet-controller.service": 10,
    "cabinet-export@.service": 10,
    "cabinet-gateway.service": 13,
    "cabinet-import.service": 10,
    "cabinet-kiosk.service": 45,
    "cabinet-logs.service": 10,
    "cabinet-network.service": 10,
    "cabinet-poweroff.service": 10,
    "cabinet-receipt@.service": 10,
    "cabinet-restart-controller.service": 10,
    "cabinet-restart-touchscreen.service": 10,
    "cabinet-touchscreen.service": 12,
    "cabinet-usb.service": 10,
    "cabinet-verify.service": 10,
}
WITH_KEYS = (
    *("cabinet-bundle.service", "cabinet-controller.service", "cabinet-export@.service"),
    *("cabinet-import.service", "cabinet-receipt@.service", "cabinet-verify.service"),
)
CONSOLE = "cabinet-console@.service"
# Act of a technician -> the service that its request starts, by a path unit of the same name.
REQUESTED: dict[SystemAct, str] = {
    "restart-controller": "cabinet-restart-controller",
    "restart-touchscreen": "cabinet-restart-touchscreen",
    "poweroff": "cabinet-poweroff",
    "logs": "cabinet-logs",
    "network": "cabinet-network",
    "verify": "cabinet-verify",
    "bundle": "cabinet-bundle",
    "bundle-usb": "cabinet-usb",
}
PYTHON = (
    *dict.fromkeys((*WITH_KEYS, *(f"{name}.service" for name in REQUESTED.values()))),
    *(CONSOLE, "cabinet-gateway.service", "cabinet-touchscreen.service"),
)
DENIED_CALLS = (
    *("@privileged", "@resources", "@mount", "@debug", "@cpu-emulation", "@obsolete", "@clock"),
    *("@module", "@raw-io", "@reboot", "@swap"),
)
Directives = dict[str, list[str]]


def parsed(name: str) -> Directives:
    """A unit's directives of all sections, each with all of its values in order."""
    found: Directives = defaultdict(list)
    text = (UNITS / name).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found[key.strip()].append(" ".join(value.split()))
    return found


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The units with programs that are on every machine in the place of the cabinet's own."""
    for unit in [*UNITS.glob("*.service"), *UNITS.glob("*.path"), *UNITS.glob("*.mount")]:
        text = unit.read_text()
        for program in ("/opt/cabinet/.venv/bin/cabinet", "/usr/bin/cage"):
            text = text.replace(program, "/bin/true")
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """systemd-analyze, which needs no running systemd for what is asked here."""
    assert ANALYZE is not None
    return subprocess.run(
        [ANALYZE, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_every_unit_has_a_bound_on_its_exposure() -> None:
    assert {unit.name for unit in UNITS.glob("*.service")} == set(MOST_EXPOSED)


@needs_systemd
@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_a_unit_is_what_systemd_understands(name: str, copies: Path) -> None:
    told = analyze("verify", "--man=no", copies / name)
    assert told.returncode == 0, told.stderr
    assert name not in told.stderr, told.stderr  # an unknown directive is only a warning


@needs_systemd
def test_path_units_and_the_mount_are_what_systemd_understands(copies: Path) -> None:
    others = [unit for unit in copies.iterdir() if unit.suffix != ".service"]
    assert len(others) == len(ACTS) + 1
    told = analyze("verify", "--man=no", *others)
    assert told.returncode == 0 and not told.stderr, told.stderr


@needs_systemd
def test_a_directive_that_systemd_does_not_know_is_seen(copies: Path) -> None:
    unit = copies / "cabinet-verify.service"
    unit.write_text(unit.read_text().replace("PrivateNetwork=", "PrivateNetwrk="))
    assert unit.name in analyze("verify", "--man=no", unit).stderr


@needs_systemd
@pytest.mark.parametrize(("name", "most"), MOST_EXPOSED.items())
def test_a_unit_is_no_more_exposed_than_it_may_be(name: str, most: int, copies: Path) -> None:
    told = analyze("security", "--offline=yes", f"--threshold={most}", "--no-pager", copies / name)
    assert told.returncode == 0, told.stdout[-200:]


@needs_systemd
def test_the_score_would_see_a_network_for_the_controller(copies: Path) -> None:
    unit = copies / "cabinet-controller.service"
    kept = [line for line in unit.read_text().splitlines() if "Network" not in line]
    unit.write_text("\n".join(line for line in kept if "AddressFamilies" not in line))
    told = analyze("security", "--offline=yes", "--threshold=10", "--no-pager", unit)
    assert told.returncode != 0


# What systemd-analyze gives no points for, or gives them only once for a whole list.
NOT_SCORED = {
    "ExecPaths": ["/usr /opt/cabinet"],
    "KeyringMode": ["private"],
    "LimitCORE": ["0"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "MemorySwapMax": ["0"],
    "ReadOnlyPaths": ["/run"],
    "SocketBindDeny": ["any"],
    "SystemCallErrorNumber": ["EPERM"],
    "SystemCallFilter": ["@system-service", "~" + " ".join(DENIED_CALLS)],
    "UMask": ["0077"],
}


GIVES_UP = ("cabinet-network.service", "SystemCallFilter")  # capabilities: ip(8) must


@pytest.mark.parametrize("name", PYTHON)
@pytest.mark.parametrize("directive", NOT_SCORED)
def test_what_the_score_does_not_see_is_there(name: str, directive: str) -> None:
    more = ["capset"] if (name, directive) == GIVES_UP else []
    assert parsed(name)[directive] == [*NOT_SCORED[directive], *more]


@pytest.mark.parametrize("name", PYTHON)
def test_nothing_that_can_be_written_can_be_executed(name: str) -> None:
    unit = parsed(name)
    state = [f"/var/lib/{folder}" for folder in " ".join(unit["StateDirectory"]).split()]
    written = {*state, *" ".join(unit["ReadWritePaths"]).split(), "/tmp", "/var/tmp", "/dev/shm"}
    assert {"/", "/run", *written} <= set(unit["NoExecPaths"][0].split())


@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_every_unit_is_bounded_and_has_a_user_without_capabilities(name: str) -> None:
    unit = parsed(name)
    assert {"MemoryMax", "TasksMax"} <= set(unit)
    assert unit["User"][0].startswith("cabinet-")
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == [""]
    assert unit["NoNewPrivileges"] == ["yes"]
    assert unit["LimitCORE"] == ["0"]


@pytest.mark.parametrize("name", WITH_KEYS)
def test_keys_come_only_as_encrypted_credentials_and_without_a_network(name: str) -> None:
    unit = parsed(name)
    wanted = [f"{key}:/etc/credstore.encrypted/{key}" for key in NAMES]
    assert unit["LoadCredentialEncrypted"] == wanted
    assert unit["PrivateNetwork"] == ["yes"]
    assert unit["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert unit["StateDirectoryMode"] == ["0700"]


@pytest.mark.parametrize("name", ["cabinet-touchscreen.service", "cabinet-kiosk.service"])
def test_no_screen_unit_reaches_keys_ledger_or_a_network(name: str) -> None:
    unit = parsed(name)
    assert not unit["LoadCredential"] + unit["LoadCredentialEncrypted"]
    assert unit["IPAddressDeny"] == ["any"]
    assert unit["IPAddressAllow"] == ["localhost"]
    hidden = " ".join(unit["InaccessiblePaths"]).split()
    assert {"-/var/lib/cabinet", "-/etc/credstore.encrypted"} <= set(hidden)


def test_the_controller_may_touch_pins_serial_lines_and_keys_and_no_other_device() -> None:
    unit = parsed("cabinet-controller.service")
    assert unit["DevicePolicy"] == ["closed"]
    kinds = ("gpiochip", "ttyACM", "ttyUSB", "hidraw")
    assert unit["DeviceAllow"] == [f"char-{kind} rw" for kind in kinds]


def test_the_controller_is_started_again_without_limit_and_watched() -> None:
    unit = parsed("cabinet-controller.service")
    assert unit["Type"] == ["notify"]
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["WatchdogSec"] == ["15"]


@pytest.mark.parametrize(
    ("folder", "serves", "is_served"),
    [
        ("/run/cabinet", "cabinet-controller", "cabinet-touchscreen"),
        ("/run/cabinet-gateway", "cabinet-controller", "cabinet-gateway"),
        ("/run/cabinet-console", "cabinet-controller", "cabinet-console@"),
        ("/run/cabinet-touchscreen", "cabinet-touchscreen", "cabinet-kiosk"),
    ],
)
def test_a_socket_can_be_reached_only_by_the_one_it_is_for(
    folder: str, serves: str, is_served: str
) -> None:
    lines = [line.split() for line in (UNITS / "cabinet.tmpfiles").read_text().splitlines()]
    made = {fields[1]: fields[2:] for fields in lines if fields and fields[0] == "d"}
    host, guest = parsed(f"{serves}.service"), parsed(f"{is_served}.service")
    assert made[folder] == ["2710", *host["User"], *guest["Group"]]
    assert folder in " ".join(host["ReadWritePaths"]).split()
    assert folder not in " ".join(guest["ReadWritePaths"]).split()


def test_peers_are_the_users_that_the_controller_asks_for() -> None:
    assert parsed("cabinet-touchscreen.service")["User"] == [SCREEN_USER]
    assert parsed("cabinet-gateway.service")["User"] == [GATEWAY_USER]
    assert parsed(CONSOLE)["User"] == [CONSOLE_USER]


def test_the_console_has_its_own_line_and_nothing_else() -> None:
    unit = parsed(CONSOLE)
    assert unit["DeviceAllow"] == ["/dev/%I rw"]
    assert unit["DevicePolicy"] == ["closed"]
    assert unit["BindsTo"] == ["dev-%i.device"]
    assert unit["PrivateNetwork"] == ["yes"]
    assert unit["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert not unit["LoadCredentialEncrypted"] + unit["ReadWritePaths"] + unit["StateDirectory"]
    hidden = " ".join(unit["InaccessiblePaths"]).split()
    assert {"-/var/lib/cabinet", "-/etc/credstore.encrypted"} <= set(hidden)


def test_the_technicians_adapter_starts_the_console_on_itself() -> None:
    rules = (UNITS / "60-cabinet.rules").read_text().replace("\\\n", " ")
    (line,) = [rule for rule in rules.splitlines() if "cabinet-console" in rule and rule[0] != "#"]
    assert 'ENV{SYSTEMD_WANTS}+="cabinet-console@%k.service"' in line
    assert f'GROUP="{CONSOLE_USER}"' in line and 'TAG+="systemd"' in line
    ports = [part for part in rules.split() if part.startswith("KERNELS==")]
    assert len(ports) == len(set(ports))


def test_the_gateway_has_no_device_no_key_and_no_address_of_its_own() -> None:
    unit = parsed("cabinet-gateway.service")
    assert not unit["LoadCredentialEncrypted"] + unit["IPAddressAllow"] + unit["ReadWritePaths"]
    assert unit["IPAddressDeny"] == ["any"]
    assert unit["PrivateDevices"] == ["yes"]


def test_the_touchscreen_serves_the_port_that_the_policy_allows() -> None:
    port = site.Touchscreen().port
    assert parsed("cabinet-touchscreen.service")["SocketBindAllow"] == [f"ipv4:tcp:{port}"]
    assert policy()["URLAllowlist"][0] == f"http://127.0.0.1:{port}"


def test_the_kiosk_has_no_way_out() -> None:
    unit = parsed("cabinet-kiosk.service")
    command = unit["ExecStart"][0]
    for flag in ("--no-sandbox", "--remote-debugging", "--disable-web-security", "--allow-file"):
        assert flag not in command
    cage, _, chromium = command.partition(" -- ")
    assert cage.split() == ["/usr/bin/cage", "-d"]  # never -s, which allows other consoles
    assert {"--kiosk", "--incognito"} <= set(chromium.split())
    assert chromium.endswith(" file:///run/cabinet-touchscreen/launch.html")
    assert "file:///run/cabinet-touchscreen/launch.html" in policy()["URLAllowlist"]
    assert unit["Conflicts"] == ["getty@tty1.service"]
    assert unit["PAMName"] == ["login"]
    assert unit["PartOf"] == ["cabinet-touchscreen.service"]


def policy() -> dict[str, Any]:
    """Chromium's policy."""
    found: dict[str, Any] = json.loads((UNITS / "chromium-policy.json").read_text())
    return found


POLICY = {
    "AllowFileSelectionDialogs": False,
    "BrowserSignin": 0,
    "DefaultPopupsSetting": 2,
    "DefaultSerialGuardSetting": 2,
    "DefaultWebBluetoothGuardSetting": 2,
    "DefaultWebHidGuardSetting": 2,
    "DefaultWebUsbGuardSetting": 2,
    "DeveloperToolsAvailability": 2,
    "DownloadRestrictions": 3,
    "ExtensionInstallBlocklist": ["*"],
    "IncognitoModeAvailability": 2,
    "PasswordManagerEnabled": False,
    "PrintingEnabled": False,
    "SyncDisabled": True,
    "TranslateEnabled": False,
}


@pytest.mark.parametrize("key", POLICY)
def test_the_browsers_policy_shuts(key: str) -> None:
    assert policy()[key] == POLICY[key]


def test_the_browsers_policy_allows_two_addresses_and_blocks_all_others() -> None:
    assert policy()["URLBlocklist"][0] == "*"
    assert len(policy()["URLAllowlist"]) == 2


def test_the_kernel_is_set_as_a_cabinet_needs_it() -> None:
    text = (UNITS / "cabinet.sysctl").read_text()
    settings = dict(re.findall(r"^([a-z._]+) = (.+)$", text, re.MULTILINE))
    assert settings["kernel.sysrq"] == "0"
    assert settings["kernel.yama.ptrace_scope"] == "2"
    assert settings["kernel.kexec_load_disabled"] == "1"
    assert settings["fs.suid_dumpable"] == "0"


def test_users_are_those_of_the_units() -> None:
    lines = (UNITS / "cabinet.sysusers").read_text().splitlines()
    made = {line.split()[1] for line in lines if line.startswith("u")}
    assert made == {parsed(name)["User"][0] for name in MOST_EXPOSED}


@needs_systemd
@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="systemd-sysusers is not there")
def test_users_and_folders_are_what_systemd_understands(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    users = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", UNITS / "cabinet.sysusers"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if os.geteuid() == 0:
        assert users.returncode == 0, users.stderr
        assert "cabinet-ctl:" in (tmp_path / "etc/passwd").read_text()
    else:
        assert "cabinet.sysusers" not in users.stderr, users.stderr


def test_everything_in_the_folder_is_installed_somewhere(tmp_path: Path) -> None:
    told = subprocess.run(
        [UNITS / "install.sh"],
        env={**os.environ, "DESTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    installed = {(tmp_path / line.lstrip("/")).read_bytes() for line in told.stdout.splitlines()}
    there = {f.name for f in UNITS.iterdir() if f.is_file() and f.read_bytes() not in installed}
    assert there == {"install.sh"}
