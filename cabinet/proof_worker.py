"""Proofs of technicians checked off the controller's thread: one owner thread, one at a time.

Not for what a proof allows. One rule: whatever was pasted, one answer comes of it.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from auth.errors import AuthError, NotProved
from auth.ssh_proof import Trust, check
from auth.ssh_signature import Certificate
from cabinet.local_socket import Peer

MAX_WAITING = 2
Prove = Callable[[str, bytes, Trust, float], Certificate]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProofJob:
    """A signature over a challenge, from the console at `peer`."""

    peer: Peer
    challenge: str
    signature: str = field(repr=False)
    trust: Trust


@dataclass(frozen=True)
class ProofChecked:
    """What became of it: the certificate, or why not (a word for the record) and words."""

    peer: Peer
    challenge: str
    certificate: Certificate | None
    why: str = ""
    words: str = ""


class ProofWorker:
    """Takes proofs, posts what became of them."""

    def __init__(
        self,
        post: Callable[[ProofChecked], None],
        wall_s: Callable[[], float] = time.time,
        *,
        ended: Callable[[], None],
    ) -> None:
        """`ended` is called when the thread ends, also by an error that nobody foresaw."""
        self._post, self._wall_s, self._ended = post, wall_s, ended
        self._jobs: queue.Queue[ProofJob] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="proofs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: ProofJob) -> None:
        """Queue a proof; one too many is answered at once."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._post(ProofChecked(job.peer, job.challenge, None, "too_many", "One moment."))

    def _run(self) -> None:
        try:
            while True:
                self._post(checked(self._jobs.get(), self._wall_s()))
        finally:
            self._ended()


def checked(job: ProofJob, now_s: float, prove: Prove = check) -> ProofChecked:
    """What becomes of a proof; `prove` as `auth.ssh_proof.check`."""
    try:
        held = prove(job.signature, job.challenge.encode(), job.trust, now_s)
    except NotProved as error:
        return ProofChecked(job.peer, job.challenge, None, error.why, str(error))
    except AuthError as error:
        words = f"That is no signature that can be used here: {error}."
        return ProofChecked(job.peer, job.challenge, None, "no_signature", words)
    except OSError as error:
        _log.error("a technician's proof cannot be checked: %s", error)
        words = f"The cabinet cannot check it: {error.strerror or error}."
        return ProofChecked(job.peer, job.challenge, None, "cannot_check", words)
    except (
        Exception
    ):  # of a stranger's bytes: it costs them this try, not the cabinet its controller
        _log.exception("a technician's proof could not be checked")
        return ProofChecked(job.peer, job.challenge, None, "cannot_check", "It cannot be checked.")
    return ProofChecked(job.peer, job.challenge, held)
