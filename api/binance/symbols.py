"""The names of symbols on the second wire: BTC-USDT is BTCUSDT there, by a table and not by a guess.

A name there is ours in upper case with letters and digits alone. Two listed symbols that come to one name are refused
when they would be listed (`listings.instruments_file`); of a data folder that had both before that rule, neither can be
reached by it.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from api.binance.errors import BinanceError
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.instrument import Instrument
from listings.joined_names import joined_name


class SymbolTable:
    """The listed symbols of one venue by their names on both wires. Every look-up is O(1), amortised."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._joined: dict[str, str] = {}  # ours -> theirs
        self._listed: dict[str, str | None] = {}  # theirs -> ours; None: of several

    def openbell(self, name: str) -> str | None:
        """Our symbol of a name of the second wire; None where there is none."""
        self._read_new()
        return self._listed.get(name)

    def binance(self, symbol: str) -> str:
        """The name of a listed symbol on the second wire."""
        self._read_new()
        return self._joined.get(symbol) or joined_name(symbol)

    def book(self, name: str) -> OrderBook:
        """The book of a name of the second wire. Raises BinanceError -1121."""
        symbol = self.openbell(name)
        if symbol is None:
            raise BinanceError(-1121, "Invalid symbol.")
        return self._exchange.books[symbol]

    def instrument(self, name: str) -> Instrument:
        """The instrument of a name of the second wire, as it is listed now. Raises BinanceError -1121."""
        return self.book(name).instrument

    def names(self) -> Iterator[tuple[str, OrderBook]]:
        """Every name that can be reached, with its book, in the order of listing."""
        self._read_new()
        books = self._exchange.books
        for name, symbol in list(self._listed.items()):
            if symbol is not None:
                yield name, books[symbol]

    @property
    def ambiguous(self) -> dict[str, list[str]]:
        """The names that several symbols of an older data folder share: by each of them none can be reached."""
        self._read_new()
        shared = [name for name, symbol in self._listed.items() if symbol is None]
        return {name: [symbol for symbol, joined in self._joined.items() if joined == name] for name in shared}

    def _read_new(self) -> None:
        """Take in what was listed since the last look-up: books are only added, in order."""
        books, read = self._exchange.books, len(self._joined)
        if len(books) == read:
            return
        for symbol in islice(books, read, None):
            name = self._joined[symbol] = joined_name(symbol)
            self._listed[name] = None if name in self._listed else symbol
