"""Recordings of devices' lines, kept in a file for the support bundle as long as the session lasts.

Not for making them (`service_traffic.py`). One rule: what is read back is of the form that
docs/captures.md describes, line by line, and bounded; anything else in the file is left out.
"""

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cabinet import whole_file

NAME = "captures"  # beside the requests, in the controller's own folder
MOST_BYTES = 1024 * 1024
_LINE = re.compile(
    r"# adc capture 1, [a-z]+, [0-9: UTC-]+|# [0-9]+ more frames are not kept"
    r"|\+[0-9.]+ [<>] [0-9A-F\[\] ]+  # [A-Za-z0-9',:; ]+"
)
_log = logging.getLogger(__name__)


def keep(folder: Path, lines: Sequence[str]) -> None:
    """Put them there, or take what is there away where there are none."""
    try:
        if lines:
            whole_file.replace(folder / NAME, "".join(f"{line}\n" for line in lines).encode())
        else:
            (folder / NAME).unlink(missing_ok=True)
    except OSError as error:  # the bundle is then without
        _log.error("recordings for a bundle cannot be kept: %s", error)


def read(folder: Path) -> list[str]:
    """What is there."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            data = stream.read(MOST_BYTES)
    except OSError:
        return []
    return [it for it in data.decode("ascii", "replace").splitlines() if _LINE.fullmatch(it)]
