"""Which key must have signed a head: the first one, until an entry names the next.

Pure. One rule: a key that was replaced signs nothing after the entry that replaced it, so that a
stolen old key is worth nothing.
"""

from bisect import bisect_right
from typing import Protocol

from ledger.errors import WrongSignature
from ledger.note import Verifier, open_note, parse_note

_CHANGE = "adc signing key change v1"


def key_change_text(origin: str, seq: int, vkey: str) -> str:
    """What the old and the new key sign when entry `seq` replaces the one by the other."""
    return f"{origin}\n{_CHANGE}\n{seq}\n{vkey}\n"


def key_change(note: str, old: Verifier, seq: int) -> Verifier:
    """The key that `note` puts in the place of `old` from entry `seq` on; both signed it."""
    text, _ = parse_note(note)
    new = Verifier(text.removesuffix("\n").rpartition("\n")[2])
    if text != key_change_text(old.name, seq, new.vkey) or new.name != old.name:
        raise WrongSignature("this change of the signing key is of another log or entry")
    open_note(note, [old])
    open_note(note, [new])
    return new


class HeadKeys(Protocol):
    """Which key signs the head over how many entries: a Verifier, a Keyring, or who learns it."""

    def at(self, size: int, /) -> Verifier: ...


class Keyring:
    """The keys of one log, by the size of the head from which each of them signs."""

    def __init__(self, first: Verifier) -> None:
        self._sizes, self._keys = [0], [first]

    def change(self, size: int, verifier: Verifier) -> None:
        """From the head over `size` entries on, `verifier` signs."""
        assert size > self._sizes[-1] or len(self._sizes) == 1, "changes come in order"
        self._sizes.append(size)
        self._keys.append(verifier)

    def at(self, size: int) -> Verifier:
        """The key that signs the head over `size` entries."""
        return self._keys[bisect_right(self._sizes, size) - 1]

    @property
    def newest(self) -> Verifier:
        """The key that signs now."""
        return self._keys[-1]

    @property
    def all(self) -> tuple[Verifier, ...]:
        """Every key there was, the first one first."""
        return tuple(self._keys)
