"""The touchscreen's colours, by day and by night: every pair that is drawn can be read.

Contrast as WCAG 2.2 defines it. One rule: text has 7 to 1, edges and shapes have 3 to 1.
"""

import re

import pytest

from cabinet.touchscreen.app import STATIC

TEXT, EDGE = 7.0, 3.0
PAIRS = {  # (foreground, background): the least contrast
    **{("ink", back): TEXT for back in ("canvas", "surface", "selected", "disabled")},
    **{("ink", back): TEXT for back in ("go-back", "medium-back", "high-back")},
    **{("ink-2", back): TEXT for back in ("canvas", "surface")},
    **{("line", back): EDGE for back in ("canvas", "surface")},
    **{(f"on-{name}", name): TEXT for name in ("primary", "high", "medium", "low", "controlled")},
    ("on-primary", "primary-pressed"): TEXT,
    ("on-high", "high-pressed"): TEXT,
    ("on-banner", "banner"): TEXT,
    ("on-disabled", "disabled"): TEXT,
    ("canvas", "ink"): TEXT,
    **{("primary", back): EDGE for back in ("canvas", "surface", "selected")},
    **{("go", back): EDGE for back in ("surface", "go-back", "disabled")},
    **{("high-edge", back): EDGE for back in ("canvas", "surface", "high-back", "disabled")},
    **{("medium-edge", back): EDGE for back in ("canvas", "surface", "medium-back")},
    **{("low-edge", back): EDGE for back in ("canvas", "surface")},
    **{("controlled", back): EDGE for back in ("surface", "disabled")},
    ("focus", "focus-ring"): EDGE,
}


def _tokens(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-F]{6});", text))


def _themes() -> dict[str, dict[str, str]]:
    day, night = (STATIC / "tokens.css").read_text(encoding="utf-8").split("@media")
    return {"day": _tokens(day), "night": {**_tokens(day), **_tokens(night)}}


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours such as "#10202E", from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["day", "night"])
def test_every_pair_of_colours_can_be_read(theme: str) -> None:
    tokens = _themes()[theme]
    found = {pair: contrast(tokens[pair[0]], tokens[pair[1]]) for pair in PAIRS}
    assert not {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < PAIRS[pair]}


def test_every_colour_of_the_look_is_a_token() -> None:
    look = (STATIC / "kiosk.css").read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9A-Fa-f]{3,8}\b|rgba?\(|hsla?\(", re.sub(r"#\w+\s*\{", "", look))
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", look))
    local = {"alarm-back", "alarm-text", "tone-edge", "tone-back"}
    known = set(re.findall(r"--([a-z0-9-]+):", (STATIC / "tokens.css").read_text(encoding="utf-8")))
    assert used - local <= known


def test_contrast_is_computed_as_wcag_does() -> None:
    assert round(contrast("#000000", "#FFFFFF"), 2) == 21.0
    assert round(contrast("#767676", "#FFFFFF"), 2) == 4.54
