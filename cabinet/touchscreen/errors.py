"""What can go wrong in the touchscreen, by cause."""


class TouchscreenError(Exception):
    """Root of the touchscreen's errors."""


class NotAnswering(TouchscreenError):
    """The controller did not take or answer a press; nothing is known of what became of it."""


class BadPress(TouchscreenError):
    """What a browser sent is not a press of ours."""


class LaunchFileError(TouchscreenError):
    """The kiosk's launch page cannot be written; its folder and mode must be put right."""


class PortError(TouchscreenError):
    """The touchscreen's port cannot be had; another program holds it or the right to is missing."""
