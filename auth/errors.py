"""Errors of the package."""


class AuthError(Exception):
    """Root of the package's errors."""


class UnusablePin(AuthError):
    """The PIN does not meet the rules; the message says which, never the PIN."""
