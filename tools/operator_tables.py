"""Answers of the venue as tables for operators: as wide as the terminal, nothing cut off, times in UTC.

Layer: tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from logs.lines import escaped

SECOND_NS: Final = 10**9
TIMES: Final = ("at", "timestamp", "start_time", "change_password_by")  # epoch seconds, as every field that ends in _at
TIME_WIDTH: Final = 23  # characters of a time, which is not folded
ROOMY: Final = 100  # in a terminal of as many columns
NOTHING: Final[tuple[object, ...]] = (None, {}, [])


def table(*columns: str, title: str | None = None, header: bool = True) -> Table:
    """An empty table, whose cells go on in the next line where the terminal is too narrow."""
    made = Table(title=title, title_justify="left", show_header=header, box=box.SIMPLE, pad_edge=False)
    roomy = Console().width >= ROOMY
    for column in columns:
        made.add_column(column, overflow="fold", min_width=TIME_WIDTH if roomy and column == "time" else None)
    return made


def rows_of(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    """A table of these rows, their cells as people read them."""
    made = table(*columns)
    for row in rows:
        made.add_row(*(_cell(text(value)) for value in row))
    return made


def facts(body: dict[str, Any], title: str | None = None) -> Table:
    """One answer, a line for each field; what is nested is named with a dot."""
    made = table("", "", title=title, header=False)
    for name, value in _flat(body):
        made.add_row(_cell(name), _cell(value))
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


def _cell(value: str) -> str:
    """What traders say is shown, and speaks neither to rich nor to the terminal."""
    return escape(escaped(value))


def _flat(body: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in body.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{name}.")
        elif value is not None:
            lines.append((f"{prefix}{name}", _moment(name, value) or text(value)))
    return lines


def _moment(name: str, value: Any) -> str | None:
    """The time that a field holds; None for another field."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if name == "ts_ns":
        return utc(int(value))
    return utc(int(value) * SECOND_NS) if name in TIMES or name.endswith("_at") else None
