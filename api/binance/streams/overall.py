"""Streams of all symbols: the tickers that changed in the last second, and every change of the best prices.

Layer: api.binance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import eventlet

from api.binance.streams import payloads
from api.binance.streams.channels import Channel, Follower
from api.binance.streams.names import Kind
from api.binance.streams.sources import Timer
from api.binance.symbols import SymbolTable
from engine.exchange import Exchange
from logs.limit import limited
from loop.turns import in_turns
from projections.activity import Activity
from projections.fold import Folded

log = limited(logging.getLogger(__name__))

INTERVAL_S: Final = 1.0  # between two messages of tickers
BEST_S: Final = 0.1  # between two of best prices
SYMBOLS_AT_ONCE: Final = 500  # in one message


class OfAllSymbols:
    """One stream of all symbols. Only what is published switches greenlets, in one of its own."""

    def __init__(
        self,
        kind: Kind,
        channel: Channel,
        exchange: Exchange,
        activity: Activity,
        symbols: SymbolTable,
        clock: Callable[[], int],
    ) -> None:
        self.channel = channel
        self._kind = kind
        self._exchange = exchange
        self._activity = activity
        self._symbols = symbols
        self._clock = clock
        self._changed: dict[str, None] = {}
        self._best: dict[str, tuple[str, str, str, str]] = {}  # as last published
        self._publishing = False
        self._timer = Timer(BEST_S if kind is Kind.BOOK_TICKER else INTERVAL_S, self._flush)

    def on_joined(self, follower: Follower) -> None:
        """Nothing is sent at first: what changes is."""

    def on_applied(self, folded: Folded) -> None:
        """Take note of the symbols that a batch changed; soon they are published. O(levels and trades)."""
        changed = self._changed
        if self._kind is not Kind.MINI_TICKER:
            for level_key in folded.touched:
                changed[level_key.symbol] = None
        if self._kind is not Kind.BOOK_TICKER:
            for trade in folded.trades:
                changed[trade.filled.symbol] = None
        if changed:
            self._timer.touch()

    def _flush(self) -> None:
        if self._publishing:
            self._timer.touch()
        elif self._changed:
            self._publishing = True
            changed, self._changed = self._changed, {}
            eventlet.spawn(self._publish, list(changed))

    def _publish(self, symbols: list[str]) -> None:
        """Publish these symbols. Cooperative."""
        try:
            made: list[bytes] = []
            for symbol in in_turns(symbols, every=1):
                if not self.channel.followers:
                    return
                payload = self._payload(symbol)
                if payload is None:
                    continue
                if self._kind is Kind.BOOK_TICKER:
                    self.channel.publish(payload)
                    continue
                made.append(payload)
                if len(made) == SYMBOLS_AT_ONCE:
                    self._publish_array(made)
            if made:
                self._publish_array(made)
        except Exception:
            log.exception("a stream of all symbols could not be published")
        finally:
            self._publishing = False

    def _publish_array(self, made: list[bytes]) -> None:
        self.channel.publish(b"[%b]" % b",".join(made))
        made.clear()

    def _payload(self, symbol: str) -> bytes | None:
        book, name = self._exchange.books[symbol], self._symbols.binance(symbol)
        if self._kind is Kind.BOOK_TICKER:
            best = payloads.best(book)
            if self._best.get(symbol) == best:
                return None
            self._best[symbol] = best
            return payloads.book_ticker(book, name)
        make = payloads.mini_ticker if self._kind is Kind.MINI_TICKER else payloads.ticker
        return make(self._activity, book, name, self._clock())
