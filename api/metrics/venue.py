"""Figures of the venue: what was entered, traded, refused and ended, and what rests. All of it is public elsewhere too.

Labels are symbols, which operators list, and reasons, of which there is a fixed number; never an account.
Layer: api.metrics.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from api.metrics.text import Family, Wide, labels_of
from engine.book import OrderBook
from engine.events import Cancelled, CommandResult, Expired
from engine.exchange import Exchange
from engine.rejects import CancelReason, RejectReason
from engine.types import TradingStatus
from openbell import __version__
from projections.activity import Activity

EXPIRED: Final = "expired"  # among the reasons of cancels: ended by the clock


class EndCounts:
    """Counts the orders that ended with something left of them, since the start of the server."""

    def __init__(self) -> None:
        self.by_reason: Counter[str] = Counter({reason.value: 0 for reason in CancelReason} | {EXPIRED: 0})

    def on_applied(self, batch: list[CommandResult]) -> None:
        """Count what a batch ended. O(events)."""
        by_reason = self.by_reason
        for applied in batch:
            for event in applied.events:
                kind = type(event)
                if kind is Cancelled:
                    by_reason[event.reason.value] += 1  # type: ignore[attr-defined]
                elif kind is Expired:
                    by_reason[EXPIRED] += 1


class VenueFamilies:
    """The figures of one exchange."""

    def __init__(
        self, exchange: Exchange, activity: Activity, ends: EndCounts, refusal: Callable[[], str | None]
    ) -> None:
        """`refusal`: why no commands are taken just now."""
        self._exchange = exchange
        self._activity = activity
        self._ends = ends
        self._refusal = refusal
        self._labels: dict[str, str] = {}  # by symbol, and what follows it

    def families(self) -> Iterator[Family]:
        """All of them. O(symbols)."""
        exchange, activity = self._exchange, self._activity
        build = {"version": __version__, "edition": str(exchange.rulebook), "python": platform.python_version()}
        yield InfoMetricFamily("openbell_build", "The version of the program, and the edition of its rules.", build)
        yield GaugeMetricFamily(
            "openbell_accepting", "Whether commands are taken: 1 or 0.", value=int(self._refusal() is None)
        )
        yield CounterMetricFamily("openbell_commands", "Commands applied since the first; the seq.", value=exchange.seq)
        yield GaugeMetricFamily("openbell_accounts", "Accounts that are known.", value=len(exchange.accounts))
        yield self._by_status()
        yield _by_reason(
            "openbell_rejects", "Commands refused by the rules, since the first.", RejectReason, activity.rejects
        )
        yield _by_reason(
            "openbell_cancels",
            "Orders that ended with something left, since the start of the server.",
            [*CancelReason, EXPIRED],
            self._ends.by_reason,
        )
        yield from self._by_symbol()

    def _by_status(self) -> GaugeMetricFamily:
        counted = Counter(book.status for book in self._exchange.books.values())
        family = GaugeMetricFamily("openbell_symbols", "Listed symbols, by trading status.", labels=["status"])
        for status in TradingStatus:
            family.add_metric([status.value], counted[status])
        return family

    def _by_symbol(self) -> Iterator[Wide]:
        of, each = self._activity.of, self._each
        yield Wide(
            "openbell_orders_total",
            "counter",
            "Orders entered, taken or not, since the first command.",
            each("openbell_orders_total", lambda book: of(book.instrument.symbol).orders),
        )
        yield Wide(
            "openbell_trades_total",
            "counter",
            "Trades since the first command.",
            each("openbell_trades_total", lambda book: book.trade_count),
        )
        yield Wide(
            "openbell_open_orders",
            "gauge",
            "Orders that rest in the book.",
            each("openbell_open_orders", lambda book: len(book.orders)),
        )
        yield Wide(
            "openbell_bid_levels",
            "gauge",
            "Prices at which somebody buys.",
            each("openbell_bid_levels", lambda book: len(book.bids.levels)),
        )
        yield Wide(
            "openbell_ask_levels",
            "gauge",
            "Prices at which somebody sells.",
            each("openbell_ask_levels", lambda book: len(book.asks.levels)),
        )

    def _each(self, name: str, value: Callable[[OrderBook], int]) -> Iterator[tuple[str, float]]:
        labels = self._labels
        for symbol, book in list(self._exchange.books.items()):
            label = labels.get(symbol)
            if label is None:
                label = labels[symbol] = labels_of(symbol=symbol)
            yield name + label, value(book)


def _by_reason(name: str, documentation: str, reasons: Iterable[str], counted: Counter[str]) -> CounterMetricFamily:
    """A counter of each reason, those that never came included: from 0 on an increase can be seen."""
    family = CounterMetricFamily(name, documentation, labels=["reason"])
    for reason in reasons:
        family.add_metric([str(reason)], counted[str(reason)])
    return family
