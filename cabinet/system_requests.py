"""Request files that units of systemd wait for, and the answers that those units leave.

Not for what is asked (`service_system.py`). One rule: a request is an empty file with a fixed name
in a folder where nobody else can make one, so that nothing of it is ever an argument; an answer is
read without following a link, bounded, and only from whom it must come.
"""

import logging
import os
import stat
from pathlib import Path

from cabinet.local_socket import allowed_uids
from cabinet.service_records import SystemAct
from cabinet.system_answers import MAX_ANSWER_BYTES, NotAnAnswer, Told, decode

FACTS_USER = "cabinet-facts"
FROM_FACTS: tuple[SystemAct, ...] = ("logs", "network")
ACTS: tuple[SystemAct, ...] = (
    *("restart-controller", "restart-touchscreen", "poweroff"),
    *FROM_FACTS,
    *("verify", "bundle", "bundle-usb"),
)
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_log = logging.getLogger(__name__)
_Identity = tuple[int, int, int] | None


class NotOurs(OSError):
    """A folder or file in which somebody else has a hand."""


class Requests:
    """The request files of one cabinet."""

    def __init__(self, requests: Path, facts: Path) -> None:
        """`requests` is the controller's alone; `facts` belongs to whoever gathers them."""
        self._requests, self._facts = requests, facts
        self._before: dict[SystemAct, _Identity] = {}

    def prepare(self) -> None:
        """Withdraw what was asked before this start: nothing is carried out twice, or late."""
        try:
            self._requests.mkdir(mode=0o700, parents=True, exist_ok=True)
            for act in ACTS:
                self.withdraw(act)
        except OSError as error:  # what is asked later then fails, and says so
            _log.error("requests to the system cannot be made: %s", error)

    def ask(self, act: SystemAct) -> None:
        """Touch the file; raises OSError, also where one is there already or the folder is open."""
        folder = os.open(
            self._requests, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        )
        try:
            facts = os.fstat(folder)
            if facts.st_uid != os.geteuid() or facts.st_mode & _WRITABLE_BY_OTHERS:
                raise NotOurs(0, "others can make requests here", str(self._requests))
            self._before[act] = self._identity(act)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(act, flags, 0o600, dir_fd=folder))
        finally:
            os.close(folder)

    def taken(self, act: SystemAct) -> bool:
        """Whether the unit has begun."""
        return not os.path.lexists(self._requests / act)

    def withdraw(self, act: SystemAct) -> None:
        """Ask no more."""
        (self._requests / act).unlink(missing_ok=True)

    def answer_file(self, act: SystemAct) -> Path:
        """Where the answer is put."""
        return (self._facts if act in FROM_FACTS else self._requests) / f"{act}.answer"

    def answer(self, act: SystemAct) -> Told | None:
        """What came since it was asked or last looked at; raises OSError, NotAnAnswer."""
        now = self._identity(act)
        if now is None or now == self._before.get(act):
            return None
        self._before[act] = now
        return decode(read_from(self.answer_file(act), FACTS_USER))

    def _identity(self, act: SystemAct) -> _Identity:
        try:
            facts = self.answer_file(act).lstat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino, facts.st_mtime_ns


def read_from(file: Path, user: str) -> bytes:
    """A file that is ours or `user`'s; raises OSError, NotAnAnswer for one that is too long."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(file, flags), "rb") as stream:
        facts = os.fstat(stream.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid not in allowed_uids(user):
            raise NotOurs(0, "is not from whom it must be", str(file))
        data = stream.read(MAX_ANSWER_BYTES + 1)
    if len(data) > MAX_ANSWER_BYTES:
        raise NotAnAnswer
    return data
