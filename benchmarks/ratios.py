"""Figures taken by turns: medians of rounds, ratios within a round, and how far they were apart; as Markdown."""

from __future__ import annotations

import statistics
from typing import NamedTuple

SIGNIFICANT = 3


class Row(NamedTuple):
    """One line of the table: what, and for each round what it was before and is now. Empty lists: not measured."""

    name: str
    before: list[float]
    now: list[float]
    reach: str = ""
    aim: str = ""


def ratios(upper: list[float], lower: list[float]) -> list[float]:
    """Round by round. Raises ValueError when they are of different lengths."""
    return [above / below for above, below in zip(upper, lower, strict=True)]


def median(values: list[float]) -> float:
    """The middle one; of none NaN."""
    return statistics.median(values) if values else float("nan")


def number(value: float) -> str:
    """Three significant digits, thousands with commas; of NaN nothing."""
    if value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{SIGNIFICANT}g}" if abs(value) >= 1 else f"{value:.2f}"


def cell(values: list[float]) -> str:
    """The median, and behind it from where to where the rounds were."""
    if not values:
        return ""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))} to {number(max(values))})"


def table(rows: list[Row]) -> str:
    """Markdown: medians of the rounds with their spread, and the median of the ratios of now to before."""
    lines = ["| what | before | now | now / before | reach | aim |", "|---|---|---|---|---|---|"]
    for row in rows:
        change = ""
        if len(row.before) == len(row.now) and row.now and all(row.before):
            change = number(median(ratios(row.now, row.before)))
        lines.append(f"| {row.name} | {cell(row.before)} | {cell(row.now)} | {change} | {row.reach} | {row.aim} |")
    return "\n".join(lines)
