"""Colours of the console: every pair of text and ground that is used has a contrast of at least 4.5 to 1 (WCAG 2, AA)."""

import re

import pytest

from services.console.pages import STATIC

CSS = (STATIC / "console.css").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", CSS))
PAIRS = [
    ("ink", "ground"), ("ink", "tint"), ("soft", "ground"), ("soft", "tint"), ("link", "ground"), ("ground", "link"),
    ("good", "good-ground"), ("warn", "warn-ground"), ("bad", "bad-ground"), ("bad", "ground"), ("ground", "bad"),
]  # fmt: skip


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(text: str, ground: str):
    light, dark = sorted((luminance(COLOURS[text]), luminance(COLOURS[ground])), reverse=True)

    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("shade", range(6))
def test_names_can_be_read_on_every_shade_of_the_map(shade: int):
    found = re.search(rf"\.shade-{shade} rect {{ fill: (#[0-9a-f]{{6}}|var\(--ground\))", CSS)
    assert found is not None
    ground = COLOURS["ground"] if found[1].startswith("var") else found[1]
    text = "#ffffff" if f".shade-{shade} text" in CSS else COLOURS["ink"]
    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)

    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_nothing_newer_than_the_oldest_browser_is_used():
    """Chrome 90 knows none of these."""
    script = (STATIC / "console.js").read_text(encoding="utf-8")
    newer_style = re.findall(r":has\(|@container|@layer|color-mix|text-wrap", CSS)
    newer_script = re.findall(r"\.at\(|structuredClone|replaceChildren\(\)|Object\.hasOwn|findLast", script)

    assert newer_style + newer_script == []
