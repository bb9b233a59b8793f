"""What goes wrong with the simulator itself; not what a simulated person or device does wrong.

A gesture that the world resists (pulling a latched drawer) is an `Outcome`, never an error.
"""

from pathlib import Path


class SimulatorError(Exception):
    """Root: something of the simulator is wrong; the text names it and says what to do next."""


class NoSuchThing(SimulatorError):
    """A drawer, pocket, device or finger was named that this cabinet does not have."""

    def __init__(self, what: str, name: str, known: list[str]) -> None:
        super().__init__(f"no {what} {name[:40]!r} here; there is {', '.join(known) or 'none'}")


class WrongPin(SimulatorError):
    """A pin was driven that nothing listens to, or that a sensor drives."""

    def __init__(self, pin: int, why: str) -> None:
        super().__init__(f"pin {pin}: {why}; check the pins in cabinet.toml")


class BadSave(SimulatorError):
    """The world's file cannot be used."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file}: {why}; remove the file to start with an empty, shut cabinet")


class PortBusy(SimulatorError):
    """The bench's port is taken."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is in use; stop the other program or choose another port"
        )


class WorldLost(SimulatorError, ConnectionError):
    """The world does not answer on its socket; the pins' levels are unknown until it does."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"the simulated world at {path}: {why}; is the simulator running, and does "
            "CABINET_SIM_SOCKET name its socket?"
        )
