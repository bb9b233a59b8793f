"""A controller's screen as a page: which block goes where, and the templates that draw it.

Not for what a screen means. One rule: everything said is escaped, nothing is cut; what does not fit
can be reached by one large button.
"""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from cabinet.messages import (
    Alarm,
    Block,
    Button,
    DrawerMap,
    Keypad,
    Letters,
    Live,
    QrCode,
    Rows,
    Screen,
    Shown,
    Words,
)

TEMPLATES = Path(__file__).parent / "templates"
# From so many characters on a title is set smaller: to keep one line, and beyond that two or three.
TITLE_SIZES = ((60, "longest"), (26, "long"))
TIGHT_ROWS = 5  # this many rows (or keys) under an alarm fit only with a lower action bar
CROWDED_ACTIONS = 4
PRIORITIES = ("high", "medium", "low")
ALARM_WORDS = {"high": "ALARM", "medium": "WARNING", "low": "NOTE"}
ART = {
    "rest": "badge",
    "new": "badge",
    "locked": "badge",
    "enrol_badge": "badge",
    "witness": "badge",
    "finger": "finger",
    "enrol_finger": "finger",
    "enrol_prove": "finger",
}
LETTER_KEYS = ("1234567890", "qwertyuiop'", "asdfghjkl-.", "zxcvbnm")  # and delete, shift, space
PHRASE_KEYS = ("1234567890", "qwertyuiop", "asdfghjkl-.", "zxcvbnm")
MARK_KEYS = ("!\"#$%&'()*", "+,/:;<=>?@", "[\\]^_`{|}~")  # with those above, all of ASCII
DIGIT_KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "clear", "0", "back")
STATE_WORDS = {"shut": "Shut", "lit": "Unlocked", "open": "Open", "fault": "Fault"}
_TITLE_TAG = re.compile(r"(.+) — (CONTROLLED C[IV]+|HIGH ALERT)")
_TALL_MAN = re.compile(r"\b(?=\w*[a-z])(?=\w*[A-Z]{2})[A-Za-z]{4,}\b")


@dataclass(frozen=True)
class Layout:
    """Where the blocks of a screen go."""

    kind: str  # "rest", "split" (with a side), "letters" or "stack"
    note: Words | None  # said in the strip under the header, where there is no room for a block
    blocks: tuple[tuple[str, Block], ...]  # (name of its place in the page, block)
    side: tuple[tuple[str, Block], ...]
    submits: tuple[tuple[str, Button], ...]  # (form, button) shown in the action bar
    tight: bool


def layout(screen: Screen, live: Live) -> Layout:
    """Where each block goes, from the blocks alone."""
    named = [(f"block-{index}", block) for index, block in enumerate(screen.blocks)]
    kinds = {type(block) for block in screen.blocks}
    if screen.name == "rest" or not screen.blocks:
        kind = "rest" if screen.name == "rest" else "stack"
    elif Letters in kinds:
        kind = "letters"
    elif Keypad in kinds or DrawerMap in kinds:
        kind = "split"
    else:
        kind = "stack"
    note = None
    first = screen.blocks[0] if screen.blocks else None
    crowded = Rows in kinds or kind == "letters"
    if crowded and isinstance(first, Words) and first.tone != "plain":
        note, named = first, named[1:]
    side_types = (Keypad,) if Keypad in kinds else (DrawerMap,)
    side = tuple(item for item in named if isinstance(item[1], side_types))
    submits = tuple(
        (name, block.submit) for name, block in named if isinstance(block, Keypad | Letters)
    )
    blocks = tuple(named)
    if kind == "split" and Keypad not in kinds:
        blocks = tuple(item for item in named if item not in side)
    most = max((len(b.rows) for b in screen.blocks if isinstance(b, Rows)), default=0)
    bars = len(alarm_bars(live.alarms))
    full = kind == "split" and (screen.banner or QrCode in kinds)
    large = kind in ("letters", "rest") or full or most >= TIGHT_ROWS
    tight = bars > 1 or (bars > 0 and bool(large))
    return Layout(kind, note, blocks, side if kind == "split" else (), submits, tight)


def alarm_bars(alarms: tuple[Alarm, ...]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """One bar for each priority, the highest first: (priority, its word, texts)."""
    bars = []
    for priority in PRIORITIES:
        texts = tuple(alarm.text for alarm in alarms if alarm.priority == priority)
        if texts:
            bars.append((priority, ALARM_WORDS[priority], texts))
    return tuple(bars)


def tall_man(text: str) -> Markup:
    """The text with its tall-man names in bold."""
    parts, at = [], 0
    for found in _TALL_MAN.finditer(text):
        parts += [escape(text[at : found.start()]), Markup("<b>%s</b>") % found.group()]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def qr_code(text: str) -> Markup:
    """The text as a drawing for a phone's camera, dark on light whatever the screen's colours.

    It stands in the page itself and nowhere else: no file, no address, no `data:` link.
    """
    made = segno.make_qr(text, error="m")
    drawn = made.svg_inline(omitsize=True, border=4, light="#fff", svgclass=None, lineclass=None)
    return Markup(drawn)  # noqa: S704 - of our own making: no text is in it


class Pages:
    """Draws pages; `serving` names this process, so that a script knows a restart."""

    def __init__(self, *, demo: bool) -> None:
        self._demo, self._serving = demo, secrets.token_hex(6)
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["tallman"] = tall_man
        self._environment.filters["qr_code"] = qr_code
        self._environment.filters["block_kind"] = lambda block: type(block).__name__.lower()
        self._environment.globals.update(
            art=ART,
            letter_keys=LETTER_KEYS,
            phrase_keys=PHRASE_KEYS,
            mark_keys=MARK_KEYS,
            digit_keys=DIGIT_KEYS,
            state_words=STATE_WORDS,
        )

    def screen(self, shown: Shown, line: str, revision: int, notice: str) -> str:
        """The whole page of a screen."""
        screen, live = shown.screen, shown.live
        place = layout(screen, live)
        tagged = _TITLE_TAG.fullmatch(screen.title)
        title, tag = tagged.groups() if tagged else (screen.title, "")
        return self._environment.get_template("page.html").render(
            screen=screen,
            live=live,
            place=place,
            alarms=alarm_bars(live.alarms),
            notice="" if says(shown, notice) else notice,
            key=f"{line}.{screen.number}",
            line=line,
            revision=revision,
            serving=self._serving,
            demo=self._demo,
            title=title,
            title_tag=tag,
            title_size=next((size for chars, size in TITLE_SIZES if len(title) >= chars), ""),
            crowded=len(screen.actions) + len(place.submits) >= CROWDED_ACTIONS,
            refreshing=not place.submits,
        )

    def plain(self, title: str, text: str, link: str = "", onward: str = "") -> str:
        """A page without a screen; `onward` goes on by itself, `link` says what pressing does."""
        return self._environment.get_template("plain.html").render(
            title=title, text=text, link=link, onward=onward
        )


def says(shown: Shown, words: str) -> bool:
    """Whether the screen says these words by itself."""
    said = [block.text for block in shown.screen.blocks if isinstance(block, Words)]
    return any(words in text for text in (*said, *(alarm.text for alarm in shown.live.alarms)))


def away(reached: bool) -> Shown:
    """What is shown while there is no controller."""
    title = "The cabinet is not answering" if reached else "The cabinet is starting"
    blocks = (
        Words("This screen comes back by itself.", "name"),
        Words("Nothing can be taken meanwhile. If a drawer is open, close it."),
        Words("If you cannot wait, use another cabinet and call the pharmacy."),
    )
    return Shown(Screen(0, "away", title, blocks), Live("", ""))
