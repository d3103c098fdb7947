"""Recorded order flow in a plain CSV of our own: what it looks like, its reader, and what to ask of a venue.

    time,action,id,side,price,quantity
    34200.000,new,a1,buy,100.00,5
    34200.250,market,,sell,,2
    34200.250,trade,,,100.00,2
    34200.400,amend,a1,,99.50,
    34200.900,cancel,a1,,,

Documentation/recordings.md says it whole. Units: prices and quantities are whole numbers of
the finest decimal that the file has of each.
Layer: tools. Reads files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

from tools.archives import RecordError, numbered_lines
from tools.playback import AmendStep, CancelStep, EnterStep, Event, Key, PrintedTrade, Step
from tools.recorded import RecordedSide, decimal_of, nanoseconds, scaled

COLUMNS: Final = ("time", "action", "id", "side", "price", "quantity")

# of each action: what must be given, what may be; anything else must be left empty
ACTIONS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "new": (frozenset({"id", "side", "price", "quantity"}), frozenset()),
    "market": (frozenset({"side", "quantity"}), frozenset({"id"})),
    "ioc": (frozenset({"side", "price", "quantity"}), frozenset({"id"})),
    "fok": (frozenset({"side", "price", "quantity"}), frozenset({"id"})),
    "amend": (frozenset({"id"}), frozenset({"price", "quantity"})),
    "cancel": (frozenset({"id"}), frozenset()),
    "trade": (frozenset({"price", "quantity"}), frozenset({"side", "id"})),
}


class PlainCsvRow(msgspec.Struct, frozen=True):
    """One line; what was left empty is an empty text."""

    line: int
    time_ns: int
    action: str
    id: str
    side: str
    price: str
    quantity: str


def read_plain(path: Path) -> Iterator[PlainCsvRow]:
    """The rows of a file, in order. Raises RecordError for what is not in the format, naming the line."""
    lines = numbered_lines(path)
    _, header = next(lines)
    names = [name.strip().lower() for name in _cells(header)]
    if sorted(names) != sorted(COLUMNS):
        raise RecordError(
            f"{path.name}, line 1: a header row must name the columns {','.join(COLUMNS)}, in any order; "
            f"it says {header[:100]!r}"
        )
    known: set[str] = set()
    for number, line in lines:
        try:
            yield _row(number, names, _cells(line), known)
        except (ValueError, csv.Error) as error:
            raise RecordError(f"{path.name}, line {number}: {error}") from error


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], strict=True), [])


def _row(number: int, names: list[str], cells: list[str], known: set[str]) -> PlainCsvRow:
    """`known` has the ids of the orders that entered, and learns of another."""
    if len(cells) != len(names):
        raise ValueError(f"{len(cells)} columns, where the header row names {len(names)}")
    given = dict(zip(names, (cell.strip() for cell in cells), strict=True))
    row = PlainCsvRow(
        number, nanoseconds(given["time"]), given["action"].lower(), given["id"], given["side"].lower(),
        given["price"], given["quantity"],
    )  # fmt: skip
    _check_cells(row, given)
    _check_id(row, known)
    return row


def _check_cells(row: PlainCsvRow, given: dict[str, str]) -> None:
    if row.action not in ACTIONS:
        raise ValueError(f"{given['action']!r} is no action; there are {', '.join(ACTIONS)}")
    needed, allowed = ACTIONS[row.action]
    for name in ("id", "side", "price", "quantity"):
        if name in needed and not given[name]:
            raise ValueError(f"{row.action} needs {name}")
        if given[name] and name not in needed | allowed:
            raise ValueError(f"{row.action} has no {name}; leave it empty")
    if row.side not in ("", "buy", "sell"):
        raise ValueError(f"{given['side']!r} is no side, which is buy or sell")
    for name in ("price", "quantity"):
        if given[name] and decimal_of(given[name]) <= 0:
            raise ValueError(f"a {name} is above zero")
    if row.action == "amend" and not (row.price or row.quantity):
        raise ValueError("amend needs a price or a quantity")


def _check_id(row: PlainCsvRow, known: set[str]) -> None:
    if row.action in ("amend", "cancel") and row.id not in known:
        raise ValueError(f"no order {row.id!r} entered before")
    if row.action in _ENTRIES and row.id:
        if row.id in known:
            raise ValueError(f"an order {row.id!r} entered before")
        known.add(row.id)


class PlainCsvPlayback:
    """Feeds the actions as they stand; `trade` rows are not played but compared with what came of it."""

    def __init__(self, rows: list[PlainCsvRow]) -> None:
        """Raises RecordError when there are none."""
        if not rows:
            raise RecordError("there is no row below the header to play")
        self.price_scale = max(decimals(row.price) for row in rows)
        self.quantity_scale = max(decimals(row.quantity) for row in rows)
        self._rows = [row for row in rows if row.action != "trade"]
        self._keys: dict[str, Key] = {row.id: row.line for row in self._rows if row.id and row.action in _ENTRIES}
        self.recorded = [
            (scaled(row.price, self.price_scale), scaled(row.quantity, self.quantity_scale))
            for row in rows
            if row.action == "trade"
        ]
        self.made: list[PrintedTrade] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def prices(self) -> set[int]:
        """Every price that is played."""
        return {scaled(row.price, self.price_scale) for row in self._rows if row.price}

    def events(self) -> Iterator[Event]:
        """One event a row."""
        for row in self._rows:
            yield Event(row.time_ns, [self._step(row)])

    def traded(self, maker: Key | None, price: int, quantity: int) -> None:
        """Keep the trade, to be compared with those recorded."""
        self.made.append((price, quantity))

    def remarks(self) -> list[str]:
        """What a file without trades does not allow."""
        return [] if self.recorded else ["the file has no trade rows: what came of it is compared with nothing"]

    def _step(self, row: PlainCsvRow) -> Step:
        price = scaled(row.price, self.price_scale) if row.price else None
        quantity = scaled(row.quantity, self.quantity_scale) if row.quantity else None
        if row.action == "cancel":
            return CancelStep(self._keys[row.id])
        if row.action == "amend":
            return AmendStep(self._keys[row.id], price, quantity)
        side = cast(RecordedSide, row.side)
        return EnterStep(self._keys.get(row.id), side, _ENTRIES[row.action], price, quantity or 0)


_ENTRIES: Final[dict[str, Literal["limit", "ioc", "fok", "market"]]] = {
    "new": "limit", "market": "market", "ioc": "ioc", "fok": "fok",
}  # fmt: skip


def decimals(number: str) -> int:
    """How many decimals a number is written with, trailing zeros left out: 2 of `100.250`, 0 of an empty text."""
    if not number:
        return 0
    exponent = decimal_of(number).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
