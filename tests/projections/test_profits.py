"""Profit and loss: to the unit what a naive sum over every fill says, however many, and after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.accounts.profit_views import profit_view
from engine.commands import Command, Deposit, EnterOrder, ListInstrument, Withdraw
from engine.events import CommandResult, Filled
from engine.exchange import Exchange
from engine.types import AccountId, OrderType, SelfTradePrevention, Side, TimeInForce
from projections.profits import Position, Profits
from tests.api.clients import bearer, created
from tests.listings.instruments import instrument
from tests.server import Http, RunningServer, eventually

COIN = msgspec.structs.replace(instrument("0.01", "0.001"), maker_fee=-100, taker_fee=2_000)
UNIT = Fraction(1, 10**COIN.quote_scale)
ACCOUNTS = [1, 2, 3]  # the first may trade with itself
FILLS = 5_400  # of the account that is looked at: more than any page of the fills


class Naive:
    """What one account's fills come to, in fractions, one after the other, by the words of the documentation."""

    def __init__(self) -> None:
        self.cash = self.lots = self.fees = self.realised = self.average = Fraction(0)
        self.fills = 0

    def fill(self, side: str, price: Fraction, quantity: Fraction, fee: Fraction) -> None:
        """Take in one fill."""
        sign = 1 if side == "buy" else -1
        self.cash -= sign * price * quantity
        self.fees += fee
        self.fills += 1
        for step in self._up_to_none(sign, quantity):
            if self.lots * sign >= 0:
                worth = self.average * abs(self.lots) + price * step
                self.average = worth / (abs(self.lots) + step)
            else:
                self.realised -= sign * step * (price - self.average)
            self.lots += sign * step

    def _up_to_none(self, sign: int, quantity: Fraction) -> Iterator[Fraction]:
        """A fill in two where it turns the position over: what closes it, and what opens the next."""
        closing = min(quantity, abs(self.lots)) if self.lots * sign < 0 else Fraction(0)
        yield from (step for step in (closing, quantity - closing) if step)

    def profit(self, mark: Fraction) -> Fraction:
        """The money that came in less what went out, and what is left at `mark`."""
        return self.cash + self.lots * mark - self.fees


class Market:
    """An exchange with one symbol, what is folded from it, and every fill by account."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.profits = Profits()
        self.fills: list[Filled] = []
        self.apply(ListInstrument(COIN))
        for account in ACCOUNTS:
            for asset in (COIN.base, COIN.quote):
                self.apply(Deposit(AccountId(account), asset, "1000000"))

    def apply(self, command: Command) -> None:
        """Carry out `command` and fold it."""
        seq = self.exchange.seq + 1
        applied = CommandResult(seq, seq, command, self.exchange.apply(command, seq, seq))
        for event in applied.events:
            if isinstance(event, Filled):
                self.profits.trade(event)
                self.fills.append(event)

    def enter(self, account: int, side: Side, quantity: int, price: int) -> None:
        """Enter a limit order."""
        mode = SelfTradePrevention.NONE if account == ACCOUNTS[0] else None
        self.apply(
            EnterOrder(
                AccountId(account),
                COIN.symbol,
                side,
                OrderType.LIMIT,
                TimeInForce.GTC,
                quantity,
                price,
                self_trade_prevention=mode,
            )
        )

    def naive(self, account: int) -> Naive:
        """The sum over the account's fills; a trade with itself is its fees."""
        naive = Naive()
        for fill in self.fills:
            price = Fraction(fill.price, 100)
            quantity = Fraction(fill.quantity, 1000)
            taker = fill.taker_side.value
            maker = "sell" if taker == "buy" else "buy"
            fees = (fill.maker_fee * UNIT, fill.taker_fee * UNIT)
            if fill.maker_account == fill.taker_account == account:
                naive.fees += sum(fees)
                naive.fills += 2
            elif fill.maker_account == account:
                naive.fill(maker, price, quantity, fees[0])
            elif fill.taker_account == account:
                naive.fill(taker, price, quantity, fees[1])
        return naive


orders = st.tuples(
    st.sampled_from(ACCOUNTS), st.sampled_from(list(Side)), st.integers(1, 5_000), st.integers(9_000, 11_000)
)
transfers = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from([COIN.base, COIN.quote]), st.booleans())


@settings(max_examples=60, deadline=None)
@given(flow=st.lists(orders | transfers, min_size=10, max_size=60))
def test_profit_is_the_naive_sum_over_any_flow(flow: list[Any]) -> None:
    market = Market()
    for item in flow:
        if len(item) == 4:
            market.enter(*item)
        else:
            account, asset, deposits = item
            market.apply((Deposit if deposits else Withdraw)(AccountId(account), asset, "7.5"))
    for account in ACCOUNTS:
        agrees(market, account)


def agrees(market: Market, account: int) -> None:
    """What is told of an account is what the naive sum says."""
    naive = market.naive(account)
    view = profit_view(market.profits, market.exchange, AccountId(account), None)
    if not naive.fills:
        assert (view.positions, view.totals) == ([], [])
        return
    (row,) = view.positions
    (total,) = view.totals
    mark = Fraction(row.mark or "0")
    assert Fraction(row.profit or "none") == naive.profit(mark)
    assert Fraction(row.position) == naive.lots
    assert Fraction(row.fees) == naive.fees
    assert row.fills == naive.fills
    assert Fraction(row.value or "none") == naive.lots * mark
    assert Fraction(row.unrealised or "none") == Fraction(row.value or "none") - Fraction(row.cost)
    assert abs(Fraction(row.realised) - naive.realised) <= naive.fills * UNIT
    assert (row.average_price is None) == (naive.lots == 0)
    assert [total.asset, total.profit, total.fees, total.realised, total.unrealised, total.fills] == [
        COIN.quote,
        row.profit,
        row.fees,
        row.realised,
        row.unrealised,
        row.fills,
    ]


def test_what_is_closed_is_realised_by_average_cost_and_turning_over_opens_at_the_price() -> None:
    position = Position()
    position.fill(10, 1_000, 1)
    position.fill(10, 1_200, 1)
    position.fill(-5, -600, 0)  # bought for 110 each
    assert (position.lots, position.cost, position.realised) == (15, 1_650, 50)
    position.fill(-20, -2_000, -3)
    assert (position.lots, position.cost, position.realised, position.fees) == (-5, -500, -100, -1)
    position.fill(5, 450, 0)  # cheaper than it was sold
    assert (position.lots, position.cost, position.realised, position.fills) == (0, 0, -50, 5)


def test_the_mark_is_the_middle_of_the_best_prices_and_else_the_last_price() -> None:
    market = Market()
    market.enter(2, Side.BUY, 1_000, 10_000)
    market.enter(3, Side.SELL, 1_000, 10_000)
    (row,) = view_of(market, 2).positions
    assert (row.mark, row.unrealised) == ("100.00", "0")
    market.enter(3, Side.BUY, 1_000, 9_001)
    market.enter(3, Side.SELL, 1_000, 9_902)
    (row,) = view_of(market, 2).positions
    assert (row.mark, row.value, row.unrealised) == ("94.515", "94.515", "-5.485")


def view_of(market: Market, account: int) -> Any:
    """What the account is told."""
    return profit_view(market.profits, market.exchange, AccountId(account), None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that is restarted."""
    with RunningServer(tmp_path_factory.mktemp("profit") / "data", "--rate-limit", "off") as running:
        yield running


def test_past_five_thousand_fills_it_is_the_sum_of_them_all_and_so_after_a_restart(server: RunningServer) -> None:
    http = server.http
    one, two = (created(http.post("/auth/guest", None)) for _ in range(2))
    trade(http, one, two)
    fills = every_fill(http, one)
    assert len(fills) >= FILLS
    naive = {symbol: Naive() for symbol in sorted({fill["symbol"] for fill in fills})}
    for fill in reversed(fills):
        naive[fill["symbol"]].fill(
            fill["side"], Fraction(fill["price"]), Fraction(fill["quantity"]), Fraction(fill["fee"])
        )
    before = http.call("GET", "/account/profit", headers=bearer(one)).granted()
    assert {row["symbol"]: (Fraction(row["profit"]), row["fills"]) for row in before["positions"]} == {
        row["symbol"]: (naive[row["symbol"]].profit(Fraction(row["mark"])), naive[row["symbol"]].fills)
        for row in before["positions"]
    }
    assert before["positions"][0].keys() == {
        *("symbol", "base", "quote", "position", "average_price", "cost", "mark", "value"),
        *("realised", "unrealised", "fees", "profit", "fills"),
    }
    (total,) = before["totals"]
    assert Decimal(total["profit"]) == sum(Decimal(row["profit"]) for row in before["positions"])
    assert total["fills"] == len(fills)
    http.call("POST", "/account/deposit", {"asset": "USDT", "amount": "5"}, bearer(one)).granted()
    server.restart()
    after = server.http.call("GET", "/account/profit", headers=bearer(one)).granted()
    assert (after["positions"], after["totals"]) == (before["positions"], before["totals"])
    (alone,) = server.http.call("GET", "/account/profit?symbol=ETH-USDT", headers=bearer(one)).granted()["positions"]
    assert alone == next(row for row in before["positions"] if row["symbol"] == "ETH-USDT")
    server.http.call("GET", "/account/profit?symbol=NONE", headers=bearer(one)).refused(404, "UNKNOWN_SYMBOL")


def trade(http: Http, one: dict[str, Any], two: dict[str, Any]) -> None:
    """More than `FILLS` small trades of two guests in two symbols, at prices that move."""
    for turn in range(FILLS // 450):
        symbol, price, size = (
            ("BTC-USDT", 30_000 + turn * 7, "0.000") if turn % 2 else ("ETH-USDT", 2_000 - turn, "0.00")
        )
        side, other = ("buy", "sell") if turn % 3 else ("sell", "buy")
        makers = [entry(symbol, other, f"{size}{at % 9 + 1}", str(price + at % 5)) for at in range(450)]
        sent(http, two, makers)
        worst = str(price + 4 if side == "buy" else price)  # they fill in full, some of them in parts
        sent(http, one, [entry(symbol, side, item["quantity"], worst) for item in makers])


def entry(symbol: str, side: str, quantity: str, price: str) -> dict[str, str]:
    """A limit order of a batch."""
    return {"symbol": symbol, "side": side, "order_type": "limit", "quantity": quantity, "price": price}


def sent(http: Http, who: dict[str, Any], entries: list[dict[str, str]]) -> None:
    """Send a batch in which all goes well."""
    results = http.call("POST", "/orders/batch", {"orders": entries}, bearer(who)).granted()["results"]
    assert {result["status"] for result in results} == {200}, results[0]


def every_fill(http: Http, who: dict[str, Any]) -> list[dict[str, Any]]:
    """All fills of somebody, newest first, page by page, when the history has them."""
    fills: list[dict[str, Any]] = []
    eventually(lambda: http.get("/health")["history"]["lag"] == 0)
    while True:
        before = f"&before={fills[-1]['trade_id']}" if fills else ""
        page = http.call("GET", f"/account/fills?limit=1000{before}", headers=bearer(who)).granted()["fills"]
        fills += page
        if not page:
            return fills
