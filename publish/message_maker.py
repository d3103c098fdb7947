"""A record and what it caused -> the messages of every topic.

The same record makes the same messages, whoever makes them and when; but which books come whole depends on where one
began.
Layer: publish. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from engine import events as ev
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderId, Side, Ticks
from journal.codec import BatchRecord
from listings.grid import Grid, grid_of
from publish.book_changes import BookChange, BookChanges
from publish.messages import BookMessage, Level, Message, OrderMessage, RecordMessage, TradeMessage, message
from publish.target import Topic

RECORDS_KEY = "records"
_OPPOSITE = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


class MessageMaker:
    """Makes the messages of some topics. `of` must get every record from the first on, right behind its commands."""

    def __init__(self, exchange: Exchange, topics: Collection[Topic]) -> None:
        self._exchange = exchange
        self._topics = frozenset(topics)
        self._changes = BookChanges(exchange)

    def of(self, record: BatchRecord, applied: Sequence[ev.CommandResult]) -> list[Message]:
        """The messages of a record, those of each topic in order. O(events)."""
        topics, found = self._topics, list[Message]()
        if Topic.TRADES in topics:
            for result in applied:
                found += self._trades(result)
        if Topic.ORDERS in topics:
            for result in applied:
                found += self._orders(result)
        if Topic.BOOK in topics:
            found += self._books(record, applied)
        if Topic.RECORDS in topics:
            found.append(_of_record(record))
        return found

    def begin_anew(self) -> None:
        """Records were left out: every book comes whole with its next change."""
        self._changes = BookChanges(self._exchange)

    def _trades(self, result: ev.CommandResult) -> Iterator[Message]:
        number = 0
        for event in result.events:
            if type(event) is not ev.Filled:
                continue
            grid = self._grid(event.symbol)
            trade = TradeMessage(
                seq=result.seq,
                number=number,
                ts_ns=result.ts_ns,
                timestamp=_seconds(result.ts_ns),
                symbol=event.symbol,
                trade_id=str(event.trade_id),
                price=grid.price(event.price),
                quantity=grid.quantity(event.quantity),
                trade_value=grid.amount(event.notional),
                aggressor_side=event.taker_side,
                maker_order_id=str(event.maker_order_id),
                taker_order_id=str(event.taker_order_id),
                maker_fee=grid.amount(event.maker_fee),
                taker_fee=grid.amount(event.taker_fee),
                auction=event.auction,
                self_trade=event.self_trade,
            )
            yield message(Topic.TRADES, event.symbol, trade)
            number += 1

    def _books(self, record: BatchRecord, applied: Sequence[ev.CommandResult]) -> Iterator[Message]:
        for number, change in enumerate(self._changes.of(applied)):
            book = BookMessage(
                seq=record.last_seq,
                number=number,
                ts_ns=record.ts_ns,
                timestamp=_seconds(record.ts_ns),
                symbol=change.symbol,
                reset=change.is_whole,
                more=change.has_more,
                bids=self._levels(change, Side.BUY),
                asks=self._levels(change, Side.SELL),
            )
            yield message(Topic.BOOK, change.symbol, book)

    def _levels(self, change: BookChange, side: Side) -> list[Level]:
        grid = self._grid(change.symbol)
        return [
            (grid.price(level.price), grid.quantity(level.lots), level.orders)
            for level in change.levels
            if level.side is side
        ]

    def _orders(self, result: ev.CommandResult) -> Iterator[Message]:
        number = 0
        for event in result.events:
            for account, fields in self._order_events(event):
                order = OrderMessage(
                    seq=result.seq,
                    number=number,
                    ts_ns=result.ts_ns,
                    timestamp=_seconds(result.ts_ns),
                    account=account,
                    **fields,
                )
                yield message(Topic.ORDERS, str(account), order)
                number += 1

    def _order_events(self, event: ev.Event) -> list[tuple[AccountId, dict[str, Any]]]:
        """Whom an event concerns, and what each of them is to know of it."""
        match event:
            case ev.Filled():
                return self._fills(event)
            case ev.Accepted():
                return [(event.account, self._accepted(event))]
            case ev.Cancelled():
                return [(event.account, self._ended("cancelled", event) | {"reason": event.reason.value})]
            case ev.Expired():
                return [(event.account, self._ended("expired", event))]
            case ev.Amended():
                return [(event.account, self._amended(event))]
            case ev.Triggered():
                return [(event.account, self._triggered(event))]
            case ev.StopPriceMoved():
                stop_price = self._grid(event.symbol).price(event.stop_price)
                return [(event.account, _named("trailed", event.symbol, event.order_id) | {"stop_price": stop_price})]
            case ev.Rejected():
                fields = _named("rejected", event.symbol, event.order_id)
                return [
                    (event.account, fields | {"client_order_id": event.client_order_id, "reason": event.reason.value})
                ]
        return []

    def _fills(self, event: ev.Filled) -> list[tuple[AccountId, dict[str, Any]]]:
        grid = self._grid(event.symbol)

        def of(order_id: OrderId, side: Side, leaves: Lots, fee: int, liquidity: str) -> dict[str, Any]:
            return _named("partially_filled" if leaves else "filled", event.symbol, order_id) | {
                "side": side,
                "remaining": grid.quantity(leaves),
                "trade_id": str(event.trade_id),
                "fill_price": grid.price(event.price),
                "fill_quantity": grid.quantity(event.quantity),
                "fee": grid.amount(fee),
                "liquidity": liquidity,
            }

        maker_side = _OPPOSITE[event.taker_side]
        maker = of(event.maker_order_id, maker_side, event.maker_leaves, event.maker_fee, "maker")
        taker = of(event.taker_order_id, event.taker_side, event.taker_leaves, event.taker_fee, "taker")
        return [(event.maker_account, maker), (event.taker_account, taker)]

    def _accepted(self, event: ev.Accepted) -> dict[str, Any]:
        grid, terms = self._grid(event.symbol), event.terms
        fields = _named("accepted", event.symbol, event.order_id) | {
            "client_order_id": event.client_order_id,
            "side": event.side,
            "order_type": event.order_type,
            "time_in_force": event.time_in_force,
            "quantity": grid.quantity(event.quantity),
            "price": _price(grid, event.price),
            "waiting": event.waiting,
        }
        if terms is None:
            return fields
        display = terms.display_quantity
        return fields | {
            "stop_price": _price(grid, terms.stop_price),
            "display_quantity": None if display is None else grid.quantity(display),
            "post_only": terms.post_only,
            "expire_ns": terms.expire_ns,
        }

    def _ended(self, event_type: str, event: ev.Ended) -> dict[str, Any]:
        grid = self._grid(event.symbol)
        return _named(event_type, event.symbol, event.order_id) | {
            "client_order_id": event.client_order_id,
            "side": event.side,
            "order_type": event.order_type,
            "time_in_force": event.time_in_force,
            "quantity": grid.quantity(event.quantity),
            "price": _price(grid, event.price),
            "filled": grid.quantity(event.cum),
            "remaining": grid.quantity(event.quantity - event.cum),
            "fees": grid.amount(event.fees),
        }

    def _amended(self, event: ev.Amended) -> dict[str, Any]:
        grid, terms = self._grid(event.symbol), event.terms
        return _named("amended", event.symbol, event.order_id) | {
            "side": event.side,
            "quantity": grid.quantity(event.quantity),
            "price": _price(grid, event.price),
            "stop_price": None if terms is None else _price(grid, terms.stop_price),
            "filled": grid.quantity(event.quantity - event.leaves),
            "remaining": grid.quantity(event.leaves),
            "priority": "kept" if event.kept_priority else "lost",
        }

    def _triggered(self, event: ev.Triggered) -> dict[str, Any]:
        grid = self._grid(event.symbol)
        return _named("triggered", event.symbol, event.order_id) | {
            "stop_price": grid.price(event.stop_price),
            "price": _price(grid, event.price),
        }

    def _grid(self, symbol: str) -> Grid:
        return grid_of(self._exchange.books[symbol].instrument)


def _of_record(record: BatchRecord) -> Message:
    content = RecordMessage(
        seq=record.last_seq,
        number=0,
        ts_ns=record.ts_ns,
        timestamp=_seconds(record.ts_ns),
        n=record.n,
        first_seq=record.first_seq,
        count=record.count,
        prev_chain=record.prev_chain.hex(),
        chain=record.chain.hex(),
        crc32=record.crc32,
        body=record.body,
    )
    return message(Topic.RECORDS, RECORDS_KEY, content)


def _named(event_type: str, symbol: str | None, order_id: OrderId | None) -> dict[str, Any]:
    return {"event_type": event_type, "symbol": symbol, "order_id": None if order_id is None else str(order_id)}


def _price(grid: Grid, price: Ticks | None) -> str | None:
    return None if price is None else grid.price(price)


def _seconds(ts_ns: int) -> float:
    """Epoch seconds to the microsecond, as the API has them."""
    return ts_ns // 1000 / 1e6
