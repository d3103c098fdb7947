"""What the exchange holds to besides matching: order of commands, memory, its own invariants."""

import pytest

from engine import exchange as exchange_module
from engine.commands import AmendOrder, CancelOrder, EnterOrder, ListInstrument, SetStatus
from engine.digest import state_digest
from engine.events import Accepted, Cancelled, Rejected, Repeated
from engine.exchange import Exchange
from engine.rejects import InvariantViolation, RejectReason
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce, TradingStatus
from tests.engine.pair import COIN

ANN = AccountId(1)


def listed() -> Exchange:
    exchange = Exchange()
    exchange.apply(ListInstrument(COIN), 1, 1)
    return exchange


def bid(price: int, quantity: int = 1, name: str | None = None) -> EnterOrder:
    return EnterOrder(ANN, COIN.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(quantity), Ticks(price), name)


@pytest.mark.parametrize(("seq", "ts_ns"), [(1, 5), (3, 5), (2, 0)])
def test_a_command_out_of_order_or_back_in_time_stops_the_exchange(seq, ts_ns):
    exchange = listed()
    before = state_digest(exchange)
    with pytest.raises(InvariantViolation):
        exchange.apply(bid(10), seq, ts_ns)
    assert state_digest(exchange) == before


def test_commands_of_one_batch_may_share_their_time():
    exchange = listed()
    exchange.apply(bid(10), 2, 7)
    assert isinstance(exchange.apply(bid(10), 3, 7)[0], Accepted)


def test_a_done_order_is_remembered_for_the_window_and_no_longer(monkeypatch):
    monkeypatch.setattr(exchange_module, "RECENT_WINDOW", 2)
    exchange = listed()
    first = bid(10, name="first")
    exchange.apply(first, 2, 2)
    exchange.apply(CancelOrder(ANN, 2), 3, 3)
    seq = 4
    for _ in range(2):
        assert exchange.apply(CancelOrder(ANN, 2), seq, seq)[0].reason is RejectReason.TOO_LATE
        assert isinstance(exchange.apply(first, seq + 1, seq)[0], Repeated)
        exchange.apply(bid(10), seq + 2, seq)
        exchange.apply(CancelOrder(ANN, seq + 2), seq + 3, seq)
        seq += 4
    assert exchange.apply(CancelOrder(ANN, 2), seq, seq)[0].reason is RejectReason.UNKNOWN_ORDER
    assert isinstance(exchange.apply(first, seq + 1, seq)[0], Accepted)


def test_an_open_order_keeps_its_client_order_id_however_many_come_after(monkeypatch):
    monkeypatch.setattr(exchange_module, "RECENT_WINDOW", 2)
    exchange = listed()
    exchange.apply(bid(10, name="old"), 2, 2)
    for seq in range(3, 23, 2):
        exchange.apply(bid(10, name=f"n{seq}"), seq, seq)
        exchange.apply(CancelOrder(ANN, None, f"n{seq}"), seq + 1, seq)
    assert isinstance(exchange.apply(bid(10, name="old"), 23, 23)[0], Repeated)
    (ended,) = exchange.apply(CancelOrder(ANN, None, "old"), 24, 24)
    assert isinstance(ended, Cancelled)
    assert ended.order_id == 2


@pytest.mark.parametrize(
    "command",
    [
        bid(9),
        bid(10, 2),
        EnterOrder(AccountId(2), COIN.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(10)),
        bid(10, name="named"),
        AmendOrder(ANN, 2, Ticks(11)),
        CancelOrder(ANN, 2),
        SetStatus(COIN.symbol, TradingStatus.HALTED),
    ],
)
def test_the_digest_tells_apart_what_differs_in_one_command(command):
    one, other = listed(), listed()
    for exchange in (one, other):
        exchange.apply(bid(10), 2, 2)
    one.apply(bid(10), 3, 3)
    other.apply(command, 3, 3)
    assert state_digest(one) != state_digest(other)


def test_a_refused_command_changes_the_state_by_its_number_alone():
    one, other = listed(), listed()
    (first,) = one.apply(bid(0), 2, 2)
    (second,) = other.apply(CancelOrder(ANN, 99), 2, 2)
    assert isinstance(first, Rejected)
    assert isinstance(second, Rejected)
    assert state_digest(one) == state_digest(other)


def break_level_quantity(exchange: Exchange) -> None:
    exchange.books[COIN.symbol].bids.best.quantity += 1


def break_conservation(exchange: Exchange) -> None:
    order = exchange.orders[2]
    order.leaves = Lots(order.leaves + 1)
    order.level.quantity += 1


def break_index(exchange: Exchange) -> None:
    del exchange.books[COIN.symbol].orders[2]


def break_queue(exchange: Exchange) -> None:
    exchange.orders[3].ahead = None


def break_tail(exchange: Exchange) -> None:
    level = exchange.orders[3].level
    level.tail = level.head


def break_venue_index(exchange: Exchange) -> None:
    del exchange.orders[2]


def break_account(exchange: Exchange) -> None:
    exchange.accounts[ANN].open_orders.popitem()


def break_count(exchange: Exchange) -> None:
    exchange.accounts[ANN].open_count[COIN.symbol] += 1


def break_best(exchange: Exchange) -> None:
    exchange.books[COIN.symbol].bids.best = None


def break_side(exchange: Exchange) -> None:
    exchange.orders[2].side = Side.SELL


def break_crossing(exchange: Exchange) -> None:
    book = exchange.books[COIN.symbol]
    book.bids, book.asks = book.asks, book.bids
    for order in exchange.orders.values():
        order.side = Side.SELL if order.side is Side.BUY else Side.BUY
    book.bids.side, book.asks.side = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    "damage",
    [
        break_level_quantity,
        break_conservation,
        break_index,
        break_queue,
        break_tail,
        break_venue_index,
        break_account,
        break_count,
        break_best,
        break_side,
        break_crossing,
    ],
    ids=lambda damage: damage.__name__,
)
def test_check_invariants_sees(damage):
    exchange = listed()
    exchange.apply(bid(10), 2, 2)
    exchange.apply(bid(10), 3, 3)
    sell = EnterOrder(ANN, COIN.symbol, Side.SELL, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(12))
    exchange.apply(sell, 4, 4)
    exchange.check_invariants()
    damage(exchange)
    with pytest.raises(InvariantViolation):
        exchange.check_invariants()
