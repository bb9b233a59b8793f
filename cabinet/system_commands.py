"""`cabinet system WHAT`, which the fixed units run, and the answers that they and `verify` leave.

Not for a person's own use, though it harms nothing. One rule: whatever happens, an answer is left:
how far it is, what came of it, or that it failed.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from cabinet import provision, system_units, whole_file
from cabinet.configuration import Configuration
from cabinet.service_records import SystemAct
from cabinet.system_answers import NotAnAnswer, Told, decode
from cabinet.system_requests import FACTS_USER, FROM_FACTS, read_from
from ledger.check import Findings

WHAT = ("logs", "network", "bundle", "usb")
_ACTS: dict[str, SystemAct] = {
    "logs": "logs",
    "network": "network",
    "bundle": "bundle",
    "usb": "bundle-usb",
}


def run(configuration: Configuration, folder: Path, what: str) -> Told:
    """Do it and leave the answer."""
    act = _ACTS[what]
    file, shared = system_units.requests(configuration, folder).answer_file(act), act in FROM_FACTS
    try:
        told = _DOING[act](configuration, folder)
    except Exception as error:
        failed = Told("failed", f"{act} failed: {type(error).__name__}.")
        system_units.keep(file, failed, shared=shared)
        raise
    system_units.keep(file, told, shared=shared)
    return told


def _bundle(configuration: Configuration, folder: Path) -> Told:
    """Make it: as a file for the disk beside the requests, and as text in the answer."""
    from cabinet import bundle

    recipient = configuration.service.bundle_key
    if not recipient:
        return Told("failed", "There is no service.bundle_key in cabinet.toml.")
    asked = system_units.requests(configuration, folder)
    try:
        logs = decode(read_from(asked.answer_file("logs"), FACTS_USER))
    except (OSError, NotAnAnswer):
        logs = None
    keys = provision.load_keys(configuration, folder)
    told = bundle.gathered(configuration, folder, keys, logs)
    ready = folder / configuration.paths.requests / system_units.BUNDLE
    whole_file.replace(ready, bundle.encrypted(told, recipient))
    lines = bundle.printed(told, recipient)
    text = "\n".join((*lines, "")).encode()
    digest = hashlib.sha256(text).hexdigest()
    return Told("ok", f"{len(lines)} lines, SHA-256 {digest}", text=lines, digest=digest)


def _usb(configuration: Configuration, folder: Path) -> Told:
    name, data = system_units.to_disk(configuration, folder)
    digest = hashlib.sha256(data).hexdigest()
    return Told("ok", f"{name}, SHA-256 {digest}. Pull the disk.", digest=digest)


_DOING: dict[SystemAct, Callable[[Configuration, Path], Told]] = {
    "logs": lambda *_: system_units.logs(),
    "network": lambda *_: system_units.network(),
    "bundle": _bundle,
    "bundle-usb": _usb,
}


# --- cabinet verify -------------------------------------------------------------------------------


class Proof:
    """Tells how far a proof is and what it found, where an answer is wanted."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def progress(self, done: int, of: int) -> None:
        """So many entries are replayed."""
        self._keep(Told("going", f"{done} of {of} entries"))

    def failed(self) -> None:
        """It could not be carried out at all."""
        self._keep(Told("failed", "The proof could not be carried out; see logs system."))

    def found(self, findings: Findings) -> None:
        """What it found."""
        if findings.good:
            words = (
                f"{findings.entries} entries, {findings.heads} heads, {findings.attachments} "
                f"attachments, root {findings.root.hex()}"
            )
            self._keep(Told("ok", words))
            return
        first = str(findings.problems[0]) if findings.problems else "it is not complete"
        more = len(findings.problems) + findings.more
        self._keep(Told("failed", f"{more} wrong; the first: {first}"[:400]))

    def _keep(self, told: Told) -> None:
        if self._file is not None:
            system_units.keep(self._file, told)
