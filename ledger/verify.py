"""`python -m ledger.verify PATH`: checks an export or a receipt with nothing but the public keys.

For auditors, years later, without the cabinet: it imports nothing but this package's pure modules
and cryptography. One rule: nothing in the evidence is believed that is not signed or recomputed,
and what was not seen is said.

Every key given must have signed the head. Exit status: 0 good, 1 something is wrong, 2 usage.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ledger.cosignature import TIMESTAMP_BYTES, CosignatureVerifier, cosignature_time
from ledger.errors import LedgerError, WrongEvidence, WrongNote
from ledger.evidence import Export
from ledger.keyring import key_change
from ledger.note import (
    ED25519,
    MAX_NOTE_CHARACTERS,
    Checkpoint,
    NoteVerifier,
    Verifier,
    decode_vkey,
    parse_checkpoint,
    parse_note,
)
from ledger.receipt import HEADING, MAX_RECEIPT_CHARACTERS, parse_receipt
from ledger.witness_protocol import witness_verifier

MAX_PROBLEMS = 100
MAX_KEYS = 16


@dataclass
class Verdict:
    """What was found, line by line, and what is wrong, the first wrong entry first."""

    told: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong

    def lines(self) -> list[str]:
        """All of it for a person."""
        shown = [f"WRONG {what}" for what in self.wrong[:MAX_PROBLEMS]]
        if len(self.wrong) > MAX_PROBLEMS:
            shown.append(f"WRONG and {len(self.wrong) - MAX_PROBLEMS} more")
        return [*self.told, *shown, "good" if self.good else "NOT GOOD: do not rely on it"]


def verifier_of(vkey: str) -> NoteVerifier:
    """The verifier for a public key of any kind that signs heads."""
    return Verifier(vkey) if decode_vkey(vkey)[1] == ED25519 else witness_verifier(vkey)


def read_text(file: Path, most: int) -> str:
    """A small text file; WrongEvidence when it is none."""
    try:
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise WrongEvidence(f"{file}: cannot be read: {error.strerror}") from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise WrongEvidence(f"{file}: is not text; give an export or a receipt") from None
    if len(data) > most:
        raise WrongEvidence(f"{file}: is longer than {most} bytes; give an export or a receipt")
    return text


def read_keys(file: Path) -> list[str]:
    """The public keys in a file, one a line."""
    keys = [line.strip() for line in read_text(file, MAX_NOTE_CHARACTERS).splitlines()]
    keys = [key for key in keys if key]
    if not 1 <= len(keys) <= MAX_KEYS:
        raise WrongEvidence(f"{file}: holds {len(keys)} keys, not 1 to {MAX_KEYS}")
    return keys


def _check_head(note: str, vkeys: Sequence[str], verdict: Verdict) -> Checkpoint:
    """The head in `note`, with every signature told; raises WrongNote for what is no head."""
    text, signatures = parse_note(note)
    head = parse_checkpoint(text)
    verdict.told.append(f"head: log {head.origin}, {head.size} entries, root {head.root.hex()}")
    verifiers = [verifier_of(vkey) for vkey in dict.fromkeys(vkeys)]
    known = {(each.name, each.key_id): each for each in verifiers}
    for key, verifier in known.items():
        found = [s.signature for s in signatures if (s.name, s.key_id) == key]
        who = f"{verifier.name}, key {verifier.key_id.hex()}"
        if not found:
            verdict.wrong.append(f"head: not signed by {who}")
        elif not all(verifier.verifies(text, signature) for signature in found):
            verdict.wrong.append(f"head: the signature of {who} is wrong")
        else:
            verdict.told.append(f"signed: by {who} ({_how(verifier, found[0])})")
    if head.origin not in {each.name for each in verifiers}:
        verdict.wrong.append(f"head: is of the log {head.origin}, for which no key was given")
    for each in signatures:
        if (each.name, each.key_id) not in known:
            verdict.told.append(
                f"passed over: a signature of {each.name}, key {each.key_id.hex()}, not given here"
            )
    return head


def _how(verifier: NoteVerifier, signature: bytes) -> str:
    if isinstance(verifier, Verifier):
        return "Ed25519"
    seconds = cosignature_time(signature) if len(signature) > TIMESTAMP_BYTES else 0
    kind = "ML-DSA-44" if isinstance(verifier, CosignatureVerifier) else "Ed25519 cosignature"
    try:
        return f"{kind}, {datetime.fromtimestamp(seconds, UTC).isoformat()}"
    except (ValueError, OverflowError, OSError):
        return f"{kind}, at no time that a calendar has"


def check_receipt(text: str, vkeys: Sequence[str]) -> Verdict:
    """Checks the receipt in `text` against the keys; raises WrongNote if it is not one."""
    verdict = Verdict()
    receipt = parse_receipt(text)
    head = _check_head(receipt.note, vkeys, verdict)
    try:
        receipt.prove(head)
    except LedgerError as error:
        verdict.wrong.append(f"entry {receipt.seq}: {error}")
        return verdict
    verdict.told += [
        f"entry {receipt.seq}: is in the log, as follows",
        f"    {_printable(receipt.body)}",
        f"not seen: the other {head.size - 1} entries",
    ]
    return verdict


def _printable(body: bytes) -> str:
    """The body on one line, for a terminal."""
    text = body.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _follow(path: Path, note: str, vkeys: Sequence[str], verdict: Verdict) -> list[str]:
    """The keys in force at the head: a key given is replaced by the one that it named itself."""
    keys = list(dict.fromkeys(vkeys))
    folder = path / "key-changes"
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    for seq in sorted(int(name) for name in names if name.isascii() and name.isdigit()):
        text = read_text(folder / str(seq), MAX_NOTE_CHARACTERS)
        if seq > parse_checkpoint(parse_note(note)[0]).size:
            continue
        for at, vkey in enumerate(keys):
            try:
                keys[at] = key_change(text, Verifier(vkey), seq).vkey
            except LedgerError:
                continue  # not a change of this key
            verdict.told.append(f"key: {vkey} was replaced in entry {seq} by {keys[at]}")
    return list(dict.fromkeys(keys))


def check_export(path: Path, vkeys: Sequence[str]) -> Verdict:
    """Checks the export in the directory `path` against the keys."""
    verdict = Verdict()
    note = read_text(path / "checkpoint", MAX_NOTE_CHARACTERS * 4)
    head = _check_head(note, _follow(path, note, vkeys, verdict), verdict)
    found = Export(path, head).check()
    verdict.wrong += found.problems()
    verdict.told += found.lines()
    return verdict


def check_path(path: Path, vkeys: Sequence[str]) -> Verdict:
    """Checks an export or a receipt; without keys given, with those that lie beside it."""
    directory = path.is_dir()
    beside = (path if directory else path.parent) / "vkey"
    own = not vkeys
    if own:
        if not beside.exists():
            raise WrongEvidence(f"{path}: give the cabinet's public keys: --vkey KEY or FILE")
        vkeys = read_keys(beside)
    if directory:
        verdict = check_export(path, vkeys)
    else:
        text = read_text(path, MAX_RECEIPT_CHARACTERS)
        if not text.startswith(HEADING):
            raise WrongEvidence(f"{path}: is no receipt, and no directory with an export")
        verdict = check_receipt(text, vkeys)
    if own:
        verdict.told.append(
            f"whose key: not proven; the keys came with the evidence, in {beside.name}: compare "
            "them with those that you were given when the cabinet was set up"
        )
    return verdict


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ledger.verify",
        description="Check an export directory or a receipt of a cabinet's ledger.",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="the export or receipt")
    parser.add_argument(
        "--vkey",
        action="append",
        default=[],
        metavar="KEY",
        help="a public key (name+id+key) that must have signed, or a file with one or more; "
        "default: the file vkey in, or beside, PATH",
    )
    arguments = parser.parse_args(argv)
    vkeys: list[str] = []
    try:
        for given in arguments.vkey:
            vkeys += [given] if "+" in given else read_keys(Path(given))
        verdict = check_path(arguments.path, vkeys)
    except WrongEvidence as error:
        print(f"ledger.verify: {error}", file=sys.stderr)
        return 2
    except (WrongNote, LedgerError) as error:
        print(f"WRONG {arguments.path}: {error}\nNOT GOOD: do not rely on it")
        return 1
    print("\n".join(verdict.lines()))
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
