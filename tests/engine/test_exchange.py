"""What the exchange holds to besides matching: order of commands, memory, its own invariants."""

import pytest

from engine import recent
from engine.balance import Balance
from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    AmendOrder,
    CancelOrder,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    SetStatus,
    StopAccount,
    Withdraw,
    WriterChanged,
)
from engine.digest import state_digest
from engine.events import Accepted, Cancelled, DuplicateRequest, Rejected
from engine.exchange import Exchange
from engine.rejects import InvariantViolation, RejectReason
from engine.rulebook import CURRENT_EDITION, FIRST_EDITION
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce, TradingStatus
from tests.engine.pair import COIN

ANN = AccountId(1)


def listed() -> Exchange:
    """An exchange after three commands: COIN is listed, Ann has funds."""
    exchange = Exchange(CURRENT_EDITION)
    exchange.apply(ListInstrument(COIN), 1, 1)
    exchange.apply(Deposit(ANN, COIN.base, "1"), 2, 1)
    exchange.apply(Deposit(ANN, COIN.quote, "1"), 3, 1)
    return exchange


def bid(price: int, quantity: int = 1, name: str | None = None) -> EnterOrder:
    return EnterOrder(ANN, COIN.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(quantity), Ticks(price), name)


@pytest.mark.parametrize(("seq", "ts_ns"), [(3, 5), (5, 5), (4, 0)])
def test_a_command_out_of_order_or_back_in_time_stops_the_exchange(seq, ts_ns):
    exchange = listed()
    before = state_digest(exchange)
    with pytest.raises(InvariantViolation):
        exchange.apply(bid(10), seq, ts_ns)
    assert state_digest(exchange) == before


def test_commands_of_one_batch_may_share_their_time():
    exchange = listed()
    exchange.apply(bid(10), 4, 7)
    assert isinstance(exchange.apply(bid(10), 5, 7)[0], Accepted)


def test_a_done_order_is_remembered_for_the_window_and_no_longer(monkeypatch):
    monkeypatch.setattr(recent, "REMEMBERED_MAX", 2)
    exchange = listed()
    first = bid(10, name="first")
    exchange.apply(first, 4, 4)
    exchange.apply(CancelOrder(ANN, 4), 5, 5)
    seq = 6
    for _ in range(2):
        assert exchange.apply(CancelOrder(ANN, 4), seq, seq)[0].reason is RejectReason.TOO_LATE
        assert isinstance(exchange.apply(first, seq + 1, seq)[0], DuplicateRequest)
        exchange.apply(bid(10), seq + 2, seq)
        exchange.apply(CancelOrder(ANN, seq + 2), seq + 3, seq)
        seq += 4
    assert exchange.apply(CancelOrder(ANN, 4), seq, seq)[0].reason is RejectReason.UNKNOWN_ORDER
    assert isinstance(exchange.apply(first, seq + 1, seq)[0], Accepted)


def test_an_open_order_keeps_its_client_order_id_however_many_come_after(monkeypatch):
    monkeypatch.setattr(recent, "REMEMBERED_MAX", 2)
    exchange = listed()
    exchange.apply(bid(10, name="old"), 4, 4)
    for seq in range(5, 25, 2):
        exchange.apply(bid(10, name=f"n{seq}"), seq, seq)
        exchange.apply(CancelOrder(ANN, None, f"n{seq}"), seq + 1, seq)
    assert isinstance(exchange.apply(bid(10, name="old"), 25, 25)[0], DuplicateRequest)
    (ended,) = exchange.apply(CancelOrder(ANN, None, "old"), 26, 26)
    assert isinstance(ended, Cancelled)
    assert ended.order_id == 4


@pytest.mark.parametrize(
    "command",
    [
        bid(9),
        bid(10, 2),
        EnterOrder(AccountId(2), COIN.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(10)),
        bid(10, name="named"),
        AmendOrder(ANN, 4, Ticks(11)),
        CancelOrder(ANN, 4),
        SetStatus(COIN.symbol, TradingStatus.HALTED),
        Deposit(ANN, COIN.base, "0.0001"),
        Deposit(ANN, COIN.quote, "0.00000001"),
        Deposit(AccountId(2), COIN.quote, "0.00000001"),
        Withdraw(ANN, COIN.base, "1"),
        ConfigureAccount(ANN, "special"),
        ConfigureAccount(ANN, "standard", max_orders_per_second=9),
        StopAccount(ANN, True),
        StopAccount(AccountId(2), True),
    ],
)
def test_the_digest_tells_apart_what_differs_in_one_command(command):
    one, other = listed(), listed()
    for exchange in (one, other):
        exchange.apply(bid(10), 4, 4)
    one.apply(bid(10), 5, 5)
    other.apply(command, 5, 5)
    assert state_digest(one) != state_digest(other)


def at_once(price: int, account: AccountId = ANN, name: str | None = None) -> EnterOrder:
    return EnterOrder(
        account, COIN.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.IOC, Lots(1), Ticks(price), name, None, None
    )


@pytest.mark.parametrize(
    ("one_order", "other_order"),
    [
        (at_once(10), at_once(10, AccountId(2))),  # too_late for one account, unknown_order for the other
        (at_once(10, name="a"), at_once(11, name="a")),  # one is repeated, the other a duplicate
        (at_once(10, name="a"), at_once(10, name="b")),
    ],
)
def test_the_digest_tells_done_orders_apart_that_left_nothing_but_their_memory(one_order, other_order):
    one, other = listed(), listed()
    for exchange, order in ((one, one_order), (other, other_order)):
        exchange.apply(Deposit(AccountId(2), COIN.quote, "1"), 4, 4)
        assert isinstance(exchange.apply(order, 5, 5)[0], Accepted)
    assert state_digest(one) != state_digest(other)


def test_the_digest_tells_how_many_orders_of_this_second_were_counted():
    one, other = listed(), listed()
    for exchange in (one, other):
        exchange.apply(ConfigureAccount(ANN, "limited", max_orders_per_second=1), 4, 4)
        if exchange is one:
            exchange.apply(bid(0), 5, 5)  # refused, but counted
        else:
            exchange.apply(CancelOrder(ANN, 99), 5, 5)
    assert state_digest(one) != state_digest(other)


def test_a_refused_command_changes_the_state_by_its_number_alone():
    one, other = listed(), listed()
    (first,) = one.apply(bid(0), 4, 4)
    (second,) = other.apply(CancelOrder(ANN, 99), 4, 4)
    assert isinstance(first, Rejected)
    assert isinstance(second, Rejected)
    assert state_digest(one) == state_digest(other)


def break_level_quantity(exchange: Exchange) -> None:
    exchange.books[COIN.symbol].bids.best.quantity += 1


def break_conservation(exchange: Exchange) -> None:
    order = exchange.orders[4]
    order.leaves = Lots(order.leaves + 1)
    order.level.quantity += 1


def break_index(exchange: Exchange) -> None:
    del exchange.books[COIN.symbol].orders[4]


def break_queue(exchange: Exchange) -> None:
    exchange.orders[5].ahead = None


def break_tail(exchange: Exchange) -> None:
    level = exchange.orders[5].level
    level.tail = level.head


def break_venue_index(exchange: Exchange) -> None:
    del exchange.orders[4]


def break_account(exchange: Exchange) -> None:
    exchange.accounts[ANN].open_orders.popitem()


def break_count(exchange: Exchange) -> None:
    exchange.accounts[ANN].open_count[COIN.symbol] += 1


def break_best(exchange: Exchange) -> None:
    exchange.books[COIN.symbol].bids.best = None


def break_side(exchange: Exchange) -> None:
    exchange.orders[4].side = Side.SELL


def break_crossing(exchange: Exchange) -> None:
    book = exchange.books[COIN.symbol]
    book.bids, book.asks = book.asks, book.bids
    for order in exchange.orders.values():
        order.side = Side.SELL if order.side is Side.BUY else Side.BUY
    book.bids.side, book.asks.side = Side.BUY, Side.SELL


def break_money(exchange: Exchange) -> None:
    exchange.ledger.accounts[ANN][COIN.base].available += 1


def break_hold(exchange: Exchange) -> None:
    quote = exchange.ledger.accounts[ANN][COIN.quote]
    quote.held, quote.available = quote.held - 1, quote.available + 1


def break_hold_per_lot(exchange: Exchange) -> None:
    exchange.orders[4].hold_per_lot += 1
    quote = exchange.ledger.accounts[ANN][COIN.quote]
    quote.held, quote.available = quote.held + 1, quote.available - 1


def break_sign(exchange: Exchange) -> None:
    base = exchange.ledger.accounts[ANN][COIN.base]
    exchange.ledger.issued[COIN.base] -= base.available + 1
    base.available = -1


def break_payer(exchange: Exchange) -> None:
    exchange.orders[4].pays = Balance()


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
        break_money,
        break_hold,
        break_hold_per_lot,
        break_sign,
        break_payer,
    ],
    ids=lambda damage: damage.__name__,
)
def test_check_invariants_sees(damage):
    exchange = listed()
    exchange.apply(bid(10), 4, 4)
    exchange.apply(bid(10), 5, 5)
    sell = EnterOrder(ANN, COIN.symbol, Side.SELL, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(12))
    exchange.apply(sell, 6, 6)
    exchange.check_invariants()
    damage(exchange)
    with pytest.raises(InvariantViolation):
        exchange.check_invariants()


def test_an_exchange_begins_with_the_first_edition_of_the_rules_and_never_goes_back():
    exchange = Exchange()
    assert exchange.rulebook == FIRST_EDITION
    first = state_digest(exchange)
    for seq, edition in enumerate([FIRST_EDITION, CURRENT_EDITION, FIRST_EDITION], 1):
        assert exchange.apply(AdoptRulebook(edition), seq, 0) == []
    assert exchange.rulebook == CURRENT_EDITION
    assert state_digest(exchange) != first


def test_another_writer_changes_nothing_but_seq_and_time():
    one, other = Exchange(), Exchange()
    assert one.apply(WriterChanged("node-2", 7), 1, 5) == other.apply(AdvanceTime(), 1, 5) == []
    assert state_digest(one) == state_digest(other)


def test_an_edition_of_the_rules_that_this_engine_does_not_have_stops_it():
    exchange = Exchange()
    with pytest.raises(InvariantViolation, match="start the newer Openbell"):
        exchange.apply(AdoptRulebook(CURRENT_EDITION + 1), 1, 0)
