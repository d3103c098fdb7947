"""Matching engines of other people, from PyPI, as far as they are installed; Openbell needs none of them.

Each is given what it lacks of the workload: an order that may not rest is cancelled after it was entered, and ids are
mapped where an engine makes its own.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from benchmarks.flash import CANCEL, NEW, SYMBOL, Message

Report = Callable[[list[Message]], list[str]]


class _LightMatchingEngine:
    """lightmatchingengine: dictionaries of lists. What is filled stays in its index of orders."""

    def __init__(self) -> None:
        module: Any = importlib.import_module("lightmatchingengine.lightmatchingengine")
        self._engine: Any = module.LightMatchingEngine()
        self._ids: dict[int, int] = {}
        self._names: dict[int, int] = {}

    def enter(self, name: int, side: int, quantity: int, price: int) -> tuple[list[tuple[int, int, int]], int]:
        """The trades, as price, quantity and maker; and what is left."""
        order, trades = self._engine.add_order(SYMBOL, price, quantity, side + 1)
        self._ids[name], self._names[order.order_id] = order.order_id, name
        makers = [(t.trade_price, t.trade_qty, self._names[t.order_id]) for t in trades if t.order_id != order.order_id]
        return makers, order.leaves_qty

    def cancel(self, name: int) -> None:
        """Cancel an open order."""
        self._engine.cancel_order(self._ids[name], SYMBOL)


class _PyOrderBook:
    """pyorderbook: heaps of levels, decimals and UUIDs."""

    def __init__(self) -> None:
        module: Any = importlib.import_module("pyorderbook")
        orders: Any = importlib.import_module("pyorderbook.order")
        self._book: Any = module.Book()
        self._make = (orders.bid, orders.ask)
        self._orders: dict[int, Any] = {}
        self._names: dict[Any, int] = {}

    def enter(self, name: int, side: int, quantity: int, price: int) -> tuple[list[tuple[int, int, int]], int]:
        """The trades, as price, quantity and maker; and what is left."""
        order = self._make[side](SYMBOL, price, quantity)
        self._orders[name], self._names[order.id] = order, name
        trades = self._book.match(order).trades
        makers = [(int(t.fill_price), t.fill_quantity, self._names[t.standing_order_id]) for t in trades]
        return makers, order.quantity

    def cancel(self, name: int) -> None:
        """Cancel an open order."""
        self._book.cancel(self._orders[name])


def _report_of(make: Callable[[], Any], workload: list[Message]) -> list[str]:
    return _report(make(), workload)


def _report(engine: Any, workload: list[Message]) -> list[str]:
    """The report of an engine with `enter` and `cancel`, and with what the adapter must know of open orders."""
    lines, leaves, prices = list[str](), dict[int, int](), dict[int, tuple[int, int]]()
    for kind, side, ioc, quantity, seq, name, price in workload:
        if kind != NEW:
            if name not in leaves:
                lines.append(f"{4 if kind == CANCEL else 5},{seq},{name}")
                continue
            engine.cancel(name)
            del leaves[name]
            if kind == CANCEL:
                lines.append(f"2,{seq},{prices[name][0]},{name},{prices[name][1]}")
                continue
        lines.append(f"{0 if kind == NEW else 3},{seq},{side},{name},{price},{quantity}")
        makers, left = engine.enter(name, side, quantity, price)
        prices[name] = side, price
        for at, lots, maker in makers:
            lines.append(f"1,{seq},{at},{lots},{maker},{name}")
            leaves[maker] -= lots
            if not leaves[maker]:
                del leaves[maker]
        if left and ioc and kind == NEW:
            engine.cancel(name)
            lines.append(f"2,{seq},{side},{name},{price}")
        elif left:
            leaves[name] = left
    return lines


_ENGINES: Final[dict[str, Callable[[], Any]]] = {
    "lightmatchingengine": _LightMatchingEngine,
    "pyorderbook": _PyOrderBook,
}


def installed() -> dict[str, Report]:
    """The engines that can be imported, by name."""
    found = {name: make for name, make in _ENGINES.items() if importlib.util.find_spec(name) is not None}
    return {name: partial(_report_of, make) for name, make in found.items()}
