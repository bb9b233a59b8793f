"""What goes wrong around a cabinet, and what the system owes under each: the whole list is here.

Only fair faults: a disk that lies about what it synced, or a person with root and the keys, are not
survived by any ledger (negative controls are in the tests). One rule: every fault heals by itself
after its time, so that what stays broken was broken by the cabinet.

Numbers in brackets are those of the list of fault kinds that the design's research gives. Not
struck here is what the cabinet must find and then stand still for, which ends a story: bits, pages,
a log or a file that are altered, older or gone (6 to 9), lost keys (30, 31), a forger with the keys
or an old backup (32, 33); each is an attack with a test of its own. Memory that runs out (14) ends
a process as a kill does (13). The hospital's messages and the witness (25 to 28) come by the
gateway, which a simulated cabinet does not have yet; what lists bring comes as their events.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from sim.lists import Lists
from sim.runtime import SimulatedRuntime
from sim.staff_office import StaffOffice
from sim.virtual import UNITS, Stream


@dataclass(frozen=True)
class Sort:
    """One sort of fault: its name, how often a day, and what the cabinet still owes."""

    name: str
    a_day: float
    owes: str


SAFE = "locks stay shut, nothing acknowledged is lost, the interrupted access is shown"
FAULTS: tuple[Sort, ...] = (
    # The machine and its power (1, 12, 13, 16, 17, 23)
    Sort("power cut", 0.6, SAFE),
    Sort("power cut at a pulse", 0.3, SAFE),
    Sort("power cut at the hook", 0.3, SAFE),
    Sort("power cut while a drawer moves", 0.5, SAFE),
    Sort("power cut during recovery", 0.3, "the next start ends the same way"),
    Sort("mains fail", 0.4, "the battery carries it: nobody is interrupted"),
    Sort("battery runs empty", 0.15, SAFE),
    Sort("brown-out", 0.2, "several short cuts: each start is as good as the first"),
    Sort("killed process", 1.5, "the outputs fall low at once; back in seconds"),
    Sort("killed within a pulse", 0.5, "as a power cut; the coil rests before it is on again"),
    Sort("second controller", 0.5, "refused by the ledger's lock; the first one goes on"),
    Sort("orderly restart", 0.5, "a stop is recorded, unless an access is going on"),
    # The disk (1, 2, 3, 4, 5, 10, 11)
    Sort("power cut before a write", 0.6, "the record is not there, and nothing was commanded"),
    Sort("power cut within a write", 0.6, "all of a step's records, or none"),
    Sort("unsynced sectors in any order", 0.2, "the same, whichever of them the disk kept"),
    Sort("power cut after a write", 0.6, "the records are there, and nothing was commanded"),
    Sort("EIO, nothing written", 0.5, "the process ends; the ledger is opened anew"),
    Sort("EIO, and yet written", 0.5, "the process ends; what is there counts"),
    Sort("EIO at every write", 0.1, "each start ends as the first; back when it heals"),
    Sort("EIO at every read", 0.15, "no start, so no lock moves; back when it heals"),
    Sort("no room for a write", 0.2, "the process ends; the ledger is opened anew"),
    Sort("slow disk", 0.5, "30 s for one write: everything waits, no lock moves early"),
    Sort("disk full", 0.5, "no new access; what is open can end; said on the screen"),
    Sort("read-only mount", 0.3, "the process ends, and comes back when it can write again"),
    Sort("no second place", 0.5, "said on the screen; work goes on; written when it can be"),
    # Clocks (15)
    Sort("clock set forward", 0.4, "recorded; waits and lock-outs are unmoved"),
    Sort("clock set back", 0.4, "recorded; entries stay in order"),
    Sort("clock stepped within an access", 0.4, "recorded; the access goes on as it would"),
    Sort("clock forgot", 0.2, "1970 until it is set again; nothing is lost"),
    # Drawers and locks (18, 19, 24)
    Sort("switch stuck", 0.8, "said as a fault, or the opening is seen late"),
    Sort("switch wire cut", 0.8, "reads as open: an alarm, never as shut"),
    Sort("latch sensor stuck", 0.8, "said as a fault; no access to a drawer that is unsure"),
    Sort("latch wire cut", 0.8, "reads as released: an alarm, never as latched"),
    Sort("hook jammed", 0.8, "the access fails in words; no second pulse by itself"),
    Sort("drawer jammed open", 0.5, "an alarm until it is shut; no other lock opens meanwhile"),
    Sort("coil stuck on", 0.5, "the hardware one-shot ends it; not latched is said as such"),
    Sort("contacts bounce", 4.0, "one opening is one record"),
    Sort("drawer forced", 1.0, "a tamper record, an alarm, and a count is due"),
    # Serial lines (20, 21, 22)
    Sort("sensor silent", 1.5, "said as down; a PIN may stand in, and the record says so"),
    Sort("sensor talks nonsense", 1.5, "nothing is believed; the line is opened anew"),
    Sort("sensor answers late", 1.0, "an answer to an older request is never believed"),
    Sort("sensor answers stale", 1.0, "the same"),
    Sort("poor pictures", 1.5, "the person is told; three fail and a PIN is offered"),
    Sort("sensor unplugged", 1.0, "said as down; back after a full check"),
    Sort("sensor pulled within a reading", 0.6, "the person is told; a PIN may stand in"),
    Sort("sensor line echoes", 0.5, "its own question is no answer; said as down"),
    Sort("sensor at another speed", 0.5, "nothing is believed; said as down"),
    Sort("badge reader at another speed", 0.5, "no badge is read out of garbage"),
    Sort("badge reader unplugged", 1.0, "said as down; back by itself"),
    Sort("scanner unplugged", 0.6, "expiry is typed; back by itself"),
    Sort("noise on the badge line", 1.5, "no badge is put together from pieces"),
    Sort("badge twice", 1.5, "held to the reader twice, it is one"),
    Sort("stranger's badge", 1.0, "looks as a known one does; never signs in"),
    Sort("label twice", 0.6, "does nothing the second time"),
    Sort("label of another sort", 0.6, "no medicine's: said where a label is waited for"),
    Sort("two labels at once", 0.4, "nothing is loaded by a label put together from two"),
    # People and lists (29)
    Sort("rights withdrawn", 1.0, "in mid-session: nothing more is released to that person"),
    Sort("order stopped", 1.0, "from then on it is refused, also where its screen is open"),
)
A_MINUTE, AN_HOUR = 60.0, 3600.0
DAY_S, LATE_S = 86_400.0, 2 * AN_HOUR
LEAST_A_DAY = 26
MOST_TRIES = 4000


@dataclass
class Injector:
    """Lets faults happen to one cabinet, at the times that its own stream draws."""

    runtime: SimulatedRuntime
    chance: Stream
    lists: Lists
    staff: StaffOffice
    told: Callable[[str], None]
    rate: float = 1.0
    does: Mapping[str, Callable[["Injector"], bool]] = field(default_factory=dict)
    happened: dict[str, int] = field(default_factory=dict)
    ending: bool = False
    _heal: dict[int, Callable[[], object]] = field(default_factory=dict)
    _healed: int = 0
    _tried: dict[str, int] = field(default_factory=dict)

    def plan_day(self, start_s: float, day_s: float) -> None:
        """Draw each sort's times for a day."""
        for sort in FAULTS:
            expected = sort.a_day * self.rate
            times = int(expected) + self.chance.chance(expected % 1)
            for _ in range(times):
                at = int((start_s + self.chance.random() * day_s) * UNITS)
                self.runtime.hub.at(at, partial(self.strike, sort.name))
        if self.rate >= 1.0 and day_s >= DAY_S:
            late_s = start_s + day_s - LATE_S
            check = partial(self._make_up, sum(self.happened.values()), self.runtime.power_cuts)
            self.runtime.hub.at(int(late_s * UNITS), check)

    def _make_up(self, faults: int, cuts: int) -> None:
        """A whole day has so many faults at least, and a power cut."""
        missing = LEAST_A_DAY - (sum(self.happened.values()) - faults)
        names = [self.chance.pick(FAULTS).name for _ in range(missing)]
        if self.runtime.power_cuts == cuts:
            names.append("power cut")
        for name in names:
            after_s = self.chance.random() * LATE_S * 0.8
            self.runtime.hub.after(after_s, partial(self.strike, name))

    def strike(self, name: str) -> None:
        """Let it happen now."""
        if self.ending:
            return
        if self.does[name](self):
            self.happened[name] = self.happened.get(name, 0) + 1
            self.told(name)

    def lasting(self, seconds: float, heal: Callable[[], object]) -> bool:
        """It heals after so long, or at the end."""
        self._healed += 1
        number = self._healed
        self._heal[number] = heal

        def now() -> None:
            if number in self._heal:
                self._heal.pop(number)()

        self.runtime.hub.after(seconds, now)
        return True

    def later(self, name: str) -> None:
        """It has nothing to strike yet: try again, for some hours."""
        tries = self._tried[name] = self._tried.get(name, 0) + 1
        if tries <= MOST_TRIES:
            self.runtime.hub.after(2.0, partial(self.strike, name))

    def heal_all(self) -> None:
        """From here on nothing goes wrong any more."""
        self.ending = True
        self.runtime.disk.strike = None
        self.runtime.forget_cut()
        while self._heal:
            number = next(iter(self._heal))
            self._heal.pop(number)()

    # --- the parts that several share -------------------------------------------------------------

    def some_time(self) -> float:
        """Of a fault that somebody mends: minutes, now and then longer."""
        return self.chance.between(A_MINUTE, 20 * A_MINUTE)

    def drawer(self) -> str:
        """One of the drawers."""
        return self.chance.pick([it.id for it in self.runtime.configuration.drawer])
