"""What can go wrong at a device; not what to do about it.

Its one rule: every error names the device and the cause, in words a technician can act on, and
never quotes what a person presented, typed or scanned.
"""


class DriverError(Exception):
    """Root of this package's errors."""

    def __init__(self, device: str, cause: str) -> None:
        super().__init__(f"{device}: {cause}")
        self.device, self.cause = device, cause


class LinkLost(DriverError):
    """The port is gone, cannot be opened, or belongs to another program."""


class LinkTimeout(DriverError):
    """The device did not answer, or not completely, within the time of one call."""


class BadFrame(DriverError):
    """Bytes came that are not the answer asked for: garbage, stale, damaged, of another module."""


class DeviceRefused(DriverError):
    """The device answered in good form that it cannot; `status` is its own code."""

    def __init__(self, device: str, cause: str, status: int) -> None:
        super().__init__(device, cause)
        self.status = status


class WrongLibrary(DriverError):
    """An outside package is not the version whose insides the driver was built against."""


class PinsFailed(DriverError):
    """A pin could not be claimed, read or driven."""
