"""nautilus_trader live: data and execution with reconciliation, an order's whole life, and the book it keeps.

    python -m tests.clients.libraries.nautilus CONFIGURATION URL

It says `resting` when an order of two coins rests, of which the test takes one; the test changes the book of BTCUSDT
meanwhile and writes a line behind that. Expects BTCUSDT to trade at 30000 and ETHUSDT at 2000.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request
from datetime import timedelta
from decimal import Decimal
from typing import Any

from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.enums import BookType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from tests.clients.libraries.steps import Steps, configured, say

BOOK_OF = "BTCUSDT.BINANCE"
OWN = "ETHUSDT.BINANCE"
LEVELS = 1000
PATIENCE_S = 90
CHECK_MS = 200


class Scripted(Strategy):
    """Enters, cancels and fills orders one behind the other, and notes every event."""

    def __init__(self, url: str) -> None:
        super().__init__(StrategyConfig(strategy_id="scripted"))
        self.url = url
        self.own_id = InstrumentId.from_str(OWN)
        self.book_id = InstrumentId.from_str(BOOK_OF)
        self.events: list[list[str]] = []
        self.trades: list[str] = []
        self.deltas = 0
        self.market_changed = False
        self.compared: dict[str, Any] = {}
        self._stage = ""
        self._done = False
        self._ends_at = time.monotonic() + PATIENCE_S

    def on_start(self) -> None:
        """Follow a book and its trades, and enter the first order."""
        self.subscribe_order_book_deltas(self.book_id, BookType.L2_MBP, depth=LEVELS)
        self.subscribe_trade_ticks(self.book_id)
        self.clock.set_timer("check", timedelta(milliseconds=CHECK_MS), callback=self.check)
        self._enter("post only", OrderSide.BUY, "1900.00", post_only=True)

    def on_order_book_deltas(self, deltas: Any) -> None:
        """Count what the book's stream brings."""
        self.deltas += 1

    def on_trade_tick(self, tick: Any) -> None:
        """Keep the ids of trades."""
        self.trades.append(str(tick.trade_id))

    def on_order_event(self, event: Any) -> None:
        """Go on to the next order when one has come to where it should."""
        kind = type(event).__name__
        self.events.append([self._stage, kind])
        order = self.cache.order(event.client_order_id)
        if kind == "OrderAccepted" and self._stage == "post only":
            self.cancel_order(order)
        elif kind == "OrderCanceled" and self._stage == "post only":
            self._market("market", OrderSide.BUY)
        elif kind == "OrderFilled" and self._stage == "market" and order.is_closed:
            self._enter("resting", OrderSide.SELL, "2005.00")
        elif kind == "OrderAccepted" and self._stage == "resting":
            say("resting")
        elif kind == "OrderFilled" and self._stage == "resting":
            self.cancel_order(order)
        elif kind == "OrderCanceled" and self._stage == "resting":
            self._enter("would take", OrderSide.BUY, "2100.00", post_only=True)
        elif kind == "OrderRejected" and self._stage == "would take":
            self._done = True

    def check(self, _event: Any) -> None:
        """End when everything is done and the book agrees with REST, or when patience is over."""
        over = time.monotonic() > self._ends_at
        if self._done and self.market_changed:
            self.compared = {"book": self._book(), "rest_book": self._rest_book()}
            over = over or self.compared["book"] == self.compared["rest_book"]
        if over:
            self.clock.cancel_timer("check")
            self.shutdown_system("all is done")

    def _enter(self, stage: str, side: Any, price: str, *, post_only: bool = False) -> None:
        self._stage = stage
        instrument = self.cache.instrument(self.own_id)
        order = self.order_factory.limit(
            self.own_id,
            side,
            instrument.make_qty(Decimal(2)),
            instrument.make_price(Decimal(price)),
            time_in_force=TimeInForce.GTC,
            post_only=post_only,
        )
        self.submit_order(order)

    def _market(self, stage: str, side: Any) -> None:
        self._stage = stage
        quantity = self.cache.instrument(self.own_id).make_qty(Decimal("0.25"))
        self.submit_order(self.order_factory.market(self.own_id, side, quantity))

    def _book(self) -> dict[str, Any]:
        book = self.cache.order_book(self.book_id)
        sides = {"bids": book.bids(), "asks": book.asks()}
        return {side: [[float(one.price), float(one.size())] for one in levels] for side, levels in sides.items()}

    def _rest_book(self) -> dict[str, Any]:
        where = f"{self.url}/api/v3/depth?symbol=BTCUSDT&limit={LEVELS}"
        with urllib.request.urlopen(where, timeout=10) as answer:  # noqa: S310 - the test's own server
            book = json.load(answer)
        return {side: [[float(p), float(q)] for p, q in book[side]] for side in ("bids", "asks")}


def main(path: str, url: str) -> None:
    """Run a node until the strategy is done, and print what came of it."""
    node = configured(path)["trading_node"](logging=LoggingConfig(log_level="ERROR", log_level_file="OFF"))
    strategy = Scripted(url)
    node.trader.add_strategy(strategy)

    def wait_for_the_test() -> None:
        sys.stdin.readline()
        strategy.market_changed = True

    threading.Thread(target=wait_for_the_test, daemon=True).start()
    steps = Steps()
    try:
        node.run()
        cache = node.cache
        steps.note("instruments", [str(one.id) for one in cache.instruments()])
        steps.note("events", strategy.events)
        steps.note("trades", strategy.trades)
        steps.note("deltas", strategy.deltas)
        steps.note("compared", strategy.compared)
        external = [order for order in cache.orders() if str(order.strategy_id) == "EXTERNAL"]
        steps.note("external", [[str(one.venue_order_id), one.status_string(), str(one.quantity)] for one in external])
        own = [order for order in cache.orders() if order not in external]
        steps.note("own", [[one.type_string(), one.status_string(), str(one.filled_qty)] for one in own])
        account = cache.accounts()[0]
        balances = {str(currency): str(money) for currency, money in account.balances_total().items()}
        steps.note("balances", balances)
    finally:
        node.dispose()
    steps.show()


if __name__ == "__main__":
    main(*sys.argv[1:])
