"""PINs, passphrases and codes hashed off the controller's thread: one owner, one job at a time.

Not for deciding what a right or wrong PIN means. One rule: what was typed is dropped as soon as it
is hashed, and never logged.
"""

import itertools
import queue
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable, Iterator

from auth import security_keys, totp
from auth.errors import UnusablePin
from auth.passphrases import plain
from auth.pins import PIN_DIGITS, PinHasher, check_usable, keyed_hash, make_code, plain_code
from cabinet import events as e
from cabinet.lists import BADGE_PURPOSE, HUMAN_PURPOSE, NUMBER_PURPOSE
from cabinet.lookalikes import bare

MAX_WAITING = 4
BADGE_DIGITS = 4  # a shorter number in a passphrase is no badge's
MOST_DIGITS = 20  # of a badge's number: an EM4100's has 10 as it is printed
Job = (
    e.CheckPin
    | e.HashPin
    | e.CheckKey
    | e.MakeTotp
    | e.CheckTotp
    | e.CheckTechnician
    | e.HashCode
    | e.HashNumbers
    | e.MakeCode
)


class SecretsWorker:
    """Takes jobs, posts their answers as events."""

    def __init__(
        self,
        pepper: bytes,
        passes: int,
        post: Callable[[e.Event], None],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        *,
        ended: Callable[[], None],
    ) -> None:
        """`ended` is called when the thread ends, also by an error that nobody foresaw."""
        self._pepper, self._passes, self._post = pepper, passes, post
        self._random, self._ended = random_bytes, ended
        self._jobs: queue.Queue[Job | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="secrets", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job; one too many is answered as a wrong PIN, so that nobody waits for ever."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._post(_wrong(job))

    def stop(self) -> None:
        """End the thread after the jobs already taken."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            hasher = PinHasher(self._pepper, passes=self._passes)
            while (job := self._jobs.get()) is not None:
                self._post(answer(job, hasher, self._pepper, self._random))
                del job
        finally:
            self._ended()


def _wrong(job: Job) -> e.Event:
    match job:
        case e.CheckTotp():
            return e.TotpChecked(job.request, 0)
        case e.CheckTechnician():
            return e.ServiceEntered(job.request, job.session, job.person, False, 0)
        case e.CheckKey():
            return e.KeyChecked(job.request, -1)
        case _:
            return e.PinChecked(job.request, False)


def _key(job: e.CheckKey) -> e.KeyChecked:
    if job.public:
        public = bytes.fromhex(job.public)
        proof = (job.challenge, job.data, job.signature, job.after)
        return e.KeyChecked(job.request, security_keys.proof_counter(public, *proof))
    new = security_keys.new_key(job.data)
    if new is None:
        return e.KeyChecked(job.request, -1)
    return e.KeyChecked(job.request, new.counter, new.credential.hex(), new.public.hex())


def _check_usable(job: e.HashPin, pepper: bytes) -> None:
    """Raise UnusablePin; eight digits are a PIN at whichever keys they were typed."""
    chosen = plain(job.pin)
    if not job.phrase or (len(chosen) == PIN_DIGITS and chosen.isascii() and chosen.isdigit()):
        check_usable(chosen, (job.staff_id,))
        numbers = [*_padded(chosen), *(f"{before:02}{chosen}" for before in range(100))]
    else:
        # Its word lists take 18 MB and 0.15 s: only where somebody chooses a passphrase.
        from auth import guesses

        guesses.check_usable(chosen, (job.staff_id, *job.known))
        digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", chosen))
        parts = dict.fromkeys(digits[at:end].lstrip("0") for at, end in _spans(len(digits)))
        numbers = [chosen, *itertools.chain.from_iterable(map(_padded, parts))]
    if job.badge and job.badge in (keyed_hash(pepper, BADGE_PURPOSE, it) for it in numbers):
        raise UnusablePin("Your badge's number can be read by others. Choose something else.")


def _padded(number: str) -> Iterator[str]:
    """The number as a badge may have it: with zeros before it, which people leave out."""
    return (number.zfill(size) for size in range(max(BADGE_DIGITS, len(number)), MOST_DIGITS + 1))


def _spans(size: int) -> Iterator[tuple[int, int]]:
    """Where a number of `BADGE_DIGITS` or more may begin and end."""
    return ((start, end) for start in range(size) for end in range(start + BADGE_DIGITS, size + 1))


def answer(
    job: Job, hasher: PinHasher, pepper: bytes, random_bytes: Callable[[int], bytes]
) -> e.Event:
    """The event that answers a job."""
    match job:
        case e.CheckPin():
            return e.PinChecked(job.request, hasher.verify(job.encoded, job.pin))
        case e.HashPin():
            try:
                _check_usable(job, pepper)
            except UnusablePin as error:
                return e.PinHashed(job.request, unusable=str(error))
            return e.PinHashed(job.request, hasher.hash(job.pin))
        case e.CheckKey():
            return _key(job)
        case e.MakeTotp():
            secret = random_bytes(totp.SECRET_BYTES)
            sealed = totp.seal(pepper, job.person, secret, random_bytes)
            return e.TotpMade(job.request, totp.spelt(secret), sealed)
        case e.CheckTotp():
            secret = totp.unseal(pepper, job.person, job.encoded)
            step = totp.matching_step(secret, job.text, job.now_s, job.after) if secret else 0
            return e.TotpChecked(job.request, step)
        case e.CheckTechnician():
            right = hasher.verify(job.encoded, job.pin)
            secret = totp.unseal(pepper, job.person, job.sealed)
            compared = secret or bytes(totp.SECRET_BYTES)
            step = totp.matching_step(compared, job.text, job.now_s, job.after)
            known = (job.session, job.person)
            return e.ServiceEntered(job.request, *known, right, step if secret else 0)
        case e.HashNumbers():
            number = keyed_hash(pepper, NUMBER_PURPOSE, job.staff_id)
            human = bare(job.person_number)
            hashed = keyed_hash(pepper, HUMAN_PURPOSE, human)
            return e.NumbersHashed(job.request, number, hashed if human else "")
        case e.HashCode():
            return e.CodeHashed(job.request, keyed_hash(pepper, "code", plain_code(job.plain)))
        case e.MakeCode():
            plain = make_code(random_bytes)
            return e.CodeMade(job.request, plain, keyed_hash(pepper, "code", plain_code(plain)))
