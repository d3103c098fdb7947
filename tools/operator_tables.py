"""Answers of the venue as tables for operators: as wide as the terminal, nothing cut off, times in UTC.

Layer: tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from logs.lines import escaped, lasting

AWAY: Final = ("held_back_s", "accepted_s")  # by which the machine's clock is ahead of the venue's
SECOND_NS: Final = 10**9
# epoch seconds, as every field that ends in _at
TIMES: Final = ("at", "time", "since", "timestamp", "start_time", "change_password_by")
TIME_WIDTH: Final = 23  # characters of a time, which is not folded
ROOMY: Final = 100  # in a terminal of as many columns
NOTHING: Final[tuple[object, ...]] = (None, {}, [])


def rows_of(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> RenderableType:
    """A table of these rows, their cells as people read them. No word of them is broken up.

    Where the terminal is too narrow for that even with cells of several lines, each row is a list of its fields.
    """
    cells = [[escaped(text(value)) for value in row] for row in rows]
    widths = _widths(columns, cells, Console().width)
    if widths is None:
        return Group(*(_listed(list(zip(columns, row, strict=True))) for row in cells))
    made = Table(box=box.SIMPLE, pad_edge=False)
    for column, width in zip(columns, widths, strict=True):
        made.add_column(column, overflow="fold", width=width)
    for row in cells:
        made.add_row(*map(escape, row))
    return made


def _widths(columns: Sequence[str], rows: list[list[str]], room: int) -> list[int] | None:
    """How wide each column is to be, so that all fit into `room` and none breaks a word; None where they cannot."""
    every = [[column, *(row[place] for row in rows)] for place, column in enumerate(columns)]
    widths = [max(max(map(cell_len, each.split()), default=1) for each in cells) for cells in every]
    if room >= ROOMY and "time" in columns:
        widths[columns.index("time")] = TIME_WIDTH
    left = room - sum(widths) - 3 * len(columns) + 1  # a space and two of padding between columns
    if left < 0:
        return None
    for place, cells in sorted(enumerate(every), key=lambda each: max(map(cell_len, each[1])) - widths[each[0]]):
        more = min(left, max(0, max(map(cell_len, cells)) - widths[place]))
        widths[place] += more
        left -= more
    return widths


def facts(body: dict[str, Any], title: str | None = None) -> Table:
    """One answer, a line for each field; what is nested is named with a dot."""
    return _listed([(escaped(name), escaped(value)) for name, value in _flat(body)], title)


def _listed(fields: list[tuple[str, str]], title: str | None = None) -> Table:
    made = Table(title=title, title_justify="left", show_header=False, box=box.SIMPLE, pad_edge=False)
    widest = max((cell_len(name) for name, _ in fields), default=0)
    made.add_column(overflow="fold", no_wrap=2 * widest < Console().width)
    made.add_column(overflow="fold")
    for name, value in fields:
        made.add_row(escape(name), escape(value))
    return made


def utc(epoch_ns: int) -> str:
    """A moment, to the second, in UTC and saying so."""
    return datetime.fromtimestamp(epoch_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def text(value: Any) -> str:
    """One value in a cell."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in _flat(value))
    if value in NOTHING:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _flat(body: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in body.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{name}.")
        elif value is not None:
            lines.append((f"{prefix}{name}", _moment(name, value) or text(value)))
    return lines


def _moment(name: str, value: Any) -> str | None:
    """The time that a field holds, or how far clocks are apart; None for another field."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if name in AWAY:
        return f"{lasting(value)} {'ahead' if value > 0 else 'behind'}" if value else "not at all"
    if name == "ts_ns":
        return utc(int(value))
    return utc(int(value) * SECOND_NS) if name in TIMES or name.endswith("_at") else None
