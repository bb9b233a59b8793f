"""Which browser may use the touchscreen: exactly one, known by a cookie.

In production the kiosk's browser binds itself with a one-time token out of a file that only it can
read; in the demo the newest window is bound. Not for who the nurse is. One rule: a new binding
ends the former one, and a token is used up only when its successor is in the file.
"""

import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cabinet.touchscreen.errors import LaunchFileError

TOKEN_BYTES = 32
LAUNCH_MODE = 0o640  # the kiosk's group reads it
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Cabinet</title>
<meta http-equiv="refresh" content="0;url=http://127.0.0.1:{port}/launch?token={token}">
<p>The cabinet's screen is starting.</p></html>
"""


class Binding:
    """The bound browser's cookie, and the launch token for the next one."""

    def __init__(self, port: int, launch_file: Path | None, ring: Callable[[], None]) -> None:
        self.cookie_name = f"cabinet-screen-{port}"  # cookies do not know ports apart
        self._port, self._launch_file, self._ring = port, launch_file, ring
        self._cookie = self._token = ""
        if launch_file is not None:
            self._renew(launch_file)

    @property
    def by_launch_only(self) -> bool:
        """Whether a browser needs the launch token: always, but in the demo."""
        return self._launch_file is not None

    @property
    def bound(self) -> bool:
        """Whether any browser is."""
        return bool(self._cookie)

    def is_bound(self, cookie: str) -> bool:
        """Whether `cookie` is the bound browser's."""
        return bool(self._cookie) and _same(cookie, self._cookie)

    def bind(self) -> str:
        """The cookie of a newly bound browser."""
        self._cookie = secrets.token_urlsafe(TOKEN_BYTES)
        self._ring()
        return self._cookie

    def launch(self, token: str) -> str:
        """The new cookie for the right token, "" for a wrong one."""
        if self._launch_file is None or not _same(token, self._token):
            return ""
        self._renew(self._launch_file)
        return self.bind()

    def _renew(self, launch_file: Path) -> None:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        draft = launch_file.with_name(f".{launch_file.name}.new")
        try:
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, LAUNCH_MODE)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                os.fchmod(handle, LAUNCH_MODE)  # whatever the umask
                file.write(_PAGE.format(port=self._port, token=token))
            draft.replace(launch_file)
        except OSError as error:
            raise LaunchFileError(
                f"launch page {launch_file}: {error.strerror}; "
                "check that its folder exists and is the touchscreen's own"
            ) from error
        self._token = token


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
