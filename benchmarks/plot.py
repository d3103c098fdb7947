"""Figures over time as a drawing: an SVG file of stacked panels, each with its lines, that any browser shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, PANEL, LEFT, RIGHT, TOP, BOTTOM = 960, 190, 70, 190, 34, 30
GRID = 4  # lines across a panel
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")
STYLE = "font-family:system-ui,sans-serif;font-size:12px;fill:#24292f"


class Panel(NamedTuple):
    """One drawing: its title with the unit, and lines of one value a moment; None where there was none."""

    title: str
    lines: Mapping[str, Sequence[float | None]]


def drawing(title: str, seconds: Sequence[float], panels: Sequence[Panel], marks: Mapping[float, str]) -> str:
    """All panels over the same moments; `marks` are named at their second."""
    height = TOP + len(panels) * PANEL + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" style="{STYLE}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    last = max(seconds)
    for number, panel in enumerate(panels):
        parts += _panel(panel, seconds, last, TOP + number * PANEL, marks)
    for minute in _steps(last / 60):
        x = f"{_x(minute * 60, last):.0f}"
        parts.append(f'<text x="{x}" y="{height - 10}" text-anchor="middle">{minute:g} min</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, seconds: Sequence[float], last: float, top: int, marks: Mapping[float, str]) -> list[str]:
    most = _round_above(max((value for line in panel.lines.values() for value in line if value is not None), default=1))
    ceiling, floor = top + 24, top + PANEL - 14

    def y(value: float) -> float:
        return floor - (floor - ceiling) * value / most

    parts = [f'<text x="{LEFT}" y="{top + 16}">{escape(panel.title)}</text>']
    for step in range(GRID + 1):
        value = most * step / GRID
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,.4g}</text>')
    for second, name in marks.items():
        at = _x(second, last)
        parts.append(f'<path d="M{at:.1f} {ceiling}V{floor}" stroke="#57606a" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{at + 4:.1f}" y="{ceiling + 10}">{escape(name)}</text>')
    for number, (name, line) in enumerate(panel.lines.items()):
        colour, beside = COLOURS[number % len(COLOURS)], ceiling + 8 + 17 * number
        points = [
            (_x(second, last), None if value is None else y(value)) for second, value in zip(seconds, line, strict=True)
        ]
        parts.append(f'<path d="{_path(points)}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{beside}" style="fill:{colour}">{escape(name)}</text>')
    return parts


def _round_above(value: float) -> float:
    """The next number that four lines divide well."""
    scale = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(scale * times for times in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if scale * times >= value)


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    words, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
        else:
            words.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
    return "".join(words)


def _x(second: float, last: float) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * second / last


def _steps(minutes: float) -> list[float]:
    """Some six whole moments from none to the last."""
    step = next(size for size in (0.25, 0.5, 1, 2, 5, 10, 20, 60, 240, 1e9) if minutes / size <= 6)
    return [step * number for number in range(int(minutes / step) + 1)]
