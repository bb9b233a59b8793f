"""Where everything of the picture is: the cabinet's drawing, computed from its configuration.

Numbers only, in units of the SVG; colours are the stylesheet's. One rule: what `cabinet.toml` has
is drawn, and nothing else.
"""

from dataclasses import dataclass
from itertools import pairwise

from cabinet.configuration import Configuration, Drawer

WIDTH = 760
MARGIN = 40  # beside the cabinet
EDGE = 16  # of the cabinet's steel around its drawers
GAP = 12
HEAD = 168  # the part with screen, reader, sensor and scanner
FRONT = 62  # a drawer's height
CELL, CELL_GAP = 66, 8  # a matrix pocket's height, and the space between pockets
LIP = 10  # of a tray inside its drawer
MOST_COLUMNS = 5
FOOT = 30


@dataclass(frozen=True)
class PocketShape:
    """A pocket inside a tray; `place` is its id, or its drawer's for a return bin."""

    place: str
    medicine: str
    x: float
    y: float
    width: float
    height: float
    large: bool


@dataclass(frozen=True)
class DrawerShape:
    """A drawer: its front when shut, and how far it slides."""

    setup: Drawer
    schedule: str  # the strictest of its pockets, or ""
    x: float
    y: float
    width: float
    travel: float
    pockets: tuple[PocketShape, ...]

    @property
    def height(self) -> float:
        """Of the front."""
        return FRONT


@dataclass(frozen=True)
class Drawing:
    """The whole picture; drawers from bottom to top, the order in which they cover one another."""

    width: float
    height: float
    body_height: float
    drawers: tuple[DrawerShape, ...]


def draw(configuration: Configuration) -> Drawing:
    """Lay out a cabinet: single drawers two in a row, every other drawer a row of its own."""
    inside = WIDTH - 2 * MARGIN - 2 * EDGE
    half = (inside - GAP) / 2
    left, y = MARGIN + EDGE, 20.0 + HEAD
    shapes: list[DrawerShape] = []
    beside = False  # a single drawer waits for its neighbour
    for before, drawer in pairwise((None, *configuration.drawer)):
        assert drawer is not None
        single = drawer.kind == "single"
        beside = single and before is not None and before.kind == "single" and not beside
        if before is not None and not beside:
            y += FRONT + GAP
        x = left + half + GAP if beside else left
        shapes.append(_drawer(drawer, x, y, half if single else inside))
    body_height = y + FRONT + EDGE - 20
    height = max([20 + body_height + FOOT, *(it.y + it.travel + FRONT + 14 for it in shapes)])
    return Drawing(WIDTH, height, body_height, tuple(reversed(shapes)))


def _drawer(drawer: Drawer, x: float, y: float, width: float) -> DrawerShape:
    schedules = sorted(it.schedule for it in drawer.pocket if it.schedule != "none")
    schedule = schedules[0] if schedules else ""
    if drawer.kind == "matrix":
        pockets, travel = _matrix(drawer, x, y, width)
    else:
        travel = 132.0
        pocket = drawer.pocket[0] if drawer.pocket else None
        place, medicine = (pocket.id, pocket.medicine) if pocket else (drawer.id, "")
        inner = travel - 2 * LIP
        pockets = (
            PocketShape(
                place, medicine, x + LIP + 6, y - travel + LIP, width - 2 * LIP - 12, inner, True
            ),
        )
    return DrawerShape(drawer, schedule, x, y, width, travel, pockets)


def _matrix(
    drawer: Drawer, x: float, y: float, width: float
) -> tuple[tuple[PocketShape, ...], float]:
    columns = min(MOST_COLUMNS, len(drawer.pocket))
    rows = -(-len(drawer.pocket) // columns)
    travel = rows * CELL + (rows - 1) * CELL_GAP + 2 * LIP
    cell = (width - 2 * LIP - 12 - (columns - 1) * CELL_GAP) / columns
    pockets = tuple(
        PocketShape(
            pocket.id,
            pocket.medicine,
            x + LIP + 6 + place % columns * (cell + CELL_GAP),
            y - travel + LIP + place // columns * (CELL + CELL_GAP),
            cell,
            CELL,
            False,
        )
        for place, pocket in enumerate(drawer.pocket)
    )
    return pockets, float(travel)
