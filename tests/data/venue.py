"""An engine that a playback is played into, without a server: what tools.replay asks by the public API."""

from decimal import Decimal

from engine.commands import AmendOrder, CancelOrder, Deposit, EnterOrder, ListInstrument
from engine.depth import l2
from engine.events import Accepted, Event, Filled
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from tools.playback import AmendStep, EnterStep, Key, Playback, ReduceStep, RepriceStep, Step
from tools.recorded import LobsterDepth

OWNER = AccountId(1)
SYMBOL = "XYZ-USD"
KINDS = {
    "limit": (OrderType.LIMIT, TimeInForce.GTC),
    "ioc": (OrderType.LIMIT, TimeInForce.IOC),
    "fok": (OrderType.LIMIT, TimeInForce.FOK),
    "market": (OrderType.MARKET, TimeInForce.IOC),
}


class EngineVenue:
    """One symbol whose tick and lot are the playback's own units."""

    def __init__(self, playback: Playback) -> None:
        self.playback = playback
        self.exchange = Exchange()
        self.order_ids: dict[Key, OrderId] = {}
        self.keys: dict[OrderId, Key] = {}
        self.refused: list[tuple[Step, list[Event]]] = []
        self.apply(ListInstrument(instrument(playback.price_scale, playback.quantity_scale)))
        for asset in ("XYZ", "USD"):
            self.apply(Deposit(OWNER, asset, "1000000000000"))

    def apply(self, command: object) -> list[Event]:
        seq = Seq(self.exchange.seq + 1)
        return self.exchange.apply(command, seq, seq)

    def do(self, step: Step) -> None:
        """Carry out one step and tell the playback of its trades."""
        if isinstance(step, EnterStep):
            order_type, time_in_force = KINDS[step.order_type]
            price = None if step.price is None else Ticks(step.price)
            events = self.apply(
                EnterOrder(OWNER, SYMBOL, Side(step.side), order_type, time_in_force, Lots(step.quantity), price)
            )
            order_id = OrderId(self.exchange.seq)
            if step.key is not None:
                self.order_ids[step.key], self.keys[order_id] = order_id, step.key
        elif isinstance(step, ReduceStep | RepriceStep | AmendStep):
            price = None if isinstance(step, ReduceStep) or step.price is None else Ticks(step.price)
            quantity = None if isinstance(step, RepriceStep) or step.quantity is None else Lots(step.quantity)
            events = self.apply(AmendOrder(OWNER, self.order_ids[step.key], quantity=quantity, price=price))
        else:
            events = self.apply(CancelOrder(OWNER, self.order_ids[step.key]))
        fills = [event for event in events if isinstance(event, Filled)]
        for fill in fills:
            self.playback.traded(self.keys.get(fill.maker_order_id), fill.price, fill.quantity)
        if isinstance(step, EnterStep) and not isinstance(events[0], Accepted):
            self.refused.append((step, events))

    def depth(self, levels: int) -> LobsterDepth:
        """The best levels, as a LOBSTER row shows them."""
        book = self.exchange.books[SYMBOL]
        asks, bids = ([(price, size) for price, size, _ in l2(side, levels)] for side in (book.asks, book.bids))
        return LobsterDepth(asks, bids)

    def open_keys(self) -> set[Key]:
        """The recording's name of every order that rests."""
        return {self.keys[order_id] for order_id in self.exchange.orders}


def instrument(price_scale: int, quantity_scale: int) -> Instrument:
    """A symbol without limits, with the smallest steps that the recording has."""
    return Instrument(
        symbol=SYMBOL,
        base="XYZ",
        quote="USD",
        tick_size=f"{Decimal(1).scaleb(-price_scale):f}",
        lot_size=f"{Decimal(1).scaleb(-quantity_scale):f}",
        quote_scale=price_scale + quantity_scale,
        lot_tick_amount=Amount(1),
        max_quantity=Lots(10**15),
        max_notional=Amount(10**24),
        max_open_orders=10**6,
    )
