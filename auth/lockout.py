"""How wrong tries slow down and stop the next: pure, for badge holders known and unknown alike.

One rule: the answer depends on the counts and the times alone, so that it tells nobody who exists.
Each factor has a limit of its own (NIST SP 800-63B-4, 3.2.2): whoever guesses at a PIN stops the
PIN, and its owner's finger goes on.
"""

from dataclasses import dataclass

from auth.policy import STRONG, Factor


@dataclass(frozen=True)
class Tries:
    """Wrong tries in a row with each factor, and when the last one was: monotonic, in ms."""

    fingers: int = 0
    pins: int = 0
    last_ms: int = 0
    strong: int = 0  # codes of an authenticator, and security keys: after a finger or PIN was right

    def wrong(self, factor: str, now_ms: int) -> "Tries":
        """With one more wrong try of a factor, a value of Factor."""
        return Tries(
            self.fingers + (factor == Factor.FINGER.value),
            self.pins + (factor == Factor.PIN.value),
            now_ms,
            self.strong + any(factor == it.value for it in STRONG),
        )

    def right(self, factors: tuple[str, ...], limits: "Limits") -> "Tries":
        """After somebody was proven by `factors`: a factor that is off stays off.

        A finger forgives the slips of a PIN, but unlocks none; a PIN forgives no finger.
        """
        finger, pin = Factor.FINGER.value in factors, Factor.PIN.value in factors
        slips = self.pins < limits.lock_at_try
        strong = self.strong if self.strong >= limits.lock_at_try else 0
        return Tries(
            0 if finger else self.fingers,
            0 if pin or (finger and slips) else self.pins,
            self.last_ms,
            strong,
        )


@dataclass(frozen=True)
class Limits:
    """From which try on each waits, and from which on the factor is of no use any more."""

    delay_from_try: int
    delay_s: int
    lock_at_try: int
    finger_off_at_try: int


@dataclass(frozen=True)
class Standing:
    """Whether a try may be made now: locked, or `wait_s` seconds first (0: now).

    `finger_off`: only without the finger; `pin_off`: only with it.
    """

    locked: bool
    wait_s: int
    finger_off: bool = False
    pin_off: bool = False


def standing(tries: Tries, now_ms: int, limits: Limits) -> Standing:
    """Where somebody with `tries` stands at `now_ms`.

    NIST SP 800-63B-4, 3.2.3: after 5 missed comparisons in a row each next one waits 30 s, and at
    50 the finger is of no use until it is enrolled again; another factor goes on.
    """
    off = tries.fingers >= limits.finger_off_at_try
    pin_off = tries.pins >= limits.lock_at_try
    if (off and pin_off) or tries.strong >= limits.lock_at_try:
        return Standing(True, 0, off, pin_off)
    counted = tries.pins + tries.strong + (0 if off else tries.fingers)
    waits = counted >= limits.delay_from_try
    wait_s = _left_s(tries.last_ms, now_ms, limits.delay_s) if waits else 0
    return Standing(False, wait_s, off, pin_off)


def crowd_wait_s(recent_ms: tuple[int, ...], now_ms: int, *, most: int, window_s: int) -> int:
    """How long anybody waits where a whole cabinet was guessed at; `recent_ms` are wrong tries.

    `most` of them within `window_s`, whoever's badges they were made with, slow down the next by a
    sixtieth of the window: guessing one PIN with many badges is no faster than many with one.
    """
    if len(recent_ms) < most or now_ms - recent_ms[-most] >= window_s * 1000:
        return 0
    return _left_s(recent_ms[-1], now_ms, window_s // 60)


def _left_s(last_ms: int, now_ms: int, delay_s: int) -> int:
    # A clock that begins again must not lengthen the wait beyond one delay.
    left_ms = min(last_ms + delay_s * 1000 - now_ms, delay_s * 1000)
    return max(0, -(-left_ms // 1000))
