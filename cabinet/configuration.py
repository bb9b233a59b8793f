"""`cabinet.toml`: what this cabinet is made of and how its site wants it.

Not for secrets, people or medicines (they are in the ledger). One rule: what is wrong is
refused at start with the file, the key and the reason, never corrected silently.
"""

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from cabinet import site_keys, site_policy
from cabinet.limits import LIMITS
from cabinet.plan import (
    CONTROLLED,
    Asked,
    DrawerKind,
    Fingers,
    Override,
    Plan,
    Retention,
    Review,
    Rules,
    Schedule,
    Service,
    Timings,
    Training,
)
from cabinet.plan import Drawer as PlanDrawer
from cabinet.plan import Pocket as PlanPocket

HIGH_AT_POWER_ON = range(9)  # BCM2835 ARM Peripherals, 6.2: default pull of GPIO 0 to 8
MAX_WITNESSES = 4
MAX_POCKETS = 96  # of a cabinet
MAX_PLAN_BYTES = 15_872  # its make-up is one entry, with half a kilobyte of the entry's own
MAX_FILE_BYTES = 256 * 1024
DRIVERS = {"fingerprint": "zfm", "badge": "line", "scanner": "line"}
NO_CHOICE = "Invalid enum value "  # as msgspec begins to say it
PRODUCTION_FACTORIES = ("lgpio",)
BCM_PINS = range(28)  # the Raspberry Pi header's GPIO 0 to 27

Identifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Pin = Annotated[int, msgspec.Meta(ge=BCM_PINS.start, lt=BCM_PINS.stop)]


class ConfigurationError(Exception):
    """Something in the file is wrong: which file, which key, why, and so what to change."""

    def __init__(self, file: Path, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")
        self.file, self.key, self.reason = file, key, reason


class NotThisCabinet(Exception):
    """Ledger and configuration are of different cabinets, or a real one has a demo's parts."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Identity(_Table, frozen=True, forbid_unknown_fields=True):
    """Who this cabinet is; `demo` marks a cabinet of the simulator, for ever.

    `area` is where it stands, as people's areas name it.
    """

    id: Identifier
    name: Label
    site: Label = "Hospital"
    area: Identifier | Literal[""] = ""
    demo: bool = False


class Pocket(_Table, frozen=True, forbid_unknown_fields=True):
    """A place for one medicine; `schedule` is the strictest it may hold."""

    id: Identifier
    medicine: Identifier
    schedule: Schedule = "none"


class Drawer(_Table, frozen=True, forbid_unknown_fields=True):
    """A drawer as `plan.Drawer` describes it, with its lock's pins (BCM numbers)."""

    id: Identifier
    label: Label
    kind: DrawerKind
    lock_pin: Pin
    switch_pin: Pin
    latch_pin: Pin
    light_pin: Pin
    pocket: tuple[Pocket, ...] = ()


class Port(_Table, frozen=True, forbid_unknown_fields=True):
    """A device on a serial line."""

    driver: str
    port: str
    baud: Literal[9600, 19200, 38400, 57600, 115200] = 9600


class Devices(_Table, frozen=True, forbid_unknown_fields=True):
    """The devices: gpiozero's pin factory by its entry point's name, and the serial lines.

    `security_key` is the hidraw node of whatever FIDO2 key is plugged in.
    """

    pin_factory: str
    fingerprint: Port
    badge: Port
    scanner: Port
    beeper_pin: Pin
    security_key: str = "/dev/cabinet/security-key"


class Touchscreen(_Table, frozen=True, forbid_unknown_fields=True):
    """The loopback port of the touchscreen."""

    port: Annotated[int, msgspec.Meta(ge=1024, le=65_535)] = 8080


class Paths(_Table, frozen=True, forbid_unknown_fields=True):
    """Where things are; relative to the file's own folder.

    `anchor` keeps the ledger's newest head: on a real cabinet, on another partition. `gateway` is
    the gateway's socket, `console` the maintenance console's. Units of systemd wait for files in
    `requests` and leave what they gather in `facts`; a support disk is mounted at `support`.
    """

    ledger: str = "ledger.db"
    keys: str = "keys"
    run: str = "run"
    anchor: str = "anchor/head"
    gateway: str = "run/gateway.sock"
    console: str = "run/console.sock"
    requests: str = "run/requests"
    facts: str = "run/facts"
    support: str = "support"


class Witness(_Table, frozen=True, forbid_unknown_fields=True):
    """Somebody outside who cosigns the ledger's heads: address and public key."""

    name: Identifier
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[!-~]{1,200}$")]
    vkey: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class StaffList(_Table, frozen=True, forbid_unknown_fields=True):
    """The public key that may sign staff lists, "" for none: then none is taken."""

    vkey: str = ""


class Configuration(_Table, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    cabinet: Identity
    drawer: tuple[Drawer, ...]
    devices: Devices
    timings: Timings = Timings()
    rules: Rules = Rules()
    retention: Retention = Retention()
    service: Service = Service()
    review: Review = Review()
    touchscreen: Touchscreen = Touchscreen()
    paths: Paths = Paths()
    witness: tuple[Witness, ...] = ()
    training: tuple[Training, ...] = ()
    policy: tuple[Asked, ...] = ()
    staff_list: StaffList = StaffList()
    override: tuple[Override, ...] = ()
    fingers: Fingers = Fingers()


def load(file: Path) -> Configuration:
    """The configuration in `file`, checked; raises ConfigurationError."""
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(MAX_FILE_BYTES + 1)
        text = data.decode()
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise ConfigurationError(file, "(the file)", reason) from None
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
        raise ConfigurationError(file, "(the file)", reason) from None
    if mode & stat.S_IWOTH:
        reason = f"anybody can change it; run: chmod o-w {file}"
        raise ConfigurationError(file, "(the file)", reason)
    if len(data) > MAX_FILE_BYTES:
        raise ConfigurationError(file, "(the file)", f"is larger than {MAX_FILE_BYTES} bytes")
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond all measure
        raise ConfigurationError(file, "(the file)", f"is not TOML: {error}") from None
    try:
        configuration = msgspec.convert(table, Configuration)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        key = path.strip("`").removeprefix("$").removeprefix(".") or "(top level)"
        if reason.startswith(NO_CHOICE):
            value = reason.removeprefix(NO_CHOICE)
            reason = f"{value} is not one of {', '.join(_choices(key))}"
        raise ConfigurationError(file, key, reason) from None
    _check(file, configuration)
    return configuration


def _choices(key: str) -> tuple[str, ...]:
    """What may stand at the key, such as `drawer[0].kind`."""
    kind: Any = Configuration
    for name in re.findall(r"[a-z_]+", key):
        kind = get_type_hints(kind)[name]
        while get_origin(kind) is tuple:
            kind = get_args(kind)[0]
    return tuple(str(it) for it in get_args(kind))


def _check(file: Path, configuration: Configuration) -> None:
    """What the types alone cannot say."""
    timings, rules = configuration.timings, configuration.rules

    def refuse(key: str, reason: str) -> NoReturn:
        raise ConfigurationError(file, key, reason)

    for key, (least, most) in LIMITS.items():
        table, name = key.split(".")
        value = getattr(getattr(configuration, table), name)
        if not least <= value <= most:
            refuse(key, f"{value} is outside {least} to {most}")
    if timings.rest_ms < 9 * timings.pulse_ms:
        refuse("timings.rest_ms", "must be at least 9 times pulse_ms, so that a coil stays cool")
    if timings.drawer_alert_s <= timings.drawer_beep_s:
        refuse("timings.drawer_alert_s", "must be more than drawer_beep_s")
    if timings.idle_sign_out_s <= timings.idle_warn_s:
        refuse("timings.idle_sign_out_s", "must be more than idle_warn_s")
    if rules.lock_at_try <= rules.delay_from_try:
        refuse("rules.lock_at_try", "must be more than delay_from_try")
    if rules.space_warn_percent <= rules.space_refuse_percent:
        refuse("rules.space_warn_percent", "must be more than space_refuse_percent")
    if not configuration.drawer:
        refuse("drawer", "a cabinet needs at least one drawer")
    if sum(len(drawer.pocket) for drawer in configuration.drawer) > MAX_POCKETS:
        refuse("drawer", f"a cabinet has at most {MAX_POCKETS} pockets")
    _check_words(file, configuration)
    _check_devices(file, configuration)
    _check_pins(file, configuration)
    _check_drawers(file, configuration)
    _check_witnesses(file, configuration)
    medicines = [pocket.medicine for drawer in configuration.drawer for pocket in drawer.pocket]
    for key, reason in (
        *site_policy.wrong(configuration.training, configuration.policy),
        *site_policy.wrong_override(configuration.override, medicines),
        *site_keys.wrong(configuration.service, configuration.staff_list.vkey),
    ):
        raise ConfigurationError(file, key, reason)
    size = len(msgspec.json.encode(plan_of(configuration)))
    if size > MAX_PLAN_BYTES:
        reason = f"the make-up has {size} bytes of at most {MAX_PLAN_BYTES}: shorten ids or rows"
        raise ConfigurationError(file, "(the file)", reason)


def _check_words(file: Path, configuration: Configuration) -> None:
    """What people read has no control characters."""
    read = {
        "cabinet.name": configuration.cabinet.name,
        "cabinet.site": configuration.cabinet.site,
        **{f"drawer[{n}].label": it.label for n, it in enumerate(configuration.drawer)},
    }
    for key, text in read.items():
        if not text.isprintable():
            raise ConfigurationError(file, key, "has characters that cannot be printed")


def _check_devices(file: Path, configuration: Configuration) -> None:
    devices, used = configuration.devices, dict[str, str]()
    if not configuration.cabinet.demo and devices.pin_factory not in PRODUCTION_FACTORIES:
        names = " or ".join(PRODUCTION_FACTORIES)
        reason = f"{devices.pin_factory!r} is for demo cabinets; use {names}"
        raise ConfigurationError(file, "devices.pin_factory", reason)
    for name, driver in DRIVERS.items():
        port: Port = getattr(devices, name)
        key = f"devices.{name}"
        if port.driver != driver:
            reason = f"there is no driver {port.driver!r} for it; use {driver!r}"
            raise ConfigurationError(file, f"{key}.driver", reason)
        if not port.port or not port.port.isprintable():
            raise ConfigurationError(file, f"{key}.port", "must name a serial port")
        if port.port in used:
            reason = f"{port.port} is already used by {used[port.port]}"
            raise ConfigurationError(file, f"{key}.port", reason)
        used[port.port] = key


def _check_pins(file: Path, configuration: Configuration) -> None:
    used = {configuration.devices.beeper_pin: "devices.beeper_pin"}
    for index, drawer in enumerate(configuration.drawer):
        for name in ("lock_pin", "switch_pin", "latch_pin", "light_pin"):
            pin, key = getattr(drawer, name), f"drawer[{index}].{name}"
            if name == "lock_pin" and pin in HIGH_AT_POWER_ON:
                raise ConfigurationError(
                    file,
                    key,
                    f"pin {pin} is pulled high at power-on, which would open the drawer before "
                    "any program runs; use 9 to 27",
                )
            if pin in used:
                raise ConfigurationError(file, key, f"pin {pin} is already used by {used[pin]}")
            used[pin] = key


def _check_drawers(file: Path, configuration: Configuration) -> None:
    drawers: set[str] = set()
    pockets: set[str] = set()
    for index, drawer in enumerate(configuration.drawer):
        key = f"drawer[{index}]"
        if drawer.id in drawers:
            raise ConfigurationError(file, f"{key}.id", f"{drawer.id!r} is used twice")
        drawers.add(drawer.id)
        if drawer.kind == "single" and len(drawer.pocket) != 1:
            raise ConfigurationError(file, f"{key}.pocket", "a single drawer has one pocket")
        if drawer.kind == "matrix" and not drawer.pocket:
            raise ConfigurationError(file, f"{key}.pocket", "a matrix drawer needs pockets")
        if drawer.kind == "return_bin" and drawer.pocket:
            raise ConfigurationError(file, f"{key}.pocket", "a return bin has no pockets")
        for place, pocket in enumerate(drawer.pocket):
            where = f"{key}.pocket[{place}]"
            if pocket.id in pockets:
                raise ConfigurationError(file, f"{where}.id", f"{pocket.id!r} is used twice")
            pockets.add(pocket.id)
            if drawer.kind == "matrix" and pocket.schedule in CONTROLLED:
                raise ConfigurationError(
                    file,
                    f"{where}.schedule",
                    f"{pocket.schedule} in an open matrix drawer: a controlled substance needs a "
                    "single drawer of its own",
                )


def _check_witnesses(file: Path, configuration: Configuration) -> None:
    if not configuration.witness:
        return
    from ledger.errors import WrongNote
    from ledger.witness_protocol import witness_verifier

    names: set[str] = set()
    if len(configuration.witness) > MAX_WITNESSES:
        raise ConfigurationError(file, "witness", f"at most {MAX_WITNESSES} witnesses")
    for index, witness in enumerate(configuration.witness):
        key = f"witness[{index}]"
        if witness.name in names:
            raise ConfigurationError(file, f"{key}.name", f"{witness.name!r} is used twice")
        names.add(witness.name)
        address = urlsplit(witness.url)
        try:
            usable = bool(address.hostname) and address.port != 0 and not address.username
        except ValueError:
            usable = False
        if not usable or address.query or address.fragment:
            raise ConfigurationError(
                file, f"{key}.url", "is not https://HOST[:PORT]/PREFIX without user or query"
            )
        try:
            witness_verifier(witness.vkey)
        except WrongNote as error:
            raise ConfigurationError(file, f"{key}.vkey", str(error)) from None


def plan_of(configuration: Configuration) -> Plan:
    """What the rules need of the configuration: no pins, no ports."""
    return Plan(
        name=configuration.cabinet.name,
        drawers=tuple(
            PlanDrawer(
                drawer.id,
                drawer.label,
                drawer.kind,
                tuple(PlanPocket(p.id, p.medicine, p.schedule) for p in drawer.pocket),
            )
            for drawer in configuration.drawer
        ),
        timings=configuration.timings,
        rules=configuration.rules,
        retention=configuration.retention,
        service=configuration.service,
        area=configuration.cabinet.area,
        training=configuration.training,
        policy=configuration.policy,
        override=configuration.override,
        fingers=configuration.fingers,
    )
