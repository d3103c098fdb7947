"""The engine as a library: the exchange's rules without accounts, under ids of the caller's own."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from audit.mix import Mix
from audit.naive_exchange import NaiveExchange
from engine.commands import Deposit, EnterOrder, Withdraw
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from engine.types import SANDBOX_ACCOUNT, Lots, Seq, Ticks
from openbell.matching import (
    Accepted,
    Cancelled,
    Completed,
    Event,
    Filled,
    MatchingEngine,
    OrderOptions,
    OrderType,
    PostOnly,
    Rejected,
    RejectReason,
    Side,
    TimeInForce,
    TradingStatus,
    Triggered,
)
from tests.tidy.sources import ROOT

X = "X"
PRINTED = """\
103 bought 0.500 of 101 at 30000.00
103 bought 0.250 of 102 at 30000.50
[('29999.99', '0.250')]
done: [101, 103] [102]
refused: unknown_order bad_lot
"""
PRINTED_OF_OPTIONS = """\
the auction traded 0.200 at 30010.00
the auction traded 0.200 at 30010.00
the auction traded 0.100 at 30010.00
best bid: 29999.99
open: [1, 3, 4, 1000000000000005, 2000000000000005]
quantity should be an int or the text of a decimal, such as "5.00", not 1.5 (float)
"""


@pytest.fixture
def engine() -> MatchingEngine:
    """One symbol that counts in ones."""
    made = MatchingEngine()
    made.list_symbol(X)
    return made


@pytest.mark.parametrize(("example", "prints"), [("matching", PRINTED), ("matching_options", PRINTED_OF_OPTIONS)])
def test_the_examples_print_what_the_documentation_shows(example: str, prints: str) -> None:
    command = [sys.executable, "-m", f"examples.{example}"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert printed == prints
    page = (ROOT / "Documentation" / "library.md").read_text(encoding="utf-8")
    assert f"```text\n{prints}```\n" in page
    source = (ROOT / "examples" / f"{example}.py").read_text(encoding="utf-8")
    assert f"```python\n{source}```\n" in page


def test_the_library_brings_nothing_of_the_server_along() -> None:
    code = (
        "import sys, openbell.matching; print(*(set(sys.modules) & {'flask', 'eventlet', 'sqlite3', 'api', 'tools'}))"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert printed == "\n"


def test_an_order_is_known_by_the_id_that_its_caller_gave_it(engine: MatchingEngine) -> None:
    engine.enter(X, "sell", 5, 100, order_id=814347)
    (fill,) = engine.enter(X, "buy", 2, 100, order_id=7).fills
    assert (fill.maker_order_id, fill.taker_order_id, fill.price, fill.quantity) == (814347, 7, 100, 2)
    order = engine.order(814347)
    assert order is not None
    assert order.leaves == 3


def test_without_an_id_orders_count_the_calls(engine: MatchingEngine) -> None:
    first, second = engine.enter(X, "sell", 5, 100), engine.enter(X, "sell", 5, 100)
    assert [event.order_id for event in [*first, *second] if isinstance(event, Accepted)] == [2, 3]


def test_an_id_is_refused_while_its_order_is_open_and_free_once_it_is_done(engine: MatchingEngine) -> None:
    engine.enter(X, "sell", 5, 100, order_id=1000)
    again = engine.enter(X, "buy", 5, 90, order_id=1000)
    assert again.reject_reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID
    assert engine.depth(X) == ([], [(100, 5, 1)])
    assert engine.cancel(1000).done == [1000]
    assert engine.enter(X, "buy", 5, 90, order_id=1000).reject_reason is None


def test_an_id_is_refused_while_a_leg_of_its_last_order_is_open(engine: MatchingEngine) -> None:
    bracket = OrderOptions(take_profit=120)
    engine.enter(X, "sell", 5, 100, order_id=1)
    engine.enter(X, "buy", 5, 100, order_id=2, options=bracket)
    assert engine.order(2) is None
    assert engine.depth(X)[1] == [(120, 5, 1)]
    assert engine.enter(X, "buy", 5, 90, order_id=2, options=bracket).reject_reason is not None
    assert engine.enter(X, "buy", 5, 90, order_id=2).reject_reason is None


def test_an_order_that_is_entered_by_a_command_takes_no_id_from_an_open_one(engine: MatchingEngine) -> None:
    engine.enter(X, "sell", 5, 100, order_id=3)
    command = EnterOrder(SANDBOX_ACCOUNT, X, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(5), Ticks(90), None)
    assert engine.apply(command).reject_reason is None
    assert engine.depth(X) == ([(90, 5, 1)], [(100, 5, 1)])
    assert engine.order(3) is not None
    engine.exchange.check_invariants()


@pytest.mark.parametrize("order_id", [0, -1, 10**15])
def test_an_id_that_can_never_be_right_raises(engine: MatchingEngine, order_id: int) -> None:
    with pytest.raises(ValueError, match="is no order id"):
        engine.enter(X, "buy", 1, 1, order_id=order_id)


def test_client_order_ids_name_open_orders(engine: MatchingEngine) -> None:
    engine.enter(X, "buy", 5, 100, client_order_id="a")
    assert engine.enter(X, "buy", 6, 100, client_order_id="a").reject_reason is not None
    assert len(engine.cancel(client_order_id="a").done) == 1
    assert engine.cancel(client_order_id="a").reject_reason is RejectReason.UNKNOWN_ORDER
    engine.enter(X, "sell", 5, 100, client_order_id="a")
    assert len(engine.enter(X, "buy", 5, 100, client_order_id="b").done) == 2
    assert engine.enter(X, "buy", 5, 100, client_order_id="a").reject_reason is None


def test_texts_are_decimals_counted_in_ticks_and_lots() -> None:
    engine = MatchingEngine()
    engine.list_symbol(X, tick_size="0.05", lot_size="0.001")
    engine.enter(X, "buy", "0.250", "10.15", order_id=1)
    assert engine.depth(X)[0] == [(203, 250, 1)]
    assert (engine.price_text(X, 203), engine.quantity_text(X, 250)) == ("10.15", "0.250")
    assert engine.enter(X, "buy", "0.250", "10.16").reject_reason is RejectReason.BAD_TICK
    assert engine.enter(X, "buy", "0.2501", "10.15").reject_reason is RejectReason.BAD_LOT
    assert engine.modify(1, price="10.20").reject_reason is None
    assert engine.bbo(X).bid == 204


@pytest.mark.parametrize("size", ["", "0", "0.00", "-1", "1e-2", "a"])
def test_a_step_that_is_no_decimal_above_zero_raises(size: str) -> None:
    with pytest.raises(ValueError, match="is no step"):
        MatchingEngine().list_symbol(X, tick_size=size)


def test_a_smaller_order_keeps_its_place_and_another_price_loses_it(engine: MatchingEngine) -> None:
    for number in (1, 2):
        engine.enter(X, "sell", 5, 100, order_id=number)
    engine.modify(1, quantity=3)
    assert [fill.maker_order_id for fill in engine.enter(X, "buy", 4, 100).fills] == [1, 2]
    engine.modify(2, price=101)
    engine.enter(X, "sell", 5, 101, order_id=3)
    engine.modify(2, quantity=9)
    assert [fill.maker_order_id for fill in engine.enter(X, "buy", 6, 101).fills] == [3, 2]
    assert engine.modify(77, quantity=1).reject_reason is RejectReason.UNKNOWN_ORDER


def test_a_market_order_needs_no_price_and_is_cancelled_where_nobody_is_left(engine: MatchingEngine) -> None:
    engine.enter(X, "sell", 5, 100)
    result = engine.enter(X, "buy", 7)
    assert [type(event) for event in result] == [Accepted, Filled, Completed, Cancelled]


def test_orders_wait_for_triggers_slide_and_hide_as_on_the_exchange(engine: MatchingEngine) -> None:
    engine.enter(X, "sell", 100, 100, order_id=1, options=OrderOptions(display_quantity=10))
    assert engine.depth(X)[1] == [(100, 10, 1)]
    engine.enter(X, "buy", 5, 100, order_id=2, options=OrderOptions(post_only=PostOnly.SLIDE))
    assert engine.depth(X)[0] == [(99, 5, 1)]
    engine.enter(X, "sell", 5, order_id=3, order_type=OrderType.STOP, time_in_force="gtc",
                 options=OrderOptions(stop_price=100))  # fmt: skip
    result = engine.enter(X, "buy", 1, order_id=4)
    assert [event.order_id for event in result if isinstance(event, Triggered)] == [3]
    assert engine.order(3) is None
    engine.exchange.check_invariants()


def test_orders_gather_for_an_auction_and_the_older_is_the_maker_whatever_its_id(engine: MatchingEngine) -> None:
    engine.set_status(X, TradingStatus.AUCTION)
    engine.enter(X, "sell", 5, 90, order_id=900)
    engine.enter(X, "buy", 5, 110, order_id=100)
    (fill,) = engine.set_status(X, TradingStatus.TRADING).fills
    assert (fill.maker_order_id, fill.taker_order_id, fill.price) == (900, 100, 110)


def test_day_orders_expire_by_the_clock_that_the_caller_sets(engine: MatchingEngine) -> None:
    engine.enter(X, "buy", 5, 100, "day", order_id=9)
    engine.enter(X, "buy", 5, 100, TimeInForce.DAY, order_id=3)
    assert engine.advance(24 * 3600 * 10**9 - 1).done == []
    assert engine.advance(24 * 3600 * 10**9).done == [9, 3]
    with pytest.raises(ValueError, match="ts_ns should be at least 86400000000000, not 0"):
        engine.advance(0)


def test_orders_of_one_account_do_not_trade_with_each_other(engine: MatchingEngine) -> None:
    engine.enter(X, "sell", 5, 100, account=2)
    assert engine.enter(X, "buy", 5, 100, account=2).reject_reason is RejectReason.SELF_TRADE
    assert len(engine.cancel_all(2).done) == 1


def test_nobody_has_money_there(engine: MatchingEngine) -> None:
    assert isinstance(engine.apply(Deposit(1, X, "1"))[0], Rejected)
    engine.enter(X, "sell", 10**17, 10**17)
    engine.enter(X, "buy", 10**17, 10**17)
    assert engine.exchange.ledger.accounts == {}
    engine.exchange.check_invariants()


def test_the_same_calls_come_to_the_same_state() -> None:
    digests = []
    for _ in range(2):
        engine = MatchingEngine()
        engine.list_symbol(X)
        for number in range(1, 200):
            engine.enter(X, "sell" if number % 3 else "buy", number % 7 + 1, 100 + number % 5, order_id=1000 - number)
            engine.cancel(1000 - number // 2)
        digests.append(state_digest(engine.exchange))
    assert digests[0] == digests[1]


def comparable(events: list[Event]) -> list[Event]:
    """Events but for what memory and ledger decide: `too_late` is `unknown_order` where nothing done is remembered."""
    return [
        msgspec.structs.replace(event, reason=RejectReason.UNKNOWN_ORDER, order_id=None)
        if isinstance(event, Rejected) and event.reason is RejectReason.TOO_LATE
        else event
        for event in events
    ]


@pytest.mark.parametrize("seed", range(1, 5))
def test_without_accounts_the_rules_are_the_same(seed: int) -> None:
    """Every kind of command, by an exchange with a ledger where everybody is rich and by one without accounts."""
    naive = NaiveExchange()
    mix = Mix(seed, naive)
    rich, alone = Exchange(CURRENT_EDITION), Exchange(CURRENT_EDITION, accounts=False)
    trades = 0
    for _ in range(2_000):
        _, ts_ns, command = mix.next()
        naive.apply(command, mix.seq, ts_ns)  # the mix goes by what is open there
        if isinstance(command, Withdraw):
            continue
        seq = Seq(rich.seq + 1)
        if isinstance(command, EnterOrder):
            command = msgspec.structs.replace(command, client_order_id=None)
        if isinstance(command, Deposit):
            command = msgspec.structs.replace(command, amount="9" * 30)
        events = rich.apply(command, seq, ts_ns)
        found = alone.apply(command, seq, ts_ns)
        if not isinstance(command, Deposit):
            assert comparable(found) == comparable(events), command
        trades += sum(isinstance(event, Filled) for event in found)
    assert trades > 100
    alone.check_invariants()
