"""The colours of the stylesheet by WCAG 2.2: text 4.5 to 1, edges of controls and focus 3 to 1, in both themes."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import product

import pytest

STYLE = (files("dashboard") / "static" / "style.css").read_text()
TEXT = [
    *product(("ink", "soft", "accent"), ("ground", "sheet", "sunk")),
    *((tone, f"{tone}-wash") for tone in ("bad", "warn", "good", "accent")),
    *product(("ink", "bad"), ("sheet", "ground")),
    ("ink", "accent-wash"),
    ("on-accent", "accent"),
]
EDGES = [*product(("edge", "focus", "accent", "bad"), ("ground", "sheet")), ("accent", "sunk")]


def theme(name: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.S)
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0]))
    return light if name == "light" else {**light, **dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[1]))}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read(name: str) -> None:
    colours = theme(name)
    poor = {(one, on): round(contrast(colours[one], colours[on]), 2) for one, on in TEXT}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_edges_of_controls_can_be_seen(name: str) -> None:
    colours = theme(name)
    poor = {(one, on): round(contrast(colours[one], colours[on]), 2) for one, on in EDGES}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 3} == {}


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert not re.search(r"@import|url\(|https?:", STYLE)
