"""Writes docs/states.md from the running state machines: `python -m tests.states`."""

from pathlib import Path

from transitions import Machine

from cabinet import machines

FILE = Path(__file__).parent.parent / "docs" / "states.md"
HEAD = """# The legal steps

Two state machines, drawn from the tables that run (`cabinet/machines.py`); `python -m tests.states`
writes this file, and a test holds it to them. Only `apply` takes a step, live and in replay, and
only by a record; a step that is not drawn here means a ledger that these rules did not write.
"""
SESSION = """
## The session at the screen

Power off and on leads from every state to `nobody`; those arrows are left out.
"""
DRAWER = """
## Each drawer

Power off and on leads from every state to `unknown`, until the sensors have been read; those arrows
are left out. What was open or released under an access is then found so.
"""


def arrows(machine: Machine) -> list[tuple[str, str, str]]:
    """Every step of a running machine: from, to, trigger."""
    return [
        (str(step.source), str(step.dest), trigger)
        for trigger, event in machine.events.items()
        for steps in event.transitions.values()
        for step in steps
    ]


def diagram(machine: Machine) -> str:
    """The machine as a Mermaid state diagram, without restarts."""
    lines = [f"    [*] --> {machine.initial}"]
    lines += [
        f"    {source} --> {target}: {trigger}"
        for source, target, trigger in arrows(machine)
        if trigger != "restarted"
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def text() -> str:
    """The whole file."""
    session, drawer = diagram(machines.SESSION), diagram(machines.DRAWER)
    return "\n".join((HEAD + SESSION, session + DRAWER, drawer)).rstrip() + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
