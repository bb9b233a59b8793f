"""`cabinet.toml`: what is wrong is refused with the file, the key and the reason."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cabinet import configuration as site
from cabinet.configuration import Configuration, ConfigurationError, load, plan_of
from cabinet.limits import LIMITS
from cabinet.turns import check_stock
from tests.ward import MEDICINES, Ward

GOOD = """
[cabinet]
id = "ward-1"
name = "Ward 1"

[devices]
pin_factory = "lgpio"
beeper_pin = 27
fingerprint = { driver = "zfm", port = "/dev/cabinet-fingerprint", baud = 57600 }
badge = { driver = "line", port = "/dev/cabinet-badge" }
scanner = { driver = "line", port = "/dev/cabinet-scanner" }

[[drawer]]
id = "D1"
label = "Drawer 1"
kind = "single"
lock_pin = 16
switch_pin = 2
latch_pin = 3
light_pin = 17
pocket = [{ id = "P1", medicine = "OXY5", schedule = "CII" }]

[[drawer]]
id = "D3"
label = "Drawer 3"
kind = "matrix"
lock_pin = 18
switch_pin = 4
latch_pin = 5
light_pin = 19
pocket = [{ id = "M1", medicine = "PARA" }, { id = "M2", medicine = "IBU" }]

[[drawer]]
id = "R1"
label = "Return bin"
kind = "return_bin"
lock_pin = 20
switch_pin = 6
latch_pin = 7
light_pin = 21
"""


def read(folder: Path, text: str) -> Configuration:
    file = folder / "cabinet.toml"
    file.write_text(text, encoding="utf-8", newline="")
    return load(file)


def refused(folder: Path, text: str) -> tuple[str, str]:
    """The key and the reason."""
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text)
    error = caught.value
    assert str(error) == f"{folder / 'cabinet.toml'}: {error.key}: {error.reason}"
    assert "\n" not in str(error)
    return error.key, error.reason


def test_a_good_file_is_read_with_the_settings_that_have_reasons(tmp_path: Path) -> None:
    configuration = read(tmp_path, GOOD)
    assert not configuration.cabinet.demo
    assert configuration.timings.idle_sign_out_s == 60
    assert [drawer.id for drawer in plan_of(configuration).drawers] == ["D1", "D3", "R1"]


def changed(old: str, new: str) -> Callable[[], str]:
    assert GOOD.count(old) >= 1
    return lambda: GOOD.replace(old, new, 1)


def table(text: str) -> Callable[[], str]:
    return lambda: GOOD + text


def overridden(wrong: str) -> Callable[[], str]:
    """The good file with a row of the override list that is wrong in one field."""
    rows = ['medicine = "PARA"', "most = 1", 'owner = "Pharmacy"', 'review = "2027-10-31"']
    field = wrong.partition(" ")[0]
    good = [row for row in rows if row.partition(" ")[0] != field]
    return lambda: GOOD + "\n[[override]]\n" + "\n".join((*good, wrong)) + "\n"


WRONG: list[tuple[Callable[[], str], str, str]] = [
    (changed('name = "Ward 1"', 'nmae = "Ward 1"'), "cabinet", "unknown field `nmae`"),
    (changed('name = "Ward 1"\n', ""), "cabinet", "missing required field `name`"),
    (changed('name = "Ward 1"', 'name = "W"\ncolour = "red"'), "cabinet", "unknown field"),
    (table("[shelf]\n"), "(top level)", "unknown field"),
    (changed('id = "ward-1"', 'id = "ward 1"'), "cabinet.id", "regex"),
    (changed('id = "ward-1"', 'id = "ward-1\\n"'), "cabinet.id", "regex"),
    (changed('name = "Ward 1"', 'name = ""'), "cabinet.name", "length >= 1"),
    (changed('name = "Ward 1"', 'name = "\\u001b[2J"'), "cabinet.name", "cannot be printed"),
    (changed('label = "Drawer 3"', 'label = "a\\tb"'), "drawer[1].label", "cannot be printed"),
    (changed("beeper_pin = 27", "beeper_pin = 28"), "devices.beeper_pin", "<= 27"),
    (changed("beeper_pin = 27", "beeper_pin = true"), "devices.beeper_pin", "got `bool`"),
    (changed("beeper_pin = 27", "beeper_pin = 16"), "drawer[0].lock_pin", "already used by"),
    (changed("switch_pin = 2\n", "switch_pin = 16\n"), "drawer[0].switch_pin", "lock_pin"),
    (changed("light_pin = 19", "light_pin = 17"), "drawer[1].light_pin", "drawer[0].light_pin"),
    (changed("lock_pin = 16", "lock_pin = 8"), "drawer[0].lock_pin", "pulled high at power-on"),
    (changed('id = "D3"', 'id = "D1"'), "drawer[1].id", "used twice"),
    (changed('id = "M2"', 'id = "P1"'), "drawer[1].pocket[1].id", "used twice"),
    (changed('kind = "single"', 'kind = "cupboard"'), "drawer[0].kind", "one of single, matrix"),
    (changed('kind = "single"', 'kind = "return_bin"'), "drawer[0].pocket", "no pockets"),
    (changed('kind = "return_bin"', 'kind = "single"'), "drawer[2].pocket", "has one pocket"),
    (changed('kind = "return_bin"', 'kind = "matrix"'), "drawer[2].pocket", "needs pockets"),
    (
        changed('medicine = "PARA" }', 'medicine = "PARA", schedule = "CIV" }'),
        "drawer[1].pocket[0].schedule",
        "CIV in an open matrix drawer",
    ),
    (changed('kind = "single"', 'kind = "matrix"'), "drawer[0].pocket[0].schedule", "CII in an"),
    (table("[timings]\npulse_ms = 1001\n"), "timings.pulse_ms", "outside 50 to 1000"),
    (table("[timings]\nrest_ms = 4499\n"), "timings.rest_ms", "9 times pulse_ms"),
    (table("[timings]\ndrawer_alert_s = 30\n"), "timings.drawer_alert_s", "more than"),
    (table("[timings]\nidle_warn_s = 60\n"), "timings.idle_sign_out_s", "more than"),
    (table("[rules]\nlock_at_try = 5\n"), "rules.lock_at_try", "more than"),
    (table("[rules]\ndelay_s = 29\n"), "rules.delay_s", "outside 30 to 600"),
    (table("[rules]\nlock_at_try = 11\n"), "rules.lock_at_try", "outside 3 to 10"),
    (
        table("[rules]\nspace_refuse_percent = 10\nspace_warn_percent = 10\n"),
        "rules.space_warn_percent",
        "more than",
    ),
    (table('[service]\nsign_in = ["badge"]\n'), "service.sign_in[0]", "certificate, code"),
    (table("[touchscreen]\nport = 80\n"), "touchscreen.port", ">= 1024"),
    (changed('"zfm"', '"guess"'), "devices.fingerprint.driver", "no driver 'guess'"),
    (changed('"/dev/cabinet-badge"', '""'), "devices.badge.port", "must name a serial port"),
    (changed("cabinet-scanner", "cabinet-badge"), "devices.scanner.port", "devices.badge"),
    (changed("baud = 57600", "baud = 1"), "devices.fingerprint.baud", "one of 9600, 19200"),
    (changed('"lgpio"', '"cabinet_sim"'), "devices.pin_factory", "is for demo cabinets"),
    (changed('"lgpio"', '"mock"'), "devices.pin_factory", "is for demo cabinets"),
    (lambda: GOOD[: GOOD.index("[[drawer]]")], "(top level)", "missing required field"),
    (
        lambda: "drawer = []\n" + GOOD[: GOOD.index("[[drawer]]")],
        "drawer",
        "needs at least one drawer",
    ),
    (
        changed(
            'pocket = [{ id = "M1", medicine = "PARA" }',
            "pocket = ["
            + ",".join(f'{{ id = "X{n}", medicine = "PARA" }}' for n in range(site.MAX_POCKETS))
            + ', { id = "M1", medicine = "PARA" }',
        ),
        "drawer",
        "at most",
    ),
    (overridden('medicine = "MORPH"'), "override[0].medicine", "has no pocket"),
    (overridden("most = 0"), "override[0].most", "outside 1 to"),
    (overridden('owner = ""'), "override[0].owner", "names who answers"),
    (overridden('review = "soon"'), "override[0].review", "is not a date"),
    (lambda: GOOD + "x", "(the file)", "is not TOML"),
    (lambda: GOOD + GOOD, "(the file)", "is not TOML"),
    (lambda: "a = " + "[" * 5000, "(the file)", "is not TOML"),
    (lambda: "a = " + "9" * 5000, "(the file)", "is not TOML"),
    (lambda: "#" * (site.MAX_FILE_BYTES + 1), "(the file)", "is larger than"),
    (lambda: "", "(top level)", "missing required field"),
]


@pytest.mark.parametrize(("text", "key", "reason"), WRONG, ids=[f"{it[1]}-{it[2]}" for it in WRONG])
def test_refused_with_its_key_and_reason(
    tmp_path: Path, text: Callable[[], str], key: str, reason: str
) -> None:
    found = refused(tmp_path, text())
    assert found[0] == key
    assert reason in found[1]


@pytest.mark.parametrize("key", LIMITS)
def test_every_setting_has_a_least_and_a_most(tmp_path: Path, key: str) -> None:
    section, name = key.split(".")
    for value in (LIMITS[key][0] - 1, LIMITS[key][1] + 1, -1, 10**30):
        found, reason = refused(tmp_path, f"{GOOD}\n[{section}]\n{name} = {value}\n")
        assert found == key
        assert "outside" in reason


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path)
    file = tmp_path / "cabinet.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="byte 0 is not UTF-8"):
        load(file)


values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
@example(data=None)
def test_any_value_anywhere_is_taken_or_refused_with_its_key(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject | None
) -> None:
    folder = tmp_path_factory.mktemp("site")
    tree = tomllib.loads(GOOD)
    if data is not None:
        at: object = tree
        while isinstance(at, dict | list) and at:
            keys = sorted(at) if isinstance(at, dict) else list(range(len(at)))
            key = data.draw(st.sampled_from(keys))
            inner = at[key]
            if not isinstance(inner, dict | list) or data.draw(st.integers(0, 3)) == 0:
                at[key] = data.draw(values)
                break
            at = inner
    try:
        read(folder, toml(tree))
    except ConfigurationError as error:
        told = error
    else:
        return
    assert told.key
    assert told.reason
    assert str(told.file) in str(told)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_the_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("site") / "cabinet.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError):
        load(file)


def toml(tree: object) -> str:
    """The tree as TOML: every value inline, so that any of them may be anything."""

    def inline(value: object) -> str:
        match value:
            case bool():
                return str(value).lower()
            case int() | float():
                return str(value)
            case str():
                return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
            case list():
                return "[" + ", ".join(inline(it) for it in value) + "]"
            case dict():
                pairs = (f"{inline(key)} = {inline(it)}" for key, it in value.items())
                return "{" + ", ".join(pairs) + "}"
            case _:
                raise AssertionError(value)

    assert isinstance(tree, dict)
    return "\n".join(f"{inline(key)} = {inline(value)}" for key, value in tree.items())


# --- against the ledger ---------------------------------------------------------------------------


@pytest.fixture
def held(tmp_path: Path) -> tuple[Configuration, Ward]:
    """A file and a ledger that agree: pockets of the ward with stock in them."""
    ward = Ward()
    more = """
[[drawer]]
id = "D2"
label = "Drawer 2"
kind = "single"
lock_pin = 22
switch_pin = 8
latch_pin = 9
light_pin = 23
pocket = [{ id = "P2", medicine = "MOR10", schedule = "CII" }]
"""
    configuration = read(tmp_path, GOOD + more)
    check_stock(configuration, ward.state)
    return configuration, ward


def with_drawers(configuration: Configuration, *drawers: site.Drawer) -> Configuration:
    return msgspec.structs.replace(configuration, drawer=drawers)


def test_a_pocket_that_holds_stock_keeps_its_medicine(held: tuple[Configuration, Ward]) -> None:
    """A drawer of oxycodone, called paracetamol, would open for whoever asks for paracetamol."""
    configuration, ward = held
    first, *others = configuration.drawer
    other = msgspec.structs.replace(
        first, pocket=(site.Pocket("P1", "PARA"),), kind="matrix", label="Drawer 1"
    )
    with pytest.raises(ConfigurationError, match="pocket:P1 holds 20 of OXY5"):
        check_stock(with_drawers(configuration, other, *others), ward.state)


def test_a_drawer_that_holds_stock_stays(held: tuple[Configuration, Ward]) -> None:
    configuration, ward = held
    with pytest.raises(ConfigurationError, match="pocket:P1 holds 20 of OXY5"):
        check_stock(with_drawers(configuration, *configuration.drawer[1:]), ward.state)


def test_a_return_bin_that_holds_something_stays(held: tuple[Configuration, Ward]) -> None:
    configuration, ward = held
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("return")
    ward.press("all")
    ward.pull("R1")
    ward.push("R1")
    without = [it for it in configuration.drawer if it.kind != "return_bin"]
    with pytest.raises(ConfigurationError, match="return_bin:R1 holds 2 of OXY5"):
        check_stock(with_drawers(configuration, *without), ward.state)


def test_an_empty_pocket_may_change_its_medicine(tmp_path: Path) -> None:
    ward = Ward(stocked=False)
    check_stock(read(tmp_path, GOOD.replace('"IBU"', '"OTHER"')), ward.state)


def test_a_schedule_other_than_the_formularys_is_refused(
    held: tuple[Configuration, Ward],
) -> None:
    configuration, ward = held
    listed = msgspec.structs.replace(MEDICINES[2], schedule="CIV")
    ward.state.medicines["PARA"] = listed
    with pytest.raises(ConfigurationError) as caught:
        check_stock(configuration, ward.state)
    assert caught.value.key == "drawer[1].pocket[0].schedule"
    assert "a controlled substance needs a single drawer" in caught.value.reason


def test_attack_a_file_that_anybody_can_change_names_no_keys_of_theirs(tmp_path: Path) -> None:
    """Whose lists of people and whose technicians count is said in it."""
    file = tmp_path / "cabinet.toml"
    file.write_text(GOOD)
    file.chmod(0o666)
    (tmp_path / "link.toml").symlink_to(file)
    for name in ("cabinet.toml", "link.toml"):
        with pytest.raises(site.ConfigurationError, match="anybody can change it"):
            site.load(tmp_path / name)
    file.chmod(0o644)
    assert site.load(tmp_path / "link.toml")
