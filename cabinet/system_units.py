"""What the fixed units of systemd/ gather for the controller: logs, facts of the network, the disk.

Not for what comes of it (`system_answers.py`). One rule: nothing here takes a word from outside:
every program, file and option is written below, and what is gathered is bounded and redacted before
it is kept.
"""

import errno
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cabinet import system_answers, whole_file
from cabinet.configuration import Configuration
from cabinet.redaction import redact
from cabinet.system_answers import KERNEL, MOST_ROWS, UNITS, Told, redact_fact
from cabinet.system_requests import Requests

JOURNAL = (
    *("/usr/bin/journalctl", "--quiet", "--no-pager", "--output=json", "--since=-7d"),
    "--output-fields=MESSAGE,_SYSTEMD_UNIT,_TRANSPORT",
)
OF_OURS = (*JOURNAL, f"--lines={MOST_ROWS}", "--unit=cabinet-*")
OF_KERNEL = (*JOURNAL, f"--lines={MOST_ROWS // 4}", "--dmesg")
ADDRESSES = ("/usr/sbin/ip", "-json", "address", "show")
ROUTES = ("/usr/sbin/ip", "-json", "route", "show", "default")
TIME = ("/usr/bin/timedatectl", "show", "--property=NTP", "--property=NTPSynchronized")
TIME_SERVER = (
    *("/usr/bin/timedatectl", "show-timesync"),
    *("--property=ServerName", "--property=ServerAddress"),
)
RESOLVER = Path("/etc/resolv.conf")
JOURNAL_WITHIN_S = 10.0  # twice, and the console waits for half a minute
FACT_WITHIN_S = 4.0  # four times
MOST_LINES_AN_ENTRY = 20
MOST_FACTS = 40
BUNDLE = "bundle.age"  # beside the requests, until the next one
MOST_BUNDLE_BYTES = 8 * 1024 * 1024
UNKNOWN = "unknown"
LogRow = tuple[str, str, str]


def requests(configuration: Configuration, folder: Path) -> Requests:
    """The cabinet's request and answer files."""
    return Requests(folder / configuration.paths.requests, folder / configuration.paths.facts)


def keep(file: Path, told: Told, *, shared: bool = False) -> None:
    """An answer, whole; `shared` with the folder's group, which is the controller's."""
    whole_file.replace(file, system_answers.encode(told), 0o640 if shared else 0o600)


def _said(command: tuple[str, ...], within_s: float) -> str:
    """What a fixed program prints; "" where there is none, it fails or takes too long."""
    try:
        told = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=within_s,
            check=True,
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.decode("utf-8", "replace")


# --- logs -----------------------------------------------------------------------------------------


def kept_rows(rows: Iterable[LogRow]) -> tuple[LogRow, ...]:
    """The newest lines of logs in order, each redacted; a row is Unix seconds, unit, line."""
    ordered = sorted(rows, key=lambda row: int(row[0]))[-MOST_ROWS:]
    return tuple((seconds, unit, redact(line)) for seconds, unit, line in ordered)


def logs() -> Told:
    """The newest lines of our units and of the kernel."""
    told = [_said(command, JOURNAL_WITHIN_S) for command in (OF_OURS, OF_KERNEL)]
    entries = [entry for printed in told for entry in _entries(printed)]
    if not entries:
        return Told("failed", "The journal cannot be read, or has nothing of the cabinet's.")
    return Told("ok", rows=kept_rows(entries))


def _entries(printed: str) -> Iterator[LogRow]:
    """journalctl's JSON, a line each (systemd.journal-fields(7))."""
    for line in printed.split("\n"):
        try:
            entry = json.loads(line)
            seconds = str(int(entry["__REALTIME_TIMESTAMP"]) // 1_000_000)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        message = entry.get("MESSAGE") or ""
        if isinstance(message, list):  # bytes that are no UTF-8
            message = bytes(byte for byte in message if byte in range(256)).decode("latin-1")
        unit = _unit(entry)
        for text in str(message).splitlines()[:MOST_LINES_AN_ENTRY]:
            yield seconds, unit, text


def _unit(entry: dict[str, Any]) -> str:
    if entry.get("_TRANSPORT") == KERNEL:
        return KERNEL
    name = str(entry.get("_SYSTEMD_UNIT", "")).removeprefix("cabinet-")
    short = name.partition(".")[0].partition("@")[0]
    return short if short in UNITS else "system"


# --- the network ----------------------------------------------------------------------------------


def network() -> Told:
    """Interfaces, addresses, name servers, who sets the clock: as systemd and the kernel say."""
    rows = [*_interfaces(), *_routes(), ("name servers", _name_servers()), *_time()]
    return Told("ok", rows=tuple((redact_fact(a), redact_fact(b)) for a, b in rows[:MOST_FACTS]))


def _listed(command: tuple[str, ...]) -> list[dict[str, Any]]:
    try:
        found = json.loads(_said(command, FACT_WITHIN_S) or "[]")
    except ValueError:
        return []
    return [it for it in found if isinstance(it, dict)] if isinstance(found, list) else []


def _interfaces() -> Iterator[tuple[str, str]]:
    found = _listed(ADDRESSES)
    if all(it.get("link_type") == "loopback" for it in found):
        yield "interfaces", "none but its own" if found else UNKNOWN
    for it in found:
        if it.get("link_type") == "loopback":
            continue
        carrier = "no link" if "NO-CARRIER" in it.get("flags", ()) else str(it.get("operstate"))
        held = [f"{a.get('local')}/{a.get('prefixlen')}" for a in it.get("addr_info", ())]
        words = (carrier.lower(), *(held or ["no address"]), f"MAC {it.get('address')}")
        yield f"interface {it.get('ifname')}", ", ".join(words)


def _routes() -> Iterator[tuple[str, str]]:
    found = _listed(ROUTES)
    if not found:
        yield "default route", "none"
    for it in found:
        yield "default route", f"{it.get('gateway', 'direct')} by {it.get('dev')}"


def _name_servers() -> str:
    try:
        with RESOLVER.open("rb") as stream:
            lines = stream.read(4096).decode("ascii", "replace").splitlines()
    except OSError:
        return UNKNOWN
    servers = [
        line.split()[1] for line in lines if line.split()[:1] == ["nameserver"] != line.split()
    ]
    return ", ".join(servers) or "none"


def _time() -> Iterator[tuple[str, str]]:
    told = "".join(_said(command, FACT_WITHIN_S) for command in (TIME, TIME_SERVER))
    facts = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    said = {"yes": "yes", "no": "no"}
    yield "time from the network", said.get(facts.get("NTP", ""), UNKNOWN)
    yield "clock synchronised", said.get(facts.get("NTPSynchronized", ""), UNKNOWN)
    if facts.get("ServerAddress"):
        yield "time server", f"{facts.get('ServerName', '')} {facts['ServerAddress']}"


# --- the disk -------------------------------------------------------------------------------------


def to_disk(configuration: Configuration, folder: Path) -> tuple[str, bytes]:
    """Copy the bundle that lies ready to the support disk; its name there, and its bytes."""
    source = folder / configuration.paths.requests / BUNDLE
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
        data = stream.read(MOST_BUNDLE_BYTES + 1)
    if len(data) > MOST_BUNDLE_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(source))
    when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = folder / configuration.paths.support / f"{configuration.cabinet.id}-{when}.age"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(target, flags, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    whole_file.sync_folder(target.parent)
    return target.name, data
