"""How wrong tries must slow down and stop the next ones, as the entries have them.

Not a second copy of `auth/lockout.py`: what NIST SP 800-63B-4 (3.2.2, 3.2.3) and the site's own
numbers promise of any two entries. One rule: where two readings are fair, the one that excuses the
cabinet counts; whatever proves somebody forgives all their slips here.
"""

from collections import deque
from dataclasses import dataclass, field

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.plan import Rules
from sim.entitlements import Expect
from sim.proofs import second

MOST_BADGES = 500  # of which wrong tries are kept; the oldest is forgotten
SLOWED = 60  # the cabinet's own wait is such a part of the time in which its tries count


@dataclass
class Row:
    """Wrong tries in a row with one badge."""

    tries: int = 0
    pins: int = 0
    last_ms: int = 0


@dataclass
class Tries:
    """Hears every entry; says with `expect` what came too soon, or ought not to have come."""

    expect: Expect
    rules: Rules = field(default_factory=Rules)
    rows: dict[str, Row] = field(default_factory=dict)  # badge -> its wrong tries
    boot: str = ""
    newest_ms: int = 0  # when its newest entry was
    attempt: r.BadgePresented | None = None
    recent: deque[int] = field(default_factory=deque)  # when the last wrong tries were, of all
    said_ms: int | None = None  # when guessing was suspected, in this boot
    owed: bool = False  # that it is said
    seen: dict[str, int] = field(default_factory=dict)  # what was looked at -> how often

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        if self.owed and not isinstance(record, fr.FingerSwitchedOff):
            said = isinstance(record, fr.GuessingSuspected)
            self.expect(5, said, "so many wrong tries, and nothing says so")
            self.owed = False
        match record:
            case r.Configured():
                self.rules = record.plan.rules
            case r.Started():
                self._started(body.mono_ms)
                self.boot = body.boot
            case fr.GuessingSuspected():
                self.said_ms = body.mono_ms
            case fr.FingerSwitchedOff():
                row = self.rows[record.badge]
                row.tries = row.pins  # a finger that counts no more is not waited for
            case r.BadgePresented():
                self.attempt = record
            case r.FactorRefused() if record.counts:
                self._wrong(record, body.mono_ms)
            case r.SignedIn() | r.ScreenUnlocked():
                self._right(record.factors, body.mono_ms)
            case r.LockReleased():
                self.rows.pop(record.badge, None)
            case r.PersonEnrolled():
                self.rows.pop(record.badge, None)
            case _:
                other, factors = second(record)
                if other:
                    self._right(factors, body.mono_ms)
        if body.boot == self.boot:
            self.newest_ms = body.mono_ms

    def _started(self, now_ms: int) -> None:
        """Neither time without power nor a clock that begins again shortens a wait."""
        for row in self.rows.values():
            row.last_ms = now_ms
        within_ms = self.rules.crowd_within_s * 1000
        late = [at for at in self.recent if self.newest_ms - at < within_ms]
        self.recent = deque([now_ms] * len(late))
        self.attempt = self.said_ms = None

    def _look(self, badge: str, factor: str, now_ms: int) -> Row:
        """At one comparison that was made with this badge: whether it might be made."""
        rules, row = self.rules, self.rows.get(badge, Row())
        self._count("comparison")
        if row.tries >= rules.delay_from_try:
            self._count("after a wait")
            soon = now_ms - row.last_ms < rules.delay_s * 1000
            words = f"wrong try {row.tries} with one badge, and the next {now_ms - row.last_ms} ms"
            self.expect(5, not soon, f"{words} later")
        if row.pins >= rules.lock_at_try:
            self._count("beside a locked PIN")
            self.expect(5, factor != "pin", f"a PIN is compared after {row.pins} wrong ones")
        if self._is_crowd(now_ms):
            self._count("in a crowd")
            wait_ms = rules.crowd_within_s * 1000 // SLOWED
            soon = now_ms - self.recent[-1] < wait_ms
            self.expect(5, not soon, "a cabinet that is guessed at does not slow down")
        return row

    def _count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1

    def _is_crowd(self, now_ms: int) -> bool:
        """Whether the last so many wrong tries, of whatever badges, came within the time."""
        most, within_ms = self.rules.crowd_tries, self.rules.crowd_within_s * 1000
        return len(self.recent) >= most and now_ms - self.recent[-most] < within_ms

    def _wrong(self, refused: r.FactorRefused, now_ms: int) -> None:
        row = self._look(refused.badge, refused.factor, now_ms)
        row.tries, row.last_ms = row.tries + 1, now_ms
        row.pins += refused.factor == "pin"
        self.rows.pop(refused.badge, None)
        self.rows[refused.badge] = row
        if len(self.rows) > MOST_BADGES:
            del self.rows[next(iter(self.rows))]
        self.recent.append(now_ms)
        if len(self.recent) > self.rules.crowd_tries:
            self.recent.popleft()
        within_ms = self.rules.crowd_within_s * 1000
        known = self.said_ms is not None and now_ms - self.said_ms < within_ms
        self.owed = self._is_crowd(now_ms) and not known

    def _right(self, factors: tuple[str, ...], now_ms: int) -> None:
        """Somebody was proven: what they slipped before is forgiven, but a locked PIN stays."""
        if self.attempt is None:
            return
        badge = self.attempt.badge
        row = self._look(badge, "pin" if "pin" in factors else "finger", now_ms)
        row.tries = 0
        if row.pins < self.rules.lock_at_try:
            self.rows.pop(badge, None)
