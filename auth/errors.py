"""Errors of the package."""


class AuthError(Exception):
    """Root of the package's errors."""


class UnusablePin(AuthError):
    """The PIN does not meet the rules; the message says which, never the PIN."""


class NotASignature(AuthError):
    """What was pasted is not an SSH signature with a certificate; the message says in which way."""


class NotProved(AuthError):
    """The signature proves nothing here: `why` in one word for the record, and words to read."""

    def __init__(self, why: str, words: str) -> None:
        super().__init__(words)
        self.why = why
