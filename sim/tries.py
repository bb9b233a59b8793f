"""How wrong tries must slow down and stop the next ones, as the entries have them.

Not a second copy of `auth/lockout.py`: what NIST SP 800-63B-4 (3.2.2, 3.2.3) and the site's own
numbers promise of any two entries. One rule: where two readings are fair, the one that excuses the
cabinet counts; whatever proves somebody forgives all their slips here.
"""

from collections import deque
from dataclasses import astuple, dataclass, field

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
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
    fingers: int = 0  # since the last finger that was right: a PIN forgives none


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
    said_ms: int | None = None  # when guessing was suspected, or a boot found its alarm on
    owed: bool = False  # that it is said
    off: str = ""  # the badge whose finger is to be switched off by the next entry
    badges: dict[str, str] = field(default_factory=dict)  # person -> theirs
    seen: dict[str, int] = field(default_factory=dict)  # what was looked at -> how often

    def hear(self, body: r.Body) -> None:
        """One entry."""
        record = body.record
        if self.off:
            said = isinstance(record, fr.FingerSwitchedOff) and record.badge == self.off
            self.expect(5, said, "so many missed fingers, and it is not switched off")
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
                self._switched_off(record)
            case r.BadgePresented():
                self.attempt = record
            case r.FactorRefused() if record.counts:
                self._wrong(record, body.mono_ms)
            case r.SignedIn() | r.ScreenUnlocked():
                self._right(record.factors, body.mono_ms)
            case r.LockReleased():
                self._forgive(record.badge, fingers=False)
            case r.PersonListed() if record.badge:
                self._rebadged(record.person, record.badge)
            case st.PinRenewed():
                self._forgive(self.badges.get(record.person, ""), fingers=False)
            case r.PersonEnrolled():
                self._rebadged(record.person, record.badge)
                self.rows.pop(record.badge, None)
            case _:
                other, factors = second(record)
                if other:
                    self._right(factors, body.mono_ms)
        if body.boot == self.boot:
            self.newest_ms = body.mono_ms

    def slips(self, badge: str) -> tuple[int, int, int]:
        """How many wrong tries in a row count against a badge: all, PINs, fingers."""
        row = self.rows.get(badge, Row())
        return row.tries, row.pins, row.fingers

    def _started(self, now_ms: int) -> None:
        """Neither time without power nor a clock that begins again shortens a wait."""
        for row in self.rows.values():
            row.last_ms = now_ms
        within_ms = self.rules.crowd_within_s * 1000
        late = [at for at in self.recent if self.newest_ms - at < within_ms]
        self.recent = deque([now_ms] * len(late))
        on = self.said_ms is not None and self.newest_ms - self.said_ms < within_ms
        self.attempt, self.said_ms = None, now_ms if on else None

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
        if row.fingers >= rules.finger_off_at_try:
            self._count("beside a finger that is off")
            self.expect(5, factor != "finger", f"a finger is compared after {row.fingers} misses")
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
        row.fingers += refused.factor == "finger"
        missed = refused.factor == "finger" and row.fingers == self.rules.finger_off_at_try
        self.off = refused.badge if missed else ""
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
            self._forgive(badge, fingers="finger" in factors)

    def _forgive(self, badge: str, *, fingers: bool) -> None:
        """What was typed wrongly, and the missed fingers too, or not."""
        row = self.rows.pop(badge, Row())
        if row.fingers and not fingers:
            self.rows[badge] = Row(fingers=row.fingers)

    def _switched_off(self, record: fr.FingerSwitchedOff) -> None:
        """Its misses came one after the other; nobody waits for a finger that counts no more."""
        self._count("switched off")
        row = self.rows.get(record.badge, Row())
        owed = self.off == record.badge
        self.expect(5, owed, f"a finger is switched off after {row.fingers} misses")
        row.tries, self.off = row.pins, ""

    def _rebadged(self, person: str, badge: str) -> None:
        """Another badge forgives nothing."""
        before = self.rows.pop(self.badges.get(person, badge), None)
        self.badges[person] = badge
        there = self.rows.get(badge, Row())
        if before is not None:
            fields = zip(astuple(before), astuple(there), strict=True)
            self.rows[badge] = Row(*(max(pair) for pair in fields))
