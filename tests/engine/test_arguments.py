"""What the library is given wrongly: it is converted or raises in a sentence, and nothing of it gets into a book."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from engine.commands import ListInstrument
from engine.digest import state_digest
from engine.instrument import Instrument
from openbell.matching import (
    Accepted,
    AmendOrder,
    CancelOrder,
    ConfigureAccount,
    EnterOrder,
    MatchingEngine,
    OrderOptions,
    OrderType,
    PostOnly,
    RejectReason,
    SelfTradePrevention,
    SetStatus,
    Side,
    TimeInForce,
    TradingStatus,
)
from tests.tidy.sources import ROOT

X = "X"
Call = Callable[[MatchingEngine], object]


def options(**fields: object) -> Call:
    """The entry of a limit order with such options."""
    return lambda e: e.enter(X, "buy", 5, 100, options=OrderOptions(**fields))


REFUSED: list[tuple[str, Call, type[Exception], str]] = [
    # words
    ("status", lambda e: e.set_status(X, "banana"), ValueError, "no status: .* pre_open, auction, trading, halted"),
    ("side", lambda e: e.enter(X, "banana", 5, 100), ValueError, "no side: it should be one of buy, sell"),
    ("side, no text", lambda e: e.enter(X, 1, 5, 100), ValueError, "no side"),
    ("time in force", lambda e: e.enter(X, "buy", 5, 100, "banana"), ValueError, "gtc, ioc, fok, day, gtd"),
    ("time in force of a side", lambda e: e.enter(X, "buy", 5, 100, Side.BUY), ValueError, "no time_in_force"),
    ("order type", lambda e: e.enter(X, "buy", 5, 100, order_type="banana"), ValueError, "market, limit, stop"),
    (
        "self-trade prevention",
        lambda e: e.enter(X, "buy", 5, 100, self_trade_prevention="banana"),
        ValueError,
        "none, cancel_newest, cancel_oldest, cancel_both, decrement",
    ),
    ("post-only", options(post_only="banana"), ValueError, "reject, slide"),
    ("a command's word", lambda e: e.apply(SetStatus(X, "banana")), ValueError, "Invalid enum value 'banana'"),
    # numbers
    ("quantity, float", lambda e: e.enter(X, "buy", 1.5, 100), TypeError, r"quantity should be an int .* 1\.5 \(float"),
    ("quantity, bool", lambda e: e.enter(X, "buy", True, 100), TypeError, r"quantity .* True \(bool\)"),
    ("quantity, none", lambda e: e.enter(X, "buy", None, 100), TypeError, "quantity"),
    ("price, float", lambda e: e.enter(X, "buy", 5, 30001.0), TypeError, r"price should be an int .* 30001\.0"),
    ("price, Decimal", lambda e: e.enter(X, "buy", 5, Decimal(100)), TypeError, r"price .*Decimal\)"),
    ("price, bool", lambda e: e.enter(X, "buy", 5, False), TypeError, "price"),
    ("price, word", lambda e: e.enter(X, "buy", 5, "abc"), ValueError, "price should be a decimal.*'abc'"),
    ("price below zero", lambda e: e.enter(X, "buy", 5, "-1"), ValueError, "price should be a decimal"),
    ("price, no number", lambda e: e.enter(X, "buy", 5, "NaN"), ValueError, "price should be a decimal"),
    ("quantity, power", lambda e: e.enter(X, "buy", "1e3", 5), ValueError, "quantity should be a decimal"),
    ("of no symbol", lambda e: e.enter("Y", "buy", 5, "abc"), ValueError, "price should be a decimal"),
    ("modified price", lambda e: e.modify(1, price=1.001), TypeError, r"price .*1\.001"),
    ("modified quantity", lambda e: e.modify(1, quantity=True), TypeError, "quantity"),
    ("modified stop price", lambda e: e.modify(1, stop_price="x"), ValueError, "stop_price should be a decimal"),
    ("modified, of no order", lambda e: e.modify(9, price=1.5), TypeError, "price"),
    ("account", lambda e: e.enter(X, "buy", 5, 100, account="me"), TypeError, "account should be an int"),
    ("account that cancels", lambda e: e.cancel(client_order_id="b", account=1.0), TypeError, "account"),
    ("account that cancels all", lambda e: e.cancel_all("me"), TypeError, "account"),
    ("price in words", lambda e: e.price_text(X, 1.5), TypeError, "price"),
    ("quantity in words", lambda e: e.quantity_text(X, 1.5), TypeError, "quantity"),
    ("levels", lambda e: e.depth(X, -1), ValueError, "levels should be at least 0"),
    ("levels, float", lambda e: e.depth(X, 1.5), TypeError, "levels"),
    ("a command's price", lambda e: e.apply(AmendOrder(1, 1, 1.5)), ValueError, "got `float`"),
    # options
    ("stop price", options(stop_price=1.5), TypeError, "stop_price"),
    ("display quantity", options(display_quantity="abc"), ValueError, "display_quantity should be a decimal"),
    ("trail", options(trail_percent=0.5), TypeError, "trail_percent"),
    ("expiry", options(expire_ns="tomorrow"), TypeError, "expire_ns should be an int"),
    ("options, dict", lambda e: e.enter(X, "buy", 5, 100, options={}), TypeError, "options should be OrderOptions"),
    # ids and names
    ("order id", lambda e: e.enter(X, "buy", 5, 100, order_id="7"), TypeError, "order_id should be an int, not '7'"),
    ("order id, float", lambda e: e.enter(X, "buy", 5, 100, order_id=7.0), TypeError, "order_id"),
    ("id to cancel", lambda e: e.cancel("1"), TypeError, "order_id should be an int, not '1'"),
    ("id to cancel, float", lambda e: e.cancel(1.0), TypeError, "order_id"),
    ("id to cancel, bool", lambda e: e.cancel(True), TypeError, "order_id"),
    ("id to modify", lambda e: e.modify("1", price=5), TypeError, "order_id"),
    ("id to read", lambda e: e.order("1"), TypeError, "order_id"),
    ("nothing to cancel", lambda e: e.cancel(), ValueError, "give order_id or client_order_id"),
    ("two to cancel", lambda e: e.cancel(1, client_order_id="b"), ValueError, "not both"),
    ("client id, number", lambda e: e.enter(X, "buy", 5, 100, client_order_id=7), ValueError, "client_order_id .* 7"),
    ("client id, empty", lambda e: e.enter(X, "buy", 5, 100, client_order_id=""), ValueError, "1 to 64 characters"),
    ("client id, long", lambda e: e.enter(X, "buy", 5, 100, client_order_id="x" * 65), ValueError, "1 to 64"),
    ("client id to cancel", lambda e: e.cancel(client_order_id=7), ValueError, "client_order_id"),
    ("symbol, empty", lambda e: e.list_symbol(""), ValueError, "symbol should be a text of 1 to 32 characters"),
    ("symbol, none", lambda e: e.list_symbol(None), ValueError, "symbol .* None"),
    ("symbol, long", lambda e: e.list_symbol("x" * 33), ValueError, "1 to 32"),
    ("depth of no symbol", lambda e: e.depth("Y"), KeyError, "'Y' is not listed"),
    ("best of no symbol", lambda e: e.bbo("Y"), KeyError, "'Y' is not listed"),
    ("price of no symbol", lambda e: e.price_text("Y", 1), KeyError, "'Y' is not listed"),
    ("quantity of no symbol", lambda e: e.quantity_text("Y", 1), KeyError, "'Y' is not listed"),
    ("all of no symbol", lambda e: e.cancel_all(symbol="Y"), KeyError, "'Y' is not listed"),
    # listing
    ("tick, float", lambda e: e.list_symbol("Y", tick_size=0.05), TypeError, r"0\.05 is no step"),
    ("lot, bool", lambda e: e.list_symbol("Y", lot_size=True), TypeError, "is no step"),
    ("least, float", lambda e: e.list_symbol("Y", min_quantity=0.5), TypeError, "min_quantity"),
    ("least, zero", lambda e: e.list_symbol("Y", min_quantity=0), ValueError, "min_quantity should be at least 1"),
    ("most below least", lambda e: e.list_symbol("Y", min_quantity=5, max_quantity=4), ValueError, "max_quantity"),
    ("reference off the grid", lambda e: e.list_symbol("Y", reference_price="1.5"), ValueError, "a multiple of 1"),
    ("collar", lambda e: e.list_symbol("Y", collar=-1), ValueError, "collar"),
    ("fee", lambda e: e.list_symbol("Y", taker_fee=0.1), TypeError, "taker_fee"),
    # the clock
    ("clock, back", lambda e: e.advance(4), ValueError, "ts_ns should be at least 5, not 4"),
    ("clock, float", lambda e: e.advance(6.0), TypeError, "ts_ns"),
    ("a command's clock", lambda e: e.apply(CancelOrder(1, 1), 4), ValueError, "ts_ns should be at least 5"),
]


@pytest.fixture
def engine() -> MatchingEngine:
    """Two open orders of a symbol that counts in ones: 1, and 2 that is "b"; the clock at 5."""
    made = MatchingEngine()
    made.list_symbol(X)
    made.advance(5)
    made.enter(X, "buy", 5, 90, order_id=1)
    made.enter(X, "buy", 5, 80, order_id=2, client_order_id="b")
    return made


@pytest.mark.parametrize(("call", "error", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_can_never_be_right_raises_in_a_sentence_and_changes_nothing(
    engine: MatchingEngine, call: Call, error: type[Exception], words: str
) -> None:
    before, seq = state_digest(engine.exchange), engine.exchange.seq
    with pytest.raises(error, match=words):
        call(engine)
    assert (state_digest(engine.exchange), engine.exchange.seq) == (before, seq)
    assert engine.enter(X, "sell", 5, 95, order_id=3).reject_reason is None
    engine.exchange.check_invariants()


@pytest.mark.parametrize("status", [*TradingStatus, *map(str, TradingStatus)])
def test_a_status_is_a_member_or_its_word(engine: MatchingEngine, status: TradingStatus) -> None:
    engine.set_status(X, TradingStatus.HALTED)
    engine.set_status(X, status)
    assert engine.exchange.books[X].status is TradingStatus(status)
    assert (engine.enter(X, "sell", 5, 90, "ioc").reject_reason is None) is (status == "trading")


def test_words_of_orders_come_to_the_members() -> None:
    digests = []
    for side, order_type, time_in_force, prevention in (
        (Side.SELL, OrderType.LIMIT, TimeInForce.DAY, SelfTradePrevention.CANCEL_BOTH),
        ("sell", "limit", "day", "cancel_both"),
    ):
        engine = MatchingEngine()
        engine.list_symbol(X)
        engine.enter(X, side, 5, 100, time_in_force, order_type=order_type, account=2, self_trade_prevention=prevention)
        order = engine.order(2)
        assert (order.side, order.order_type, order.time_in_force, order.prevention) == (
            Side.SELL, OrderType.LIMIT, TimeInForce.DAY, SelfTradePrevention.CANCEL_BOTH,
        )  # fmt: skip
        assert order.prevention is SelfTradePrevention.CANCEL_BOTH
        digests.append(state_digest(engine.exchange))
    assert digests[0] == digests[1]


def test_without_prevention_orders_of_an_account_trade_where_it_may_do_without(engine: MatchingEngine) -> None:
    refused = engine.enter(X, "sell", 5, 100, account=2, self_trade_prevention="none")
    assert refused.reject_reason is RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED
    engine.apply(ConfigureAccount(2, "", self_trade_prevention="none"))
    engine.enter(X, "sell", 5, 100, account=2, self_trade_prevention="none")
    assert len(engine.enter(X, "buy", 5, 100, account=2, self_trade_prevention="none").fills) == 1


def test_texts_of_options_are_decimals() -> None:
    engine = MatchingEngine()
    engine.list_symbol(X, tick_size="0.05", lot_size="0.001", reference_price="10.00", min_quantity="0.002")
    asked = OrderOptions(display_quantity="0.050")
    engine.enter(X, "sell", "0.500", "10.00", order_id=1, options=asked)
    assert engine.depth(X)[1] == [(200, 50, 1)]
    asked = OrderOptions(stop_price="9.00")
    engine.enter(X, "sell", "0.500", "8.95", "gtc", order_id=2, order_type="stop_limit", options=asked)
    assert engine.order(2).terms.stop_price == 180
    asked = OrderOptions(trail_percent="1.5")
    engine.enter(X, "sell", "0.500", None, "gtc", order_id=3, order_type="trailing_stop", options=asked)
    assert engine.order(3).terms.trail_percent == 15_000
    off = OrderOptions(stop_price="9.01")
    result = engine.enter(X, "sell", "0.500", "8.95", "gtc", order_type="stop_limit", options=off)
    assert result.reject_reason is RejectReason.BAD_TICK
    assert engine.enter(X, "sell", 1, 200).reject_reason is RejectReason.QUANTITY_TOO_SMALL


@pytest.mark.parametrize(
    ("post_only", "rests"),
    [(True, None), ("reject", None), (PostOnly.REJECT, None), ("slide", 99), (PostOnly.SLIDE, 99), (False, 100)],
)
def test_post_only_is_as_in_the_rest_api(engine: MatchingEngine, post_only: PostOnly, rests: int | None) -> None:
    engine.enter(X, "sell", 5, 100, order_id=3)
    result = engine.enter(X, "buy", 6, 100, order_id=4, options=OrderOptions(post_only=post_only))
    order = engine.order(4)
    assert (None if order is None else order.price) == rests
    assert (result.reject_reason is RejectReason.POST_ONLY_WOULD_TAKE) is (rests is None)


def test_without_an_id_an_order_gets_the_next_number_that_is_free() -> None:
    engine = MatchingEngine()
    engine.list_symbol(X)
    for given in (4, 5, 6, 8):
        engine.enter(X, "buy", 5, 100, order_id=given)
    found = [engine.enter(X, "buy", 5, 100) for _ in range(3)]
    by_command = engine.apply(EnterOrder(1, X, "buy", "limit", "gtc", 5, 100))
    assert [e.order_id for result in [*found, by_command] for e in result if isinstance(e, Accepted)] == [7, 9, 10, 11]
    again = [engine.enter(X, "buy", 5, 100) for _ in range(2)]
    assert [e.order_id for result in again for e in result if isinstance(e, Accepted)] == [12, 13]
    engine.exchange.check_invariants()


def test_a_symbol_that_a_command_listed_has_texts_as_well(engine: MatchingEngine) -> None:
    listed = Instrument(
        symbol="Y", base="Y", quote="Z", tick_size="0.5", lot_size="1", quote_scale=1, lot_tick_amount=5,
        max_quantity=10**6, max_notional=10**12, max_open_orders=10**6,
    )  # fmt: skip
    engine.apply(ListInstrument(listed))
    engine.enter("Y", "buy", "5", "2.5", order_id=3)
    assert (engine.bbo("Y").bid, engine.price_text("Y", 5)) == (5, "2.5")


@pytest.mark.parametrize("first", ["", "import engine; "])
@pytest.mark.parametrize("place", ["engine.py", "engine/__init__.py", "engine/rooms.py"])
def test_another_package_named_engine_is_an_error_in_a_sentence(tmp_path: Path, place: str, first: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    (tmp_path / "openbell").symlink_to(ROOT / "openbell")  # alone, without the rooms beside it
    command = [sys.executable, "-c", f"{first}import openbell.matching"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "ImportError: another package is named engine (" in ended.stderr
    assert str(tmp_path) in ended.stderr


def test_a_folder_named_engine_without_python_is_no_other_package(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "openbell").symlink_to(ROOT / "openbell")
    command = [sys.executable, "-c", "import openbell.matching, engine; print(engine.__file__)"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    assert printed == f"{ROOT / 'engine' / '__init__.py'}\n"
