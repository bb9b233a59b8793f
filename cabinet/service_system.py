"""What a technician has the system behind the cabinet do: restart, go off, tell, prove, bundle.

Not for doing it: a unit of systemd that nobody gives arguments to does, once its request file is
there (`system_requests.py`). One rule: the request is a record first, it names who asked, and
nothing goes down while somebody is at the cabinet or a drawer is open.
"""

from cabinet import machines
from cabinet import service_records as sr
from cabinet.decision import Draft
from cabinet.events import AskSystem, SystemTold
from cabinet.service_work import FIRST, busy
from cabinet.system_answers import LOGS_USE, logs_wanted

COMMANDS = ("restart", "poweroff", "logs", "network", "bundle")  # and `ledger verify`
GOES_DOWN: tuple[sr.SystemAct, ...] = ("restart-controller", "restart-touchscreen", "poweroff")
NO_KEY = "No key for support bundles is set in cabinet.toml: service.bundle_key."
_ACTS: dict[tuple[str, ...], sr.SystemAct] = {
    ("restart", "controller"): "restart-controller",
    ("restart", "touchscreen"): "restart-touchscreen",
    ("poweroff",): "poweroff",
    ("network",): "network",
    ("ledger", "verify"): "verify",
    ("bundle", "print"): "bundle",
    ("bundle", "usb"): "bundle-usb",
}
_SAID: dict[sr.SystemAct, str] = {
    "restart-controller": "The controller restarts: this session is over. Sign in again.",
    "restart-touchscreen": "The touchscreen restarts.",
    "poweroff": "The cabinet goes off, its locks shut. Unplug it when its lights are out.",
    "verify": "The whole proof has begun. Its progress and what it finds are told here.",
    "bundle": "The bundle is made; it is printed here as soon as it is.",
    "bundle-usb": "The bundle is made and written to the disk; wait until it is told here.",
}


def act(command: str, arguments: tuple[str, ...]) -> sr.SystemAct | None:
    """Which act a command is; None for one that the cabinet does itself, or that is not right."""
    if command == "logs":  # its words only choose from what it brings
        return "logs" if logs_wanted(arguments) is not None else None
    return _ACTS.get((command, *arguments))


def use(command: str) -> str:
    """How it is used, for whom it was not right."""
    return LOGS_USE if command == "logs" else f"That is not how it is used; see help {command}."


def asked(draft: Draft, what: sr.SystemAct) -> str:
    """Order it; why not, or ""."""
    state = draft.state
    now = state.service
    assert now is not None, "asked of a session"
    if what in GOES_DOWN and not now.working:
        return FIRST
    if what in GOES_DOWN and (words := _stands_open(draft, what)):
        return words
    if what in ("bundle", "bundle-usb") and not state.plan.service.bundle_key:
        return NO_KEY
    draft.add(sr.SystemRequested(now.id, now.person or now.key, what))
    draft.command(AskSystem(what))
    draft.report += filter(None, (_SAID.get(what, ""),))
    return ""


def _stands_open(draft: Draft, what: sr.SystemAct) -> str:
    """Why nothing may go down now, "" when it may."""
    state = draft.state
    assert state.service is not None
    if state.access is not None or state.screen.state != machines.NOBODY:
        return "Somebody is at the touchscreen. Wait until they have signed out."
    if state.service.testing is not None:
        return busy(draft)
    wrong = ("open", "unlatched") if what == "poweroff" else ("open",)
    for name, position in draft.moment.positions.items():
        if position in wrong:
            return f"Drawer {name} is {position}. Push it until it clicks."
    return ""


def told(draft: Draft, event: SystemTold) -> None:
    """What came of it."""
    draft.add(sr.SystemAnswered(event.session, event.act, event.outcome, event.digest))
