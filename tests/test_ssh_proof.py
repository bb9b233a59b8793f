"""Who a signature at the console proves, with real keys and the machine's own ssh-keygen."""

import base64
import hashlib
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from auth import ssh_signature
from auth.errors import AuthError, NotASignature, NotProved
from auth.ssh_proof import Trust, check, staff_numbers
from sim.technicians import KEYGEN, ServiceCA, Technician, keygen

pytestmark = pytest.mark.skipif(shutil.which(KEYGEN) is None, reason="ssh-keygen is not installed")

CHALLENGE = "adc-console:ward-1:20261122T224011Z:00ff"
PLACES = ("ward-1", "general")


def trust(ca: ServiceCA, revoked: Path | None = None, hours: int = 24) -> Trust:
    return Trust((ssh_signature.public_key(ca.line),), PLACES, hours, revoked)


def proved(text: str, trusted: Trust, challenge: str = CHALLENGE) -> str:
    return check(text, challenge.encode(), trusted, time.time()).person


def refused(text: str, trusted: Trust, challenge: str = CHALLENGE, at_s: float = 0) -> NotProved:
    with pytest.raises(NotProved) as refusal:
        check(text, challenge.encode(), trusted, at_s or time.time())
    return refusal.value


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_certified_technician_is_believed_by_name_key_and_serial(
    ca: ServiceCA, kind: str
) -> None:
    person = ca.technician(f"Kim {kind}", "elsewhere", "general", kind=kind)
    held = check(person.sign(CHALLENGE), CHALLENGE.encode(), trust(ca), time.time())
    assert held.person == person.name
    assert held.key == keygen("-l", "-f", person.public).split()[1]
    assert held.principals == ("elsewhere", "general")
    assert not held.hardware


def test_the_words_around_a_paste_do_not_matter(ca: ServiceCA, sam: Technician) -> None:
    pasted = "\n  " + sam.sign(CHALLENGE).replace("\n", "\r\n") + "\n\n"
    assert proved(pasted, trust(ca)) == sam.name


def test_a_response_to_another_challenge_proves_nothing(ca: ServiceCA, sam: Technician) -> None:
    text = sam.sign(CHALLENGE)
    assert refused(text, trust(ca), CHALLENGE + "0").why == "wrong"
    assert refused(text, trust(ca), CHALLENGE.replace("ward-1", "ward-2")).why == "wrong"


def test_a_signature_for_another_purpose_proves_nothing(ca: ServiceCA, sam: Technician) -> None:
    assert refused(sam.sign(CHALLENGE, namespace="git"), trust(ca)).why == "namespace"


def test_a_certificate_for_another_cabinet_proves_nothing_here(ca: ServiceCA) -> None:
    person = ca.technician("Else Where", "ward-2", "ward-1x")
    assert refused(person.sign(CHALLENGE), trust(ca)).why == "elsewhere"


def test_a_staff_number_is_a_principal_of_its_own_and_no_place(ca: ServiceCA) -> None:
    person = ca.technician("Num Ber", "staff:P-3102", "ward-1", "staff: N-1 ", "staff:")
    held = check(person.sign(CHALLENGE), CHALLENGE.encode(), trust(ca), time.time())
    assert staff_numbers(held) == ("P-3102", "N-1")
    assert "P-3102" not in repr(held)
    person = ca.technician("No Place", "staff:ward-1")
    assert refused(person.sign(CHALLENGE), trust(ca)).why == "elsewhere"
    person = ca.technician("Ever Body", "ward-1", *(f"staff:{n}" for n in range(5)))
    assert refused(person.sign(CHALLENGE), trust(ca)).why == "numbers"


def test_where_certificates_must_be_named_one_without_a_staff_number_is_refused(
    ca: ServiceCA, sam: Technician
) -> None:
    named = replace(trust(ca), named=True)
    refusal = refused(sam.sign(CHALLENGE), named)
    assert refusal.why == "unnamed" and "-n ward-1,staff:NUMBER" in str(refusal)
    ca.certify(sam, "ward-1", "staff:")
    assert refused(sam.sign(CHALLENGE), named).why == "unnamed"
    ca.certify(sam, "ward-1", "staff:S-5003")
    assert proved(sam.sign(CHALLENGE), named) == sam.name


def test_a_certificate_of_another_ca_proves_nothing(ca: ServiceCA, tmp_path: Path) -> None:
    other = ServiceCA(tmp_path / "other").technician("Mal Lory", "ward-1")
    assert refused(other.sign(CHALLENGE), trust(ca)).why == "wrong"


def test_a_certificate_that_was_changed_proves_nothing(ca: ServiceCA, sam: Technician) -> None:
    text = sam.sign(CHALLENGE)
    lines = text.strip().splitlines()
    blob = base64.b64decode("".join(lines[1:-1])).replace(b"Sam Okafor", b"Ada Admins")
    encoded = base64.b64encode(blob).decode()
    assert refused(f"{lines[0]}\n{encoded}\n{lines[-1]}", trust(ca)).why == "wrong"


def test_a_key_without_its_certificate_is_told_to_use_it(ca: ServiceCA, sam: Technician) -> None:
    with pytest.raises(NotASignature, match=r"-cert\.pub"):
        proved(sam.sign(CHALLENGE, bare=True), trust(ca))


def test_a_certificate_out_of_its_hours_is_refused_with_what_the_clock_says(ca: ServiceCA) -> None:
    person = Technician(ca.folder, "Tim Late")
    ca.certify(person, "ward-1", hours="-3h:-1h")
    refusal = refused(person.sign(CHALLENGE), trust(ca))
    assert refusal.why == "expired"
    assert "This cabinet's clock says" in str(refusal)
    ca.certify(person, "ward-1", hours="+1h:+3h")
    refusal = refused(person.sign(CHALLENGE), trust(ca))
    assert refusal.why == "not_yet"
    assert "if that is wrong" in str(refusal)


def test_a_certificate_without_hours_or_for_too_many_is_refused(ca: ServiceCA) -> None:
    person = Technician(ca.folder, "For Ever")
    ca.certify(person, "ward-1", hours="always:forever")
    assert refused(person.sign(CHALLENGE), trust(ca)).why == "no_hours"
    ca.certify(person, "ward-1", hours="-1h:+24h")
    assert refused(person.sign(CHALLENGE), trust(ca)).why == "too_long"
    assert proved(person.sign(CHALLENGE), trust(ca, hours=25)) == "For Ever"


def test_a_certificate_with_an_option_that_would_not_be_kept_is_refused(ca: ServiceCA) -> None:
    person = Technician(ca.folder, "Opt Ion")
    ca.certify(person, "ward-1", options=("source-address=192.0.2.0/24",))
    assert refused(person.sign(CHALLENGE), trust(ca)).why == "option"


def test_a_revoked_key_is_refused_and_so_is_everybody_without_the_list(
    ca: ServiceCA, sam: Technician, tmp_path: Path
) -> None:
    text = sam.sign(CHALLENGE)
    assert proved(text, trust(ca, ca.revoke())) == sam.name
    assert refused(text, trust(ca, ca.revoke(sam))).why == "revoked"
    assert refused(text, trust(ca, tmp_path / "gone")).why == "no_list"
    (tmp_path / "empty").touch()
    assert refused(text, trust(ca, tmp_path / "empty")).why == "no_list"


def test_attack_a_list_of_revoked_keys_that_anybody_can_change_lets_nobody_in(
    ca: ServiceCA, sam: Technician
) -> None:
    revoked = ca.revoke(sam)
    good = ca.revoke()
    good.chmod(0o666)
    assert refused(sam.sign(CHALLENGE), trust(ca, good)).why == "no_list"
    good.chmod(0o644)
    assert revoked == good and proved(sam.sign(CHALLENGE), trust(ca, good)) == sam.name


def test_without_ssh_keygen_nobody_is_believed(ca: ServiceCA, sam: Technician) -> None:
    with pytest.raises(NotProved) as refusal:
        check(sam.sign(CHALLENGE), CHALLENGE.encode(), trust(ca), time.time(), program="/no/such")
    assert refusal.value.why == "no_program"


class Token:
    """A FIDO key in software, with a certificate: it signs as one does, touched or not."""

    KIND = b"sk-ssh-ed25519@openssh.com"

    def __init__(self, ca: ServiceCA, folder: Path) -> None:
        self._key = Ed25519PrivateKey.generate()
        raw = self._key.public_key().public_bytes_raw()
        public = base64.b64encode(packed(self.KIND, raw, b"ssh:")).decode()
        (folder / "token.pub").write_text(f"{self.KIND.decode()} {public}\n")
        keygen(
            "-q", "-s", ca.key, "-I", "Tok En", "-n", "ward-1", "-V", "+1h", folder / "token.pub"
        )
        self._certificate = base64.b64decode((folder / "token-cert.pub").read_text().split()[1])

    def sign(self, flags: int) -> str:
        counted = bytes([flags]) + (7).to_bytes(4, "big")
        digest = hashlib.sha512(CHALLENGE.encode()).digest()
        told = hashlib.sha256(b"SSHSIG" + packed(b"adc-console", b"", b"sha512", digest)).digest()
        made = self._key.sign(hashlib.sha256(b"ssh:").digest() + counted + told)
        whole = packed(self.KIND, made) + counted
        blob = packed(self._certificate, b"adc-console", b"", b"sha512", whole)
        encoded = base64.b64encode(b"SSHSIG\0\0\0\1" + blob).decode()
        return f"{ssh_signature.BEGIN}\n{encoded}\n{ssh_signature.END}"


def packed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def test_attack_a_fido_key_that_nobody_touched_proves_nobody(ca: ServiceCA, tmp_path: Path) -> None:
    """A program on the technician's laptop signs with a key that was made to ask for no touch."""
    token = Token(ca, tmp_path)
    held = check(token.sign(1), CHALLENGE.encode(), trust(ca), time.time())
    assert held.hardware and held.person == "Tok En"
    with pytest.raises(NotASignature, match="without a touch"):
        check(token.sign(0), CHALLENGE.encode(), trust(ca), time.time())


@pytest.mark.parametrize("cut", [1, 60, 200, 400])
def test_a_paste_that_lost_something_is_no_signature(
    ca: ServiceCA, sam: Technician, cut: int
) -> None:
    lines = sam.sign(CHALLENGE).strip().splitlines()
    encoded = "".join(lines[1:-1])
    for text in (encoded[:-cut], encoded[:cut] + encoded[cut + 1 :], encoded[:cut] + "\x1b"):
        with pytest.raises(AuthError):
            proved("\n".join((lines[0], text, lines[-1])), trust(ca))


@given(st.binary(max_size=300), st.integers(0, 700), st.booleans())
def test_no_bytes_make_the_reader_stumble(noise: bytes, at: int, keep: bool) -> None:
    blob = bytearray(base64.b64decode(SAMPLE))
    blob[at : at + (0 if keep else len(noise))] = noise
    text = f"{ssh_signature.BEGIN}\n{base64.b64encode(blob).decode()}\n{ssh_signature.END}\n"
    try:
        again = ssh_signature.read(text)
    except NotASignature:
        return
    assert ssh_signature.read(again.armored) == again


def _sample() -> str:
    def string(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    name = b"ssh-ed25519-cert-v01@openssh.com"
    key = b"".join(map(string, (name, bytes(32), bytes(32)))) + (7).to_bytes(8, "big")
    key += (1).to_bytes(4, "big") + string(b"Sam") + string(string(b"ward-1"))
    key += bytes(7) + b"\1" + bytes(7) + b"\2" + b"".join(map(string, (b"", b"", b"", b"k", b"s")))
    blob = b"SSHSIG" + (1).to_bytes(4, "big") + string(key) + string(b"adc-console")
    return base64.b64encode(blob + b"".join(map(string, (b"", b"sha512", b"sig")))).decode()


SAMPLE = _sample()


def test_the_sample_is_one() -> None:
    text = f"{ssh_signature.BEGIN}\n{SAMPLE}\n{ssh_signature.END}\n"
    assert ssh_signature.read(text).certificate.person == "Sam"
