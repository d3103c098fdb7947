"""Nasdaq's MSFT book of 2012-06-21: our engine, fed the messages, shows every recorded row.

Units: ticks are ten-thousandths of a dollar, as recorded; lots are shares.
"""

from engine.commands import AmendOrder, CancelOrder, Deposit, EnterOrder, ListInstrument
from engine.depth import l2
from engine.events import Accepted, Amended, Event, Filled
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from tests.data.files import LOBSTER, needs_lobster
from tools.recorded import LobsterDepth, LobsterMessage, MessageType, read_lobster_depths, read_lobster_messages

LEVELS = 50
NASDAQ = AccountId(1)
MSFT = Instrument(
    symbol="MSFT",
    base="MSFT",
    quote="USD",
    tick_size="0.0001",
    lot_size="1",
    quote_scale=4,
    lot_tick_amount=Amount(1),
    max_quantity=Lots(10**9),
    max_notional=Amount(10**18),
    max_open_orders=10**6,
)


class MessageReplay:
    """Turns LOBSTER messages into commands of an exchange that starts with one order at each level.

    Nasdaq's queues are not those of a plain continuous book in two ways, and both are made
    good before the message is played, by putting a level in another order. In the first
    seconds after the open Nasdaq lets orders into the book, in bursts, that are far older
    (their ids tell) than some that stand there: they go before those. And now and then an
    execution takes an order that did not stand first: it is brought forward, and counted in
    `out_of_turn`. (test_lobster_windows.py plays the same file with nothing made good.)
    """

    def __init__(self, seed: LobsterDepth) -> None:
        self.exchange = Exchange()
        self.order_ids: dict[int, OrderId] = {}  # by LOBSTER's id
        self.recorded_ids: dict[OrderId, int] = {}  # the other way round
        self.earlier: dict[tuple[Side, int], int] = {}  # a made-up negative id for what stood at first, by level
        self.out_of_turn: list[LobsterMessage] = []
        self.apply(ListInstrument(MSFT))
        for asset in (MSFT.base, MSFT.quote):
            self.apply(Deposit(NASDAQ, asset, "1000000000000"))
        for side, levels in ((Side.BUY, seed.bids), (Side.SELL, seed.asks)):
            for price, shares in levels:
                self.earlier[side, price] = -len(self.earlier) - 1
                self.rest(self.earlier[side, price], side, price, shares)

    def apply(self, command: object) -> list[Event]:
        seq = Seq(self.exchange.seq + 1)
        return self.exchange.apply(command, seq, seq)

    def enter(self, side: Side, price: int, shares: int, time_in_force: TimeInForce) -> list[Event]:
        return self.apply(EnterOrder(NASDAQ, "MSFT", side, OrderType.LIMIT, time_in_force, Lots(shares), Ticks(price)))

    def rest(self, recorded_id: int, side: Side, price: int, shares: int) -> None:
        (accepted,) = self.enter(side, price, shares, TimeInForce.GTC)
        assert isinstance(accepted, Accepted)
        self.order_ids[recorded_id] = accepted.order_id
        self.recorded_ids[accepted.order_id] = recorded_id

    def queue(self, side: Side, price: int) -> list[tuple[int, int]]:
        """LOBSTER's id and the open shares of each order at a level, first to trade first."""
        level = self.exchange.books["MSFT"].own_side(side).level(Ticks(price))
        return [(self.recorded_ids[order.order_id], order.leaves) for order in level or ()]

    def put_behind(self, side: Side, price: int, recorded_ids: list[int]) -> None:
        """Cancel these orders of a level and enter them again, in this order."""
        leaves = dict(self.queue(side, price))
        for recorded_id in recorded_ids:
            self.apply(CancelOrder(NASDAQ, self.order_ids[recorded_id]))
            self.rest(recorded_id, side, price, leaves[recorded_id])

    def play(self, message: LobsterMessage) -> None:
        """Apply one message; the order that it names must be the one concerned, with its shares."""
        side, price, shares = Side(message.side), message.price_e4, message.shares
        if message.kind is MessageType.NEW_ORDER:
            self.rest(message.order_id, side, price, shares)
            younger = sorted(other for other, _ in self.queue(side, price) if other > message.order_id)
            self.put_behind(side, price, younger)
            return
        if message.kind is MessageType.HIDDEN_EXECUTION:
            return
        recorded_id = message.order_id if message.order_id in self.order_ids else self.earlier[side, price]
        order = self.exchange.orders[self.order_ids[recorded_id]]
        if message.kind is MessageType.EXECUTION:
            ahead = [other for other, _ in self.queue(side, price)]
            ahead = ahead[: ahead.index(recorded_id)]
            if ahead:
                self.out_of_turn.append(message)
                self.put_behind(side, price, [other for other, _ in self.queue(side, price) if other != recorded_id])
            opposite = Side.SELL if side is Side.BUY else Side.BUY
            events = self.enter(opposite, price, shares, TimeInForce.IOC)
            fills = [(fill.maker_order_id, fill.price, fill.quantity) for fill in events if isinstance(fill, Filled)]
            assert fills == [(order.order_id, price, shares)]
        elif order.leaves > shares:  # a delete, too, of what an earlier order stands for
            (amended,) = self.apply(AmendOrder(NASDAQ, order.order_id, quantity=Lots(order.quantity - shares)))
            assert isinstance(amended, Amended)
            assert amended.kept_priority
        else:
            assert message.kind is MessageType.DELETE
            assert order.leaves == shares
            self.apply(CancelOrder(NASDAQ, order.order_id))

    def depth(self) -> LobsterDepth:
        book = self.exchange.books["MSFT"]
        asks, bids = ([(price, shares) for price, shares, _ in l2(s, LEVELS)] for s in (book.asks, book.bids))
        return LobsterDepth(asks, bids)


@needs_lobster
def test_the_book_equals_all_1950_recorded_rows_and_156_of_160_executions_hit_the_first_in_the_queue() -> None:
    rows = list(read_lobster_depths(LOBSTER / "orderbook_50.csv.xz"))
    messages = list(read_lobster_messages(LOBSTER / "message_50.csv.xz"))
    assert len(rows) == len(messages) == 1950
    replay = MessageReplay(rows[0])
    assert replay.depth() == rows[0]
    for number, (message, row) in enumerate(zip(messages, rows, strict=True)):
        if number:
            replay.play(message)
        assert replay.depth() == row, f"row {number}, after {message}"
    replay.exchange.check_invariants()
    entered = [message for message in messages if message.kind is MessageType.NEW_ORDER]
    late = [m for n, m in enumerate(entered) if m.order_id < max((e.order_id for e in entered[:n]), default=0)]
    assert (len(late), len({message.time_ns for message in late})) == (698, 11)  # not one cross, but eleven bursts
    executed = [message.order_id for message in messages if message.kind is MessageType.EXECUTION]
    assert len(executed) == 160
    assert [message.order_id for message in replay.out_of_turn] == [16168549, 16323003, 16544714, 16717232]
