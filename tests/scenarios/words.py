"""The words of a scenario for what happened: each event as a line under `then`."""

from __future__ import annotations

from engine import events as ev
from engine.types import STOP_LEG, TAKE_PROFIT_LEG, OrderId, OrderType, Seq, Side, Ticks, leg_id

NOBODY = OrderId(999)  # an order that never was


class EventFormatter:
    """Knows orders by their names in the scenario, and puts events into words."""

    def __init__(self) -> None:
        self.labels: dict[OrderId, str] = {}
        self._order_ids: dict[str, OrderId] = {}
        self._asked: dict[OrderId, Ticks | str | None] = {}  # the price each order was entered with
        self._waiting: set[OrderId] = set()

    def expect(self, label: str, order_id: OrderId, price: Ticks | str | None) -> None:
        """The next command enters the order `label` at `price`, and with it maybe its legs."""
        for name, named in (
            (label, order_id),
            (f"{label}.take_profit", leg_id(order_id, TAKE_PROFIT_LEG)),
            (f"{label}.stop", leg_id(order_id, STOP_LEG)),
        ):
            self.labels[named] = name
            self._order_ids[name] = named
        self._asked[order_id] = price

    def order_id(self, label: str | None) -> OrderId:
        """The id of a named order, or one that no order has."""
        return self._order_ids.get(label or "", NOBODY)

    def entered(self, label: str | None) -> Seq | None:
        """The seq of the command that entered a named order; None without a name."""
        return None if label is None else Seq(self._order_ids[label])

    def format_event(self, event: ev.Event) -> str:
        """The event as a line under `then`."""
        match event:
            case ev.Accepted() | ev.DuplicateRequest() | ev.Rejected():
                return self._answer(event)
            case ev.Filled() | ev.Uncrossed():
                return self._trade(event)
            case ev.Triggered() | ev.StopPriceMoved() | ev.Replenished() | ev.Amended():
                return self._change(event)
            case ev.Ended():
                self._waiting.discard(event.order_id)
                return self._end(event)
            case ev.InstrumentListed():
                return f"{event.instrument.symbol} listed"
            case ev.StatusChanged():
                return f"{event.symbol} is {event.status}"
            case ev.LimitStateChanged(side=None):
                return f"{event.symbol} is in no limit state"
            case ev.LimitStateChanged():
                return f"{event.symbol} is limit {'up' if event.side is Side.BUY else 'down'} at {event.price}"
        return format_account_event(event)

    def _answer(self, event: ev.Accepted | ev.DuplicateRequest | ev.Rejected) -> str:
        match event:
            case ev.DuplicateRequest():
                return f"repeats {self.labels[event.order_id]}"
            case ev.Rejected():
                see = f", see {self.labels[event.order_id]}" if event.order_id in self.labels else ""
                return f"rejected: {event.reason}{see}"
        label = self.labels[event.order_id]
        if event.order_type is OrderType.MARKET:
            return f"{label} accepted for {event.quantity}"
        text = f"{label} accepted"
        if event.terms is not None and event.terms.parent is not None:  # an exit: nobody asked for just this
            text += f" to {event.side} {event.quantity}" + ("" if event.price is None else f" at {event.price}")
        elif event.price != self._asked.get(event.order_id):
            text += f" at {event.price}"
        if event.waiting:
            self._waiting.add(event.order_id)
            text += self._stop(event)
        return text

    def _trade(self, event: ev.Filled | ev.Uncrossed) -> str:
        if isinstance(event, ev.Uncrossed):
            return f"{event.symbol} uncrossed: {event.quantity} at {event.price}, imbalance {event.imbalance}"
        taker, maker = self.labels[event.taker_order_id], self.labels[event.maker_order_id]
        text = f"{taker} takes {event.quantity} from {maker} at {event.price}"
        if event.auction:
            text += " in the uncross"
        if event.maker_fee or event.taker_fee:
            text += f", maker fee {event.maker_fee}, taker fee {event.taker_fee}"
        if event.self_trade:
            text += ", no price"
        return text

    def _change(self, event: ev.Triggered | ev.StopPriceMoved | ev.Replenished | ev.Amended) -> str:
        label = self.labels[event.order_id]
        match event:
            case ev.Triggered():
                self._waiting.discard(event.order_id)
                return f"{label} triggered at {event.stop_price}" + (f", limit {event.price}" if event.price else "")
            case ev.StopPriceMoved():
                return f"{label} trails to {event.stop_price}"
            case ev.Replenished():
                return f"{label} shows {event.shown} at {event.price}"
        priority = "kept" if event.kept_priority else "lost"
        price = "" if event.price is None else f" at {event.price}"
        stop = self._stop(event) if event.order_id in self._waiting else ""
        return f"{label} amended: {event.leaves} left{price}{stop}, priority {priority}"

    def _end(self, event: ev.Ended) -> str:
        label, left = self.labels[event.order_id], event.quantity - event.cum
        match event:
            case ev.Cancelled():
                return f"{label} cancelled: {event.reason}, {left} left"
            case ev.Expired():
                return f"{label} expired, {left} left"
        return f"{label} completed"

    @staticmethod
    def _stop(event: ev.Accepted | ev.Amended) -> str:
        return f", waiting for {None if event.terms is None else event.terms.stop_price}"


def format_account_event(event: ev.Event) -> str:
    """An event about an account as a line under `then`."""
    match event:
        case ev.Deposited():
            return f"{event.account} deposited {event.amount} {event.asset}"
        case ev.Withdrawn():
            return f"{event.account} withdrew {event.amount} {event.asset}"
        case ev.AccountConfigured():
            return f"{event.account} is {event.tier}"
        case ev.AccountStopped():
            return f"{event.account} stopped" if event.stopped else f"{event.account} may trade"
    raise ValueError(f"no words for {event}")
