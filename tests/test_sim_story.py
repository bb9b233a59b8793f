"""A story is the same each time, says how to be told again, and can be handed on whole."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cabinet import configuration as site
from cabinet import events as e
from cabinet import keys as key_files
from cabinet import verification
from cabinet.turns import Turns
from ledger.note import Signer
from sim import run as command
from sim.checks import holds
from sim.diverter import SCHEMES
from sim.medicines import DEMO
from sim.people import PEOPLE
from sim.plan import Plan
from sim.signed_list import SIGNER
from sim.story import Story, default_template, run
from sim.template import Template
from tests.demo import ROOT

MOST_MIB, MOST_MORE_MIB = 200, 40  # of a story's process: at the end, and since its first day
REPORTS = ("removals", "access", "people", "proofs", "overrides")
THEIRS = Signer("their-hospital/staff", bytes(32))
SHORT = Plan(seed=5, days=0.1, accesses_a_day=400, fault_rate=8.0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def told_apart(hash_seed: str) -> dict[str, Any]:
    """The figures of the short story as another process tells it."""
    told = subprocess.run(
        [
            *(sys.executable, "-m", "sim", "--seed", "5", "--days", "0.1", "--accesses", "400"),
            *("--faults", "8", "--json"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    figures: dict[str, Any] = json.loads(told.stdout)
    return figures


def test_the_same_seed_is_the_same_story_in_every_process(template: Template) -> None:
    first, second = told_apart("1"), told_apart("4711")
    here = run(SHORT, template)
    assert here.power_cuts and here.accesses and len(here.faults) > 10
    for name in ("bodies_sha256", "trace_sha256", "root", "entries", "invariant_checks", "faults"):
        assert first[name] == second[name], name
    assert (first["bodies_sha256"], first["trace_sha256"], first["root"]) == (
        here.bodies_sha256,
        here.trace_sha256,
        here.root,
    )


def test_another_seed_is_another_story(template: Template) -> None:
    first = run(SHORT, template)
    second = run(Plan(seed=6, days=0.1, accesses_a_day=400, fault_rate=8.0), template)
    assert first.trace_sha256 != second.trace_sha256


def test_a_trace_is_plain_words_and_its_hash_is_told(template: Template) -> None:
    lines: list[str] = []
    told = run(SHORT, template, tell=lines.append)
    text = "".join(f"{line}\n" for line in lines)
    assert hashlib.sha256(text.encode()).hexdigest() == told.trace_sha256
    assert any("FAULT" in line for line in lines)
    assert any("world: coil on D" in line for line in lines)
    assert any("power cut" in line for line in lines)


def spoiled(story: Story) -> None:
    """A count that changes by itself after an hour."""

    def edit() -> None:
        boot = story.runtime.boot
        assert boot is not None and boot.turns is not None
        boot.turns.engine.state.balances["pocket:D1-1", "OXYC-5-TAB"] += 1

    story.runtime.hub.after(3600.0, edit)


def test_a_failure_says_seed_step_commit_and_one_command(template: Template) -> None:
    told = run(SHORT, template, change=spoiled)
    words = command.failure(told)
    assert "seed 5, step" in words and f"step {told.steps}" in words
    assert "commit" in words
    again = "python -m sim --seed 5 --days 0.1 --accesses 400 --faults 8 --trace"
    assert again in words
    assert command.as_json(told)["violations"]


def test_a_pin_on_a_screen_is_found_and_digits_of_the_screen_s_own_number_are_nobody_s() -> None:
    pins = [b"90361847", b"27490583"]
    assert holds(b'{"number":7,"text":"27490583"}', pins)
    assert holds(b"his PIN:90361847.", pins)
    assert not holds(b'{"number":3675790361847,"text":""}', pins)


def test_a_number_of_somebody_s_is_found_in_an_entry_but_not_in_its_own_place_and_times(
    template: Template,
) -> None:
    stories: list[Story] = []
    run(replace(SHORT, days=0.01), template, change=stories.append)
    checks = stories[0].checks
    checks.forbid("9400702")
    assert not checks.tells(b'{"seq":9400702,"wall_ms":9400702,"mono_ms":9400702,"record":{}}')
    assert checks.tells(b'{"seq":17,"record":{"patient":"9400702"}}')
    assert checks.tells(b'{"seq":17,"record":{"quantity":9400702}}')


def test_a_failing_story_is_shrunk_to_less_of_everything(template: Template) -> None:
    told = run(SHORT, template, change=spoiled)
    small = command.shrink(SHORT, told, lambda plan: run(plan, template, change=spoiled))
    assert small.violations and small.violations[0].invariant == told.violations[0].invariant
    assert small.plan.fault_rate == 0 and small.plan.accesses_a_day < 100
    assert small.steps < told.steps


def test_an_exported_story_is_a_whole_cabinet_that_verifies(tmp_path: Path) -> None:
    target = tmp_path / "story"
    words = ["--seed", "9", "--days", "0.05", "--accesses", "400", "--export", str(target)]
    told = subprocess.run(
        [sys.executable, "-m", "sim", *words, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    cabinet = target / "cabinet"
    configuration = site.load(cabinet / "cabinet.toml")
    keys = key_files.load(cabinet / configuration.paths.keys)
    findings, _ = verification.verify(configuration, cabinet, keys)
    assert not findings.problems
    checked = subprocess.run(
        [sys.executable, "-m", "ledger.verify", str(target / "export")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(told.stdout)["root"] in checked.stdout
    for name in REPORTS:
        said = [sys.executable, "-m", "cabinet.cli", "report", name, "--format", "json"]
        report = subprocess.run(
            [*said, "--config", str(cabinet / "cabinet.toml")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert json.loads(report.stdout) is not None


def test_a_story_is_told_again_with_the_sites_own_file_and_refused_without_one(
    tmp_path: Path,
) -> None:
    plan = Plan(seed=3, config="/etc/a cabinet.toml")
    assert plan.command().endswith("--config '/etc/a cabinet.toml'")
    words = ["--seed", "3", "--config", str(tmp_path / "none.toml")]
    told = subprocess.run(
        [sys.executable, "-m", "sim", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 1
    assert told.stderr == f"python -m sim: {tmp_path / 'none.toml'}: No such file or directory\n"


def test_a_sites_own_cabinet_can_be_tried(tmp_path: Path) -> None:
    own = tmp_path / "cabinet.toml"
    text = (DEMO / "cabinet.toml").read_text().replace("OXYC-5-TAB", "OWN-MEDICINE")
    theirs = f'\n[staff_list]  # signed by [their] office\nvkey = "{THEIRS.vkey}"\n\n[review]\n'
    own.write_text(text.replace("demo = true", "demo = false") + theirs)
    template = default_template(tmp_path / "t", own)
    assert template.configuration.staff_list.vkey == SIGNER.vkey, "lists are said by our hospital"
    told = run(Plan(seed=3, days=0.1, accesses_a_day=400), template)
    assert not told.violations and told.accesses > 10


def test_a_second_place_that_could_not_be_written_is_written_when_it_can(
    template: Template,
) -> None:
    """Nobody comes and no entry follows: what was not kept is kept all the same."""
    kept: list[str] = []

    def change(story: Story) -> None:
        hub, cabinet = story.runtime.hub, story.runtime
        anchor = story.folder / cabinet.configuration.paths.anchor
        in_the_way = anchor.with_name(f"{anchor.name}.new")
        hub.after(100.0, in_the_way.mkdir)
        hub.after(200.0, lambda: cabinet.present("9911223344"))
        hub.after(400.0, in_the_way.rmdir)

        def look() -> None:
            assert cabinet.boot is not None and cabinet.boot.turns is not None
            state = cabinet.boot.turns.engine.state
            newest = cabinet.boot.store.newest_head() if cabinet.boot.store is not None else None
            assert newest is not None and anchor.read_text() == newest.note
            kept.extend(["down"] if "anchor" in state.devices_down else ["up"])

        hub.after(3000.0, look)

    told = run(Plan(seed=1, days=0.04, accesses_a_day=0, fault_rate=0.0), template, change=change)
    assert not told.violations, told.violations[0]
    assert kept == ["up"]


def test_memory_stays_flat_however_long_the_story_and_often_the_restarts() -> None:
    """A month, in a process of its own; the bound holds for a month of a busy ward."""
    told = subprocess.run(
        [
            *(sys.executable, "-m", "sim", "--seed", "11", "--days", "30", "--accesses", "6"),
            *("--faults", "0.3", "--trespasses", "0.3", "--json"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    figures = json.loads(told.stdout)
    after_a_day, at_the_end = figures["memory_mib"]
    assert figures["restarts"] > 30
    assert at_the_end < MOST_MIB and at_the_end - after_a_day < MOST_MORE_MIB


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_diverter_gets_away_with_something_and_every_invariant_holds(
    scheme: str, template: Template
) -> None:
    plan = Plan(seed=8, days=0.3, accesses_a_day=400, fault_rate=0.0, diverter=scheme)
    told = run(plan, template)
    assert f"--diverter {scheme}" in plan.command()
    assert not told.violations, told.violations[0]
    assert told.people["diverted"] > 0


def test_patients_come_move_and_go_and_nurses_find_their_orders(template: Template) -> None:
    told = run(Plan(seed=8, days=3.0, accesses_a_day=25, fault_rate=0.0), template)
    assert not told.violations, told.violations[0]
    people = told.people
    assert people["admitted"] >= 3 and people["discharged"] >= 3 and people["moved"] >= 1
    assert told.accesses >= 75


def test_an_order_that_ends_leaves_a_screen_at_which_nothing_else_happens(
    template: Template,
) -> None:
    """Screens are drawn anew only where something may have changed them: time alone may."""
    seen: list[tuple[bool, int]] = []

    def change(story: Story) -> None:
        cabinet, lists = story.runtime, story.injector.lists
        hands = story.hospital.hands(PEOPLE[0], "looks")

        def turns() -> Turns:
            assert cabinet.boot is not None and cabinet.boot.turns is not None
            return cabinet.boot.turns

        def look() -> None:
            state = turns().state
            known = next(iter(state.orders.values()))
            row = lists.order_row(state, known, active=True)
            assert row is not None
            ends_ms = int(cabinet.wall.now_s() * 1000) + 50_000
            ending = replace(row, stops_ms=ends_ms)
            lists.say(e.Import("orders", orders=(("orders.csv:2", ending),)))
            hands.sign_in()
            hands.must_press("everyone")
            hands.must_press(f"patient:{known.listed.patient}")
            for wait_s in (1.0, ends_ms / 1000 + 5.0 - cabinet.wall.now_s()):
                hands.wait(wait_s)
                seen.append((f"order:{known.listed.order}" in hands.rows(), turns().state.size))

        cabinet.hub.after(300.0, lambda: cabinet.hub.spawn("looks", look))

    plan = Plan(seed=1, days=0.01, accesses_a_day=0, fault_rate=0.0, trespass_rate=0.0)
    told = run(plan, template, change=change)
    assert not told.violations, told.violations[0]
    before, after = seen
    assert before[0] and not after[0] and before[1] == after[1]
