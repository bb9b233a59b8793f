"""Telling systemd how the controller is: sd_notify(3), and nothing else.

One rule: without NOTIFY_SOCKET it does nothing, so that the same program runs anywhere.
"""

import os
import socket


def ready() -> None:
    """The sensors are read and the screen is served."""
    _say(b"READY=1")


def watchdog() -> None:
    """The loop went round: said by the loop itself, never by a thread beside it."""
    _say(b"WATCHDOG=1")


def stopping() -> None:
    """Going down in order."""
    _say(b"STOPPING=1")


def _say(what: bytes) -> None:
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        try:
            out.sendto(what, address)
        except OSError:
            return  # systemd's watchdog acts on the silence
