"""The units that carry out what a technician asks for: nobody gives them a word, few have rights.

As in `test_systemd.py`, their syntax and exposure are systemd's own to judge.
"""

import pytest

from cabinet.system_desk import PACE_S
from cabinet.system_requests import ACTS, FACTS_USER
from tests.test_systemd import REQUESTED, UNITS, parsed

REQUESTS = "/run/cabinet-requests"  # as docs/install.md has it in cabinet.toml


def test_each_request_has_one_path_unit_and_each_path_unit_one_request() -> None:
    assert set(REQUESTED) == set(ACTS)
    found = {path.name: parsed(path.name)["PathExists"] for path in UNITS.glob("*.path")}
    wanted = {f"{name}.path": [f"{REQUESTS}/{act}"] for act, name in REQUESTED.items()}
    assert found == wanted


@pytest.mark.parametrize(("act", "name"), REQUESTED.items())
def test_attack_a_technician_reaches_the_arguments_of_a_oneshot(act: str, name: str) -> None:
    unit = parsed(f"{name}.service")
    assert unit["Type"] == ["oneshot"]
    started = [*unit["ExecStartPre"], *unit["ExecStart"], *unit["ExecStartPost"]]
    words = " ".join(started).split()
    assert f"{REQUESTS}/{act}" == words[2], "the request is removed first"
    assert words[0].lstrip("+") == "/bin/rm" and words[1] == "-f"
    assert not [word for word in words if set(word) & set("%$`*?;|&<>'\"")]
    assert "sh" not in [word.rpartition("/")[2] for word in words]
    assert not unit["Environment"] + unit["EnvironmentFile"] + unit["StandardInput"]


def test_no_technician_asks_so_often_that_a_path_unit_gives_up() -> None:
    most = 3 * 60 / PACE_S  # a bundle on a disk starts what two others start, too
    for name in REQUESTED.values():
        path, service = parsed(f"{name}.path"), parsed(f"{name}.service")
        assert path["TriggerLimitIntervalSec"] == service["StartLimitIntervalSec"] == ["60"]
        assert int(path["TriggerLimitBurst"][0]) > most
        assert int(service["StartLimitBurst"][0]) > most


def test_nothing_that_is_requested_runs_with_rights_but_two_fixed_words_to_systemd() -> None:
    with_rights = {
        command
        for name in REQUESTED.values()
        for key in ("ExecStartPre", "ExecStart")
        for command in parsed(f"{name}.service")[key]
        if command.startswith("+")
    }
    assert with_rights == {
        "+/bin/systemctl --no-block restart cabinet-controller.service",
        "+/bin/systemctl --no-block restart cabinet-touchscreen.service",
        f"+/bin/rm -f {REQUESTS}/logs",
        f"+/bin/rm -f {REQUESTS}/network",
    }
    assert parsed("cabinet-poweroff.service")["SuccessAction"] == ["poweroff"]


def test_attack_another_user_makes_a_request() -> None:
    lines = [line.split() for line in (UNITS / "cabinet.tmpfiles").read_text().splitlines()]
    made = {fields[1]: fields[2:] for fields in lines if fields and fields[0] == "d"}
    assert made[REQUESTS] == ["0700", "cabinet-ctl", "cabinet-ctl"]
    may_write = {
        parsed(unit.name)["User"][0]
        for unit in UNITS.glob("*.service")
        if REQUESTS in " ".join(parsed(unit.name)["ReadWritePaths"]).split()
    }
    assert may_write == {"cabinet-ctl"}


def test_who_gathers_logs_and_facts_has_no_key_no_ledger_and_sends_nothing() -> None:
    for name in ("cabinet-logs.service", "cabinet-network.service"):
        unit = parsed(name)
        assert unit["User"] == [FACTS_USER]
        assert not unit["LoadCredentialEncrypted"] + unit["StateDirectory"]
        assert unit["IPAddressDeny"] == ["any"] and not unit["IPAddressAllow"]
        assert unit["ReadWritePaths"] == ["/run/cabinet-facts"]
        hidden = " ".join(unit["InaccessiblePaths"]).split()
        assert {"-/var/lib/cabinet", "-/etc/credstore.encrypted"} <= set(hidden)
    assert parsed("cabinet-logs.service")["SupplementaryGroups"] == ["systemd-journal"]
    assert parsed("cabinet-logs.service")["PrivateNetwork"] == ["yes"]
    families = parsed("cabinet-network.service")["RestrictAddressFamilies"]
    assert families == ["AF_UNIX AF_NETLINK"]


def test_a_support_disk_is_found_by_its_label_and_nothing_on_it_counts() -> None:
    mount = parsed("run-support.mount")
    assert {"nosuid", "nodev", "noexec"} <= set(mount["Options"][0].split(","))
    assert mount["StopWhenUnneeded"] == ["yes"]
    rules = (UNITS / "60-cabinet.rules").read_text().replace("\\\n", " ")
    (line,) = [rule for rule in rules.splitlines() if "cabinet/support" in rule]
    assert 'ENV{ID_FS_LABEL}=="SUPPORT"' in line and 'SUBSYSTEMS=="usb"' in line
    assert mount["What"] == ["/dev/cabinet/support"]
    usb = parsed("cabinet-usb.service")
    assert usb["AssertPathIsMountPoint"] == mount["Where"] == ["/run/support"]
    assert usb["Requires"] == ["run-support.mount cabinet-bundle.service"]
    assert not usb["LoadCredentialEncrypted"] + usb["StateDirectory"]
