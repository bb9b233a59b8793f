"""TOTP against the vectors of RFC 6238 and RFC 4226, each step once, and its secret at rest."""

import base64
import secrets
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from auth import totp

# RFC 6238, appendix B: the time, and the codes of SHA-1, SHA-256 and SHA-512 in 8 digits.
VECTORS = (
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
)
SEED = b"1234567890"
SECRET = SEED * 2


@pytest.mark.parametrize(("now_s", "sha1", "sha256", "sha512"), VECTORS)
def test_the_vectors_of_rfc_6238(now_s: int, sha1: str, sha256: str, sha512: str) -> None:
    step = now_s // totp.STEP_S
    seeds = {"sha1": SECRET, "sha256": (SEED * 4)[:32], "sha512": (SEED * 7)[:64]}
    for (algorithm, seed), code in zip(seeds.items(), (sha1, sha256, sha512), strict=True):
        assert totp.code_at(seed, step, digits=8, algorithm=algorithm) == code


def test_the_vectors_of_rfc_4226() -> None:
    codes = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()
    assert [totp.code_at(SECRET, count) for count in range(10)] == codes


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_a_code_is_right_one_step_early_and_late(late: int) -> None:
    now_s = 1_790_000_000
    typed = totp.code_at(SECRET, now_s // 30 + late)
    assert totp.matching_step(SECRET, typed, now_s, 0) == now_s // 30 + late


@pytest.mark.parametrize("late", [-2, 2, 1000])
def test_a_code_of_another_time_is_wrong(late: int) -> None:
    now_s = 1_790_000_000
    assert not totp.matching_step(SECRET, totp.code_at(SECRET, now_s // 30 + late), now_s, 0)


def test_attack_a_code_that_was_used_or_is_older_than_one_used_is_wrong() -> None:
    now_s = 1_790_000_000
    step = now_s // 30
    for older in (step, step - 1):
        assert not totp.matching_step(SECRET, totp.code_at(SECRET, older), now_s, step)
    assert totp.matching_step(SECRET, totp.code_at(SECRET, step + 1), now_s, step)


def test_attack_the_clock_set_back_makes_no_used_code_right_again() -> None:
    used = 1_790_000_000 // 30
    for back_s in (30, 3600, 10**9):
        now_s = 1_790_000_000 - back_s
        assert not totp.matching_step(SECRET, totp.code_at(SECRET, now_s // 30), now_s, used)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "٧٣٩١٠٢", "abcdef", "-12345"])
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert not totp.matching_step(SECRET, typed, 1_790_000_000, 0)


def test_a_secret_is_spelt_so_that_an_app_takes_it() -> None:
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    assert base64.b32decode(totp.spelt(secret).replace(" ", "")) == secret
    spelt = totp.spelt(secret)
    for issuer, account in (
        ("Ward 4 West", "N-2041"),
        ("Bloc: Ñandú & Cie?", "5/7#"),
        ("W" * 99, ""),
    ):
        uri = urlsplit(totp.uri(spelt, issuer, account))
        asked = parse_qs(uri.query)
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        assert [unquote(it) for it in uri.path[1:].split(":")] == [issuer[:40], account]
        assert asked == {"secret": [spelt.replace(" ", "")], "issuer": [issuer[:40]]}


def test_a_sealed_secret_opens_for_its_person_and_with_this_pepper_alone() -> None:
    pepper, secret = bytes(32), secrets.token_bytes(20)
    sealed = totp.seal(pepper, "person-1", secret, secrets.token_bytes)
    assert secret.hex() not in base64.b64decode(sealed).hex()
    assert totp.unseal(pepper, "person-1", sealed) == secret
    assert totp.unseal(pepper, "person-2", sealed) == b""
    assert totp.unseal(b"\1" * 32, "person-1", sealed) == b""
    for broken in ("", "no base64", sealed[:-8], "A" + sealed[1:]):
        assert totp.unseal(pepper, "person-1", broken) == b""
