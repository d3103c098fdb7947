"""Both clients against a real server that asks for credentials: what a trader does, what an operator does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from openbell_client import (
    ApiKey,
    AsyncClient,
    BatchAmend,
    BatchCancel,
    BatchCancelAll,
    Client,
    ConfigureRequest,
    Conflict,
    FeedError,
    Forbidden,
    Gap,
    ListingRequest,
    Malformed,
    NoConnection,
    NotFound,
    OrderRequest,
    Rejected,
    Session,
    Unauthenticated,
)
from openbell_client.answers import CancelAllAnswer, CancelAnswer, OrderAnswer
from tests.access.cast import OPERATOR, expired
from tests.api.clients import PASSWORD
from tests.client.relay import Relay
from tests.ports import free_port
from tests.server import RunningServer

SYMBOL = "ETH-USDT"


@pytest.fixture
def trader(server: RunningServer) -> Iterator[Client]:
    """Somebody new, with paper money."""
    with Client(server.url) as client:
        client.guest()
        yield client
        client.cancel_all()


@pytest.fixture
def other(server: RunningServer) -> Iterator[Client]:
    """Somebody else."""
    with Client(server.url) as client:
        client.guest()
        yield client
        client.cancel_all()


@asynccontextmanager
async def newcomer(url: str) -> AsyncIterator[AsyncClient]:
    """Somebody new, in an event loop."""
    async with AsyncClient(url) as client:
        await client.guest()
        yield client


# -- orders


def test_an_order_is_entered_amended_looked_up_listed_and_cancelled(trader: Client) -> None:
    entered = trader.enter_order(SYMBOL, "buy", "limit", "0.50", Decimal("1500.00"), client_order_id="mine-1")
    assert (entered.status, entered.price, entered.client_order_id) == ("resting", Decimal(1500), "mine-1")
    assert trader.enter_order(SYMBOL, "buy", "limit", "0.50", "1500.00", client_order_id="mine-1").repeated
    assert trader.amend_order(entered.order_id, quantity="0.25").priority == "kept"
    found = trader.get_order(entered.order_id, symbol=SYMBOL)
    assert (found.quantity, found.status, found.fills) == (Decimal("0.25"), "resting", [])
    second = trader.enter_order(SYMBOL, "sell", "limit", 1, 2500, post_only=True)
    assert [order.order_id for order in trader.all_orders(limit=1)] == [second.order_id, entered.order_id]
    assert trader.list_orders(status="open", symbol=SYMBOL, limit=1).next_cursor is not None
    assert trader.cancel_order(client_order_id="mine-1").order_id == entered.order_id
    with pytest.raises(Conflict, match="TOO_LATE"):
        trader.cancel_order(entered.order_id)
    assert trader.cancel_all(SYMBOL, "sell").cancelled == [second.order_id]


def test_a_test_enters_nothing(trader: Client) -> None:
    preview = trader.test_order(OrderRequest(symbol=SYMBOL, side="buy", order_type="limit", quantity=1, price=1500))
    assert (preview.accepted, preview.status, preview.held_asset) == (True, "resting", "USDT")
    assert trader.list_orders().orders == []


def test_a_batch_answers_element_by_element_with_refusals_as_values(trader: Client) -> None:
    order = OrderRequest(symbol=SYMBOL, side="buy", order_type="limit", quantity=1, price="1500.00")
    entered, refused, cancelled, amended, swept = trader.batch(
        [
            order,
            OrderRequest(symbol=SYMBOL, side="buy", order_type="limit", quantity=1, price="1500.001"),
            BatchCancel(order_id="4611686018427387903"),
            BatchAmend(order_id="4611686018427387903", price=1),
            BatchCancelAll(symbol=SYMBOL),
        ]
    )
    assert isinstance(entered, OrderAnswer)
    assert isinstance(refused, Rejected)
    assert refused.error_code == "BAD_TICK"
    assert isinstance(cancelled, NotFound)
    assert isinstance(amended, NotFound)
    assert isinstance(swept, CancelAllAnswer)
    assert swept.cancelled == [entered.order_id]


def test_refusals_are_exceptions_by_kind(trader: Client) -> None:
    with pytest.raises(Rejected) as off_tick:
        trader.enter_order(SYMBOL, "buy", "limit", "1", "1500.001")
    assert (off_tick.value.status, off_tick.value.error_code) == (400, "BAD_TICK")
    assert len(off_tick.value.request_id) == 16
    assert trader.explain_command(off_tick.value.details["seq"]).seq == off_tick.value.details["seq"]
    with pytest.raises(NotFound):
        trader.get_order("4611686018427387903")
    with pytest.raises(Forbidden):
        trader.operator.check()


# -- accounts and market data


def test_what_was_traded_is_in_fills_ledger_profit_and_market_data(trader: Client, other: Client) -> None:
    maker = other.enter_order(SYMBOL, "sell", "limit", "0.2", "2000.00")
    taker = trader.enter_order(SYMBOL, "buy", "ioc", "0.2", "2000.00")
    assert (taker.status, taker.trades[0].maker_order_id) == ("filled", maker.order_id)
    (fill,) = trader.all_fills(symbol=SYMBOL, limit=1)
    assert (fill.order_id, fill.liquidity) == (taker.order_id, "taker")
    assert {posting.kind for posting in trader.all_postings(limit=2)} >= {"trade", "deposit"}
    assert trader.ledger(asset="ETH", limit=1).postings[0].amount == Decimal("0.2")
    assert trader.profit(SYMBOL).positions[0].position == Decimal("0.2")
    before = {balance.asset: balance.total for balance in trader.balances().balances}
    after = {balance.asset: balance.total for balance in trader.withdraw("USDT", 10).balances}
    assert before["USDT"] - after["USDT"] == 10
    assert trader.account().role == "trader"
    assert trader.explain_order(taker.order_id).order_id == taker.order_id
    assert trader.explain_trade(fill.trade_id).trade_id == fill.trade_id
    assert {balance.asset: balance.total for balance in trader.deposit("USDT", "5").balances}["USDT"] == after[
        "USDT"
    ] + 5

    nobody = Client(trader.url)
    assert next(iter(nobody.all_trades(SYMBOL, limit=1))).trade_id == fill.trade_id
    assert nobody.candles(SYMBOL, "1d", limit=1).candles[0][4] == Decimal(2000)
    assert nobody.ticker(SYMBOL).last == Decimal(2000)
    assert SYMBOL in {ticker.symbol for ticker in nobody.tickers().tickers}
    assert nobody.symbol_statistics(SYMBOL).trades_executed == 1 <= nobody.statistics().trades_executed
    assert nobody.symbol_status(SYMBOL).status == nobody.symbols().symbol_info[SYMBOL].status == "trading"
    assert (nobody.live().status, nobody.ready().status, nobody.health().profile) == ("live", "ready", "secured")
    assert nobody.openapi()["openapi"] == "3.1.0"
    with pytest.raises(Unauthenticated):
        nobody.balances()
    nobody.close()


def test_depth_is_read_by_price_and_by_order(trader: Client) -> None:
    entered = trader.enter_order("SOL-USDT", "buy", "limit", "2", "90.00")
    assert trader.book("SOL-USDT", 5).bids == [(Decimal(90), Decimal(2))]
    assert trader.book("SOL-USDT", "all").asks == []
    assert [one.order_id for one in trader.book_orders("SOL-USDT", price="90.00").bids] == [entered.order_id]
    assert trader.bbo("SOL-USDT").best_bid == Decimal(90)
    assert trader.quote("SOL-USDT", "sell", "1").average_price == Decimal(90)


# -- credentials


def test_users_sign_up_sign_in_and_out_and_change_their_password(server: RunningServer) -> None:
    with Client(server.url) as client:
        assert client.sign_up("ann-of-the-client", PASSWORD).name == client.user().name == "ann-of-the-client"
        first = client.log_in("ann-of-the-client", PASSWORD)
        assert len(client.sessions().sessions) == 2
        client.change_password(PASSWORD, PASSWORD + " 2")
        assert [one.session_id for one in client.sessions().sessions] == [first.session_id]
        assert len(client.begin_second_factor(PASSWORD + " 2").secret) == 32
        client.log_out()
        with pytest.raises(Unauthenticated):
            client.user()


def test_a_token_whose_time_is_up_is_renewed_unseen(server: RunningServer) -> None:
    with Client(server.url) as client:
        signed_in = client.guest()
        client.credentials = Session(expired(server, signed_in.token), signed_in.refresh_token)
        assert client.user().name == signed_in.name
        with client.feed() as feed:
            assert feed.connected


def test_a_key_signs_what_it_may_do(trader: Client) -> None:
    made = trader.create_key(["read", "trade"], label="bot")
    assert [key.key_id for key in trader.keys().keys] == [made.key_id]
    with Client(trader.url, ApiKey(made.key_id, made.secret)) as bot:
        assert [bot.account().id for _ in range(20)] == [trader.account().id] * 20
        entered = bot.enter_order(SYMBOL, "buy", "limit", "0.1", "1500.00")
        with bot.feed() as feed:
            assert feed.cancel_order(entered.order_id).success
        with pytest.raises(Forbidden, match="SESSION_NEEDED"):
            bot.keys()
        trader.revoke_key(made.key_id)
        with pytest.raises(Unauthenticated):
            bot.account()


def test_a_key_whose_clock_is_wrong_signs_by_the_venues(trader: Client) -> None:
    made = trader.create_key(["read"])
    key = ApiKey(made.key_id, made.secret)
    key.ahead_ms = -3_600_000
    with Client(trader.url, key) as bot:
        assert bot.account().id == trader.account().id
        assert abs(key.ahead_ms) < 5_000
        key.ahead_ms = 3_600_000
        with bot.feed() as feed:
            assert feed.connected


def test_an_operator_lists_credits_configures_stops_and_audits(server: RunningServer, trader: Client) -> None:
    account = int(trader.account().id)
    with Client(server.url) as boss:
        assert boss.log_in(OPERATOR, PASSWORD).role == "operator"
        operator = boss.operator
        listing = ListingRequest(
            symbol="TIN-USDT", base="TIN", quote="USDT", tick_size="0.01", lot_size="0.1", quote_scale=10,
            max_quantity="1000", max_notional="100000",
        )  # fmt: skip
        assert operator.list_symbol(listing).symbol == "TIN-USDT"
        assert operator.set_status("TIN-USDT", "halt").status == "halted"
        assert operator.set_status("TIN-USDT", "resume").status == "trading"
        assert operator.schedule("TIN-USDT").schedule is None
        operator.credit(account, "TIN", "12.5")
        held = {balance.asset: balance.total for balance in operator.account(account).balances}
        assert held["TIN"] == Decimal("12.5")
        assert operator.configure(account, ConfigureRequest(tier="gold", taker_fee_bps="1")).tier == "gold"
        entered = trader.enter_order("TIN-USDT", "sell", "limit", 1, 5)
        assert operator.cancel_account(account).cancelled == [entered.order_id]
        assert operator.stop_account(account).status == "stopped"
        with pytest.raises(Forbidden, match="ACCOUNT_STOPPED"):
            trader.enter_order("TIN-USDT", "sell", "limit", 1, 5)
        assert operator.start_account(account).status == "active"
        assert operator.check().balanced
        assert operator.accounts(name="boss").accounts[0].name == OPERATOR
        assert operator.user(OPERATOR).user.name == OPERATOR
        assert {entry.action for entry in operator.audit_trail(limit=50).entries} >= {"credit"}
        assert "openbell_" in boss.metrics()


# -- lost answers


@pytest.mark.parametrize("fates", [["before"], ["after"], ["after", "before", "after"]])
def test_an_order_whose_connection_is_cut_trades_once(server: RunningServer, fates: list[Any]) -> None:
    async def trade() -> None:
        relay = Relay(server.url)
        async with relay.running(), newcomer(server.url) as maker, newcomer(server.url) as taker:
            await maker.enter_order("BNB-USDT", "sell", "limit", "3", "300.00")
            relay.fates = list(fates)
            async with AsyncClient(relay.url, taker.credentials) as cut:
                answer = await cut.enter_order("BNB-USDT", "buy", "limit", "1", "300.00")
            assert (answer.status, answer.repeated) == ("filled", "after" in fates)
            assert relay.requests == len(fates) + 1
            assert [fill.quantity async for fill in taker.all_fills()] == [Decimal(1)]
            assert (await maker.get_order((await maker.list_orders()).orders[0].order_id)).filled == 1
            await maker.cancel_all()

    asyncio.run(trade())


def test_a_cancel_whose_connection_is_cut_is_answered_with_what_it_did(server: RunningServer, trader: Client) -> None:
    async def cancel() -> None:
        relay = Relay(server.url)
        relay.line = b"POST /cancel "
        async with relay.running():
            first, second = (trader.enter_order(SYMBOL, "buy", "limit", "0.1", "1500.00").order_id for _ in range(2))
            with Client(relay.url, trader.credentials) as cut:
                relay.fates = ["before"]
                assert (await asyncio.to_thread(cut.cancel_order, first)).repeated is None
                relay.fates = ["after"]
                assert (await asyncio.to_thread(cut.cancel_order, second)).repeated is True
                with pytest.raises(Conflict, match="TOO_LATE"):
                    await asyncio.to_thread(cut.cancel_order, second)
            assert {trader.get_order(order_id).status for order_id in (first, second)} == {"cancelled"}

    asyncio.run(cancel())


def test_nobody_at_the_address_is_no_connection() -> None:
    with Client(f"http://127.0.0.1:{free_port()}", retry_for_s=0) as client:
        with pytest.raises(NoConnection):
            client.withdraw("USDT", 1)
        with pytest.raises(NoConnection), client.feed():
            pass


# -- the feed


def test_the_feed_enters_orders_and_tells_what_becomes_of_them(trader: Client, other: Client) -> None:
    with trader.feed() as feed:
        mine, trades, balances = feed.own_orders(), feed.trades(SYMBOL), feed.own_balances()
        everything, bbo, status = feed.trades(), feed.bbo(SYMBOL), feed.symbol_status(SYMBOL)
        book = feed.book(SYMBOL)
        entered = feed.enter_order(SYMBOL, "buy", "limit", "0.4", "1900.00")
        assert entered.status == "resting"
        other.enter_order(SYMBOL, "sell", "ioc", "0.1", "1900.00")
        events = [next(mine) for _ in range(3)]
        assert [event.event_type for event in events if not isinstance(event, Gap)] == [
            "accepted",
            "resting",
            "partially_filled",
        ]
        for subscription in (trades, everything):
            trade = next(subscription)
            assert not isinstance(trade, Gap)
            assert (trade.price, trade.maker_order_id) == (Decimal(1900), entered.order_id)
        while not (bids := book.levels(1)[0]) or bids[0].quantity != Decimal("0.3"):
            assert book.changed(10, book.seq)
        assert (book.symbol, book.valid, book.resyncs) == (SYMBOL, True, 0)
        assert next(status).status == "trading"
        assert next(bbo).symbol == SYMBOL
        assert {one.asset for one in next(balances).balances} >= {"USDT"}
        with pytest.raises(Rejected, match="BAD_TICK"):
            feed.enter_order(SYMBOL, "buy", "limit", "1", "1.001")
        assert feed.amend_order(entered.order_id, price="1800.00").priority == "lost"
        (outcome,) = feed.batch([BatchCancel(order_id=entered.order_id)])
        assert isinstance(outcome, CancelAnswer)
        mine.close()
        assert list(mine) == []
    with pytest.raises(FeedError):
        feed.cancel_all()


def test_whoever_waits_for_a_feed_that_is_closed_goes_on(trader: Client) -> None:
    feed = trader.feed()
    with pytest.raises(FeedError, match="not open"):
        feed.trades(SYMBOL)
    feed.open()
    with pytest.raises(FeedError, match="open already"):
        feed.open()
    book, again, trades = feed.book(SYMBOL), feed.book(SYMBOL), feed.trades(SYMBOL)
    assert (book.best_bid, book.best_ask, again.mid_price, feed.connections) == (None, None, None, 1)
    with ThreadPoolExecutor() as threads:
        iterated, followed = threads.submit(list, trades), threads.submit(book.changed, 60, book.seq)
        time.sleep(0.2)  # until both wait
        feed.close()
        assert iterated.result(10) == []
        with pytest.raises(FeedError):
            followed.result(10)
    assert (book.valid, feed.connected) == (False, False)
    with pytest.raises(FeedError):
        book.levels()


def test_a_feed_for_an_event_loop_is_opened_once(trader: Client) -> None:
    async def reopen() -> None:
        async with AsyncClient(trader.url, trader.credentials) as client:
            feed = client.feed()
            async with feed:
                pass
            async with asyncio.timeout(10):
                with pytest.raises(FeedError, match="closed"):
                    await feed.open()

    asyncio.run(reopen())


def test_orders_are_cancelled_with_the_connection_where_that_was_asked_for(trader: Client) -> None:
    with trader.feed(cancel_on_disconnect=True) as feed:
        entered = feed.enter_order(SYMBOL, "buy", "limit", "0.1", "1500.00")
        kept = trader.enter_order(SYMBOL, "buy", "limit", "0.1", "1500.00")
    deadline = time.monotonic() + 20
    while trader.get_order(entered.order_id).status == "resting":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert trader.get_order(kept.order_id).status == "resting"


def test_bad_credentials_and_a_flow_of_a_trader_are_refused_by_the_feed(trader: Client, server: RunningServer) -> None:
    with Client(server.url, Session("nonsense")) as nobody, pytest.raises(Unauthenticated), nobody.feed():
        pass
    with pytest.raises(Forbidden, match="OPERATOR_NEEDED"), trader.feed(flow="simulated"):
        pass
    with trader.feed() as feed, pytest.raises(Malformed, match="NO-SUCH"):
        feed.trades("NO-SUCH")


def test_a_book_that_loses_messages_mends_itself_and_equals_the_venues(server: RunningServer) -> None:
    async def follow() -> None:
        async with newcomer(server.url) as maker, maker.feed() as feed:
            book = await feed.book("AAPL-USD")
            take, count = book.take, iter(range(10**6))
            book.take = lambda event, data: (  # type: ignore[method-assign]
                None if event == "l2_delta" and next(count) % 5 == 3 else take(event, data)
            )
            for price in range(60):
                await maker.enter_order("AAPL-USD", "buy", "limit", 1, 150 + price % 17)
                await asyncio.sleep(0.02)
            last = await maker.book("AAPL-USD", "all")
            async with asyncio.timeout(20):
                while not (book.valid and book.seq == last.seq):
                    if book.seq < last.seq and book.valid:  # the last delta was one of those that are lost
                        await maker.enter_order("AAPL-USD", "buy", "limit", 1, 140)
                        last = await maker.book("AAPL-USD", "all")
                    await asyncio.sleep(0.1)
            assert book.resyncs > 0
            assert [(level.price, level.quantity) for level in book.bids()] == last.bids
            await maker.cancel_all()

    asyncio.run(follow())


def test_a_feed_that_is_cut_comes_back_subscribes_again_and_says_what_is_missing(server: RunningServer) -> None:
    async def follow() -> None:
        relay = Relay(server.url)
        async with relay.running(), newcomer(server.url) as trader:
            cut = AsyncClient(relay.url, trader.credentials)
            async with cut, cut.feed() as feed:
                mine, book = await feed.own_orders(), await feed.book("AAPL-USD")
                await trader.enter_order("AAPL-USD", "buy", "limit", 1, 100)
                assert [(await anext(mine)).event_type for _ in range(2)] == ["accepted", "resting"]  # type: ignore[union-attr]
                relay.cut()
                assert await anext(mine) == Gap("reconnected")
                async with asyncio.timeout(20):
                    answer = await feed.enter_order("AAPL-USD", "buy", "limit", 1, 101)
                    await book.settled()
                    while book.best_bid is None or book.best_bid.price != 101:
                        await book.changed(book.seq)
                assert feed.connections == 2
                event = await anext(mine)
                assert isinstance(event, Gap) or event.order_id == answer.order_id
                await trader.cancel_all()

    asyncio.run(follow())
