"""Whether an SSH signature over a challenge is true, asked of OpenSSH's own ssh-keygen.

Not for what the person may do. One rule: the arguments are fixed here; what a stranger sent is in
files that it reads, in a folder of its own that is gone afterwards, and never an argument.
"""

import os
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auth import ssh_signature
from auth.errors import NotProved
from auth.ssh_signature import FOR_EVER, USER, Certificate, Signature

PROGRAM = "/usr/bin/ssh-keygen"
NAMESPACE = "adc-console"
WITHIN_S = 10.0
MAX_REVOKED_BYTES = 4 * 1024 * 1024
STAFF = "staff:"  # begins a principal that is not a place: a staff number of the person
MOST_NUMBERS = 4


@dataclass(frozen=True)
class Trust:
    """Whose certificates count: the CA's public keys ("type base64"), and for which places.

    `names` are the principals that stand for this cabinet: its id, its fleet. `revoked` is a KRL.
    `named`: whether a certificate must name a staff number of the person.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    most_hours: int
    revoked: Path | None = None
    named: bool = False


def check(
    text: str, challenge: bytes, trust: Trust, now_s: float, *, program: str = PROGRAM
) -> Certificate:
    """The certificate whose holder signed `challenge`; raises NotASignature, NotProved."""
    signature = ssh_signature.read(text)
    name = refused(signature, trust, now_s)
    _ask(signature, challenge, name, trust, now_s, program)
    return signature.certificate


def refused(signature: Signature, trust: Trust, now_s: float) -> str:
    """The principal under which it may be believed; raises NotProved for what it says itself."""
    held = signature.certificate
    if signature.namespace != NAMESPACE:
        raise NotProved("namespace", f"It was signed for another purpose; sign with -n {NAMESPACE}")
    if held.kind != USER:
        raise NotProved("not_a_person", "The certificate is a host's, not a person's.")
    if held.critical:
        names = ", ".join(held.critical)
        raise NotProved("option", f"The certificate has an option that is not known here: {names}.")
    name = next((name for name in trust.names if name in held.principals), "")
    if not name:
        wanted = " or ".join(trust.names)
        raise NotProved("elsewhere", f"The certificate is not for this cabinet ({wanted}).")
    numbers = staff_numbers(held)
    if len(numbers) > MOST_NUMBERS:
        raise NotProved("numbers", f"The certificate names more than {MOST_NUMBERS} staff numbers.")
    if trust.named and not numbers:
        words = f"Ask for one that does: -n {name},{STAFF}NUMBER"
        raise NotProved("unnamed", f"The certificate names no staff number. {words}")
    if held.valid_until_s == FOR_EVER or held.valid_until_s <= held.valid_from_s:
        raise NotProved("no_hours", "The certificate has no hours. Ask for one that has.")
    if held.valid_until_s - held.valid_from_s > trust.most_hours * 3600:
        raise NotProved("too_long", f"The certificate is for more than {trust.most_hours} hours.")
    if now_s < held.valid_from_s:
        words = f"The certificate is not valid before {utc(held.valid_from_s)}."
        raise NotProved("not_yet", f"{words} {_clock(now_s)}")
    if now_s >= held.valid_until_s:
        words = f"The certificate was valid until {utc(held.valid_until_s)}."
        raise NotProved("expired", f"{words} {_clock(now_s)}")
    return name


def staff_numbers(held: Certificate) -> tuple[str, ...]:
    """The staff numbers that a certificate names."""
    named = (it.removeprefix(STAFF).strip() for it in held.principals if it.startswith(STAFF))
    return tuple(number for number in named if number)


def _clock(now_s: float) -> str:
    return f"This cabinet's clock says {utc(now_s)}; if that is wrong, it must be set first."


def utc(seconds: float) -> str:
    """A Unix time as people read it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return "a year beyond all calendars"


def _ask(
    signature: Signature, challenge: bytes, name: str, trust: Trust, now_s: float, program: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="service-") as folder:  # 0700
        signers, signed = Path(folder) / "signers", Path(folder) / "signature"
        _write(
            signers,
            "".join(
                f'{name} cert-authority,namespaces="{NAMESPACE}" {key}\n' for key in trust.keys
            ).encode(),
        )
        _write(signed, signature.armored.encode())
        when = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%d%H%M%S")
        command = [program, "-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE]
        command += ["-s", str(signed), f"-Overify-time={when}"]
        if not _says_good(command, challenge, name):
            raise NotProved(
                "wrong", "The signature is not of this challenge, or not by a key of the service CA"
            )
        if trust.revoked is None:
            return
        revoked = Path(folder) / "revoked"
        _write(revoked, _revoked(trust.revoked))
        if not _says_good([*command, "-r", str(revoked)], challenge, name):
            raise NotProved("revoked", "The key or its certificate is revoked.")


def _says_good(command: Sequence[str], challenge: bytes, name: str) -> bool:
    try:
        told = subprocess.run(
            command,
            input=challenge,
            capture_output=True,
            timeout=WITHIN_S,
            check=False,
            env={"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        raise NotProved("no_answer", "ssh-keygen did not answer in time.") from None
    except OSError as error:
        words = f"ssh-keygen cannot be run: {error.strerror}; install openssh-client"
        raise NotProved("no_program", words) from None
    good = f'Good "{NAMESPACE}" signature for {name} with '
    return told.returncode == 0 and told.stdout.decode("ascii", "replace").startswith(good)


def _revoked(file: Path) -> bytes:
    """The list as it is now; one that cannot be read lets nobody in."""
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(MAX_REVOKED_BYTES + 1)
    except OSError as error:
        words = f"The list of revoked keys cannot be read: {error.strerror}; put it back."
        raise NotProved("no_list", words) from None
    if mode & stat.S_IWOTH:
        words = "The list of revoked keys can be changed by anybody; put it back, and chmod o-w it."
        raise NotProved("no_list", words)
    if not data or len(data) > MAX_REVOKED_BYTES:
        raise NotProved("no_list", "The list of revoked keys is empty or too long; put it back.")
    return data


def _write(file: Path, data: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
