"""Service technicians with real SSH keys, and a hospital's service CA that certifies them.

Not for checking anything. One rule: every key and certificate is made by the machine's own
ssh-keygen, as a hospital's would be.
"""

import base64
import shutil
import subprocess
import time
from pathlib import Path

from pyrage import x25519

from cabinet import whole_file
from sim.people import TECHNICIAN
from sim.phone import Phone, secret_of

KEYGEN = "ssh-keygen"
NAMESPACE = "adc-console"
STAFF = "staff:"  # before the staff number, among a certificate's places
DEMO_FLEET = "simulated-hospital"


def keygen(*arguments: str | Path, text: str | None = None) -> str:
    """What ssh-keygen prints."""
    told = subprocess.run(
        [KEYGEN, *map(str, arguments)],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    )
    return told.stdout


class Technician:
    """A person with a key."""

    def __init__(self, folder: Path, name: str, *, kind: str = "ed25519") -> None:
        self.name = name
        self.key = folder / f"{name.replace(' ', '-')}-{kind}"
        if not self.key.exists():
            keygen("-q", "-t", kind, "-N", "", "-C", "laptop", "-f", self.key)

    @property
    def public(self) -> Path:
        return self.key.with_name(self.key.name + ".pub")

    @property
    def certificate(self) -> Path:
        return self.key.with_name(self.key.name + "-cert.pub")

    def sign(self, challenge: str, *, namespace: str = NAMESPACE, bare: bool = False) -> str:
        """The signature as it would be pasted."""
        key = self.public if bare else self.certificate
        return keygen("-q", "-Y", "sign", "-n", namespace, "-f", key, text=challenge)


class ServiceCA:
    """The hospital's service CA."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.key = folder, folder / name
        self._serial = 0
        if not self.key.exists():
            keygen("-q", "-t", "ed25519", "-N", "", "-C", "service CA", "-f", self.key)

    @staticmethod
    def is_in(folder: Path, name: str = "ca") -> bool:
        """Whether there is one."""
        return (folder / name).exists()

    @property
    def line(self) -> str:
        """Its public key."""
        return self.key.with_name(self.key.name + ".pub").read_text().strip()

    def technician(self, name: str, *places: str, kind: str = "ed25519") -> Technician:
        """A person with a certificate for these places, from an hour ago for eight hours."""
        person = Technician(self.folder, name, kind=kind)
        self.certify(person, *places)
        return person

    def certify(
        self,
        person: Technician,
        *places: str,
        hours: str = "-1h:+7h",
        options: tuple[str, ...] = (),
    ) -> None:
        """Give a person a (new) certificate."""
        self._serial += 1
        more: list[str | Path] = []
        for option in options:
            more += ["-O", option]
        names, serial = ",".join(places), str(self._serial)
        more += ["-V", hours, "-z", serial, person.public]
        keygen("-q", "-s", self.key, "-I", person.name, "-n", names, *more)

    def revoke(self, person: Technician | None = None) -> Path:
        """The list of revoked keys: this person's, or nobody's."""
        file = self.folder / "revoked.krl"
        keygen("-q", "-k", "-f", file, *([person.certificate] if person is not None else []))
        return file


# --- the demo's -----------------------------------------------------------------------------------

SERVICE = "service"  # the folder, in the demo cabinet's
APP = "app"  # the secret of the technician's authenticator app, as the cabinet showed it
VENDOR = "vendor.key"  # an age identity, which no real cabinet has


def demo_ca(folder: Path) -> str:
    """The demo hospital's service CA, made where it is not there; its public key, "" without."""
    return ServiceCA(folder / SERVICE).line if shutil.which(KEYGEN) else ""


def demo_vendor(folder: Path) -> str:
    """Who reads the demo's support bundles: a key made where it is not there; its recipient."""
    file = folder / SERVICE / VENDOR
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        whole_file.replace(file, f"{x25519.Identity.generate()}\n".encode())
    return str(x25519.Identity.from_str(file.read_text().strip()).to_public())


def demo_certificate(folder: Path) -> str:
    """A fresh certificate of the demo's technician for the demo's cabinets; its file."""
    if not ServiceCA.is_in(folder / SERVICE):
        return "none, because ssh-keygen is not installed"
    places = (DEMO_FLEET, f"{STAFF}{TECHNICIAN.staff_id}")
    person = ServiceCA(folder / SERVICE).technician(TECHNICIAN.name, *places)
    return str(person.certificate)


def keep_app(folder: Path, secret: bytes) -> None:
    """The demo's technician typed this into the app on the phone."""
    text = base64.b32encode(secret).decode()
    whole_file.replace(folder / SERVICE / APP, f"{text}\n".encode())


def demo_phone(folder: Path) -> Phone | None:
    """The phone of the demo's technician; None of a demo that was made without."""
    file = folder / SERVICE / APP
    return Phone(secret_of(file.read_text().strip()), time.time) if file.exists() else None
