"""The tables of trades and of events: a row for each, as it happened.

Layer: export. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from engine import events as ev
from engine.exchange import Exchange
from export.accounts import AccountNames
from export.schema import Row
from listings.grid import grid_of

_ACCOUNTS: Final = frozenset({"account", "maker_account", "taker_account"})
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class TradeRows:
    """Follows the trades. No memory."""

    def __init__(self, exchange: Exchange, names: AccountNames) -> None:
        self._exchange = exchange
        self._names = names

    def rows(self, result: ev.CommandResult) -> Iterator[Row]:
        """The rows of the trades of a command."""
        names = self._names
        for event in result.events:
            if isinstance(event, ev.Filled):
                grid = grid_of(self._exchange.books[event.symbol].instrument)
                yield (
                    event.trade_id, result.seq, result.ts_ns, result.ts_ns, event.symbol, grid.price(event.price),
                    event.price, grid.quantity(event.quantity), event.quantity, grid.amount(event.notional),
                    event.taker_side, event.maker_order_id, event.taker_order_id, names.account(event.maker_account),
                    names.account(event.taker_account), grid.amount(event.maker_fee), grid.amount(event.taker_fee),
                    event.auction, event.self_trade,
                )  # fmt: skip

    def rest(self) -> Iterator[Row]:
        """Nothing."""
        return iter(())


class EventRows:
    """Follows all events. No memory."""

    def __init__(self, names: AccountNames) -> None:
        self._names = names

    def rows(self, result: ev.CommandResult) -> Iterator[Row]:
        """The rows of the events of a command, numbered from 0."""
        command = snake_case(type(result.command).__name__)
        for number, event in enumerate(result.events):
            fields = {name: self._field(name, getattr(event, name)) for name in event.__struct_fields__}
            listed = event.instrument.symbol if isinstance(event, ev.InstrumentListed) else None
            ids = [_whole(fields.get(name)) for name in ("account", "order_id", "trade_id")]
            symbol: str | None = getattr(event, "symbol", listed)
            yield (
                result.seq, result.ts_ns, result.ts_ns, number, command, snake_case(type(event).__name__), symbol,
                *ids, _encode(fields).decode(),
            )  # fmt: skip

    def rest(self) -> Iterator[Row]:
        """Nothing."""
        return iter(())

    def _field(self, name: str, value: object) -> object:
        if name in _ACCOUNTS and isinstance(value, int):
            return self._names.account(value)
        return self._names.client_order_id(value) if name == "client_order_id" and isinstance(value, str) else value


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def snake_case(name: str) -> str:
    """EnterOrder -> enter_order."""
    return _CAPITAL.sub("_", name).lower()
