"""How wrong tries slow down and stop the next: pure, for badge holders known and unknown alike.

One rule: the answer depends on the count and the times alone, so that it tells nobody who exists.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tries:
    """Wrong tries in a row, and when the last one was: monotonic, in ms."""

    count: int = 0
    last_ms: int = 0


@dataclass(frozen=True)
class Standing:
    """Whether a try may be made now: locked, or `wait_s` seconds first (0: now)."""

    locked: bool
    wait_s: int


def standing(
    tries: Tries, now_ms: int, *, delay_from_try: int, delay_s: int, lock_at_try: int
) -> Standing:
    """Where somebody with `tries` stands at `now_ms` (NIST SP 800-63B-4: 5 misses, then 30 s)."""
    if tries.count >= lock_at_try:
        return Standing(locked=True, wait_s=0)
    if tries.count < delay_from_try:
        return Standing(locked=False, wait_s=0)
    # A clock that begins again must not lengthen the wait beyond one delay.
    left_ms = min(tries.last_ms + delay_s * 1000 - now_ms, delay_s * 1000)
    return Standing(locked=False, wait_s=max(0, -(-left_ms // 1000)))
