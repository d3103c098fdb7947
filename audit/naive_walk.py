"""What an incoming order would do, step by step, before anything is done.

The opposite side is a list, best price first and oldest first, and the order takes from its head.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.naive_money import notional_of
from audit.naive_order import NaiveOrder
from audit.naive_symbol import NaiveSymbol
from engine.types import SelfTradePrevention

MODE = SelfTradePrevention


@dataclass(slots=True)
class Fill:
    """So many lots off a maker's slice."""

    maker: NaiveOrder
    quantity: int


@dataclass(slots=True)
class CancelMaker:
    """A maker of the same account goes."""

    maker: NaiveOrder


@dataclass(slots=True)
class Decrement:
    """So many lots off both."""

    maker: NaiveOrder
    quantity: int


@dataclass(slots=True)
class Walk:
    """The steps, and how they end."""

    steps: list[Fill | CancelMaker | Decrement] = field(default_factory=list)
    left: int = 0  # of the order, when it was given in lots
    stopped: bool = False  # by self-trade prevention
    budget_unspent: bool = False  # of a budget: the book ended while it could still pay for a lot

    @property
    def filled(self) -> int:
        """Lots that trade."""
        return sum(step.quantity for step in self.steps if isinstance(step, Fill))


@dataclass(slots=True)
class _QueuedMaker:
    """A maker while the walk is imagined."""

    maker: NaiveOrder
    leaves: int
    shown: int


def walk(symbol: NaiveSymbol, taker: NaiveOrder, limit: int | None, budget: int | None = None) -> Walk:
    """What `taker` does with everybody at `limit` or better. With a `budget` its quantity is not looked at."""
    walked = Walk(left=taker.leaves)
    queue = [_QueuedMaker(maker, maker.leaves, maker.shown) for maker in symbol.makers(taker.side, limit)]
    one = 0
    while queue and (budget is not None or walked.left > 0):
        first = queue[0]
        affordable = walked.left
        if budget is not None:
            one = notional_of(symbol.instrument, first.maker.price or 0, 1)
            affordable = budget // one
            if affordable == 0:
                return walked
        if first.maker.account == taker.account and taker.mode is not MODE.NONE:
            if _prevented(walked, taker, queue, budgeted=budget is not None):
                return walked
            continue
        quantity = min(first.shown, affordable)
        walked.steps.append(Fill(first.maker, quantity))
        first.leaves -= quantity
        if budget is not None:
            budget -= quantity * one
        else:
            walked.left -= quantity
        if quantity < first.shown:
            return walked
        queue.pop(0)
        if first.leaves > 0:
            first.shown = first.maker.slice_of(first.leaves)
            behind = sum(queued.maker.price == first.maker.price for queued in queue)
            queue.insert(behind, first)
    walked.budget_unspent = budget is not None and budget >= one
    return walked


def _prevented(walked: Walk, taker: NaiveOrder, queue: list[_QueuedMaker], *, budgeted: bool) -> bool:
    """The head of the queue is the taker's own: do as its mode says. Whether the walk ends."""
    first = queue[0]
    mode = MODE.CANCEL_NEWEST if budgeted and taker.mode is MODE.DECREMENT else taker.mode
    all_or_nothing = taker.time_in_force is taker.time_in_force.FOK
    if mode is MODE.CANCEL_NEWEST or (all_or_nothing and mode is not MODE.CANCEL_OLDEST):
        walked.stopped = True
    elif mode is MODE.DECREMENT:
        quantity = min(walked.left, first.leaves)
        walked.steps.append(Decrement(first.maker, quantity))
        walked.stopped = quantity == walked.left
        walked.left -= quantity
        queue.pop(0)
    else:
        walked.steps.append(CancelMaker(first.maker))
        walked.stopped = mode is MODE.CANCEL_BOTH
        queue.pop(0)
    return walked.stopped
