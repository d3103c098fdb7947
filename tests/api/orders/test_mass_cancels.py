"""Mass cancels in parts: what each part takes and what stays; a kill switch that is lifted in between has no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from api.json.errors import ApiError
from api.orders.keyed import OutcomeForgotten
from api.orders.mass_cancels import ORDERS_A_BATCH, ORDERS_A_PART, PARTS_AT_ONCE, MassCancels
from engine.commands import CancelAll, Command, Deposit, EnterOrder, ListInstrument, StopAccount
from engine.events import Cancelled, CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from sequencer.port import NotAccepting
from tests.api.orders.under_keys import KEY, UnderKeys, apply, before_submission
from tests.journal.commands import BTC_USDT

TRADER = AccountId(7)
SYMBOLS = ("BTC-USDT", "ETH-USDT")
ORDERS = 3 * ORDERS_A_PART * PARTS_AT_ONCE


class Applying:
    """Stands for the sequencer: applies at once, and behind the `times`-th time lets the account trade again."""

    def __init__(self, exchange: Exchange, times: int | None) -> None:
        self._exchange = exchange
        self._times = times

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Apply the commands."""
        results = [apply(self._exchange, command) for command in commands]
        if self._times is not None:
            self._times -= 1
            if not self._times:
                apply(self._exchange, StopAccount(TRADER, stopped=False))
        return results


def with_orders(count: int) -> Exchange:
    """An exchange on which the trader has so many orders."""
    exchange = Exchange()
    apply(exchange, ListInstrument(BTC_USDT))
    apply(exchange, Deposit(TRADER, "USDT", "1000000000"))
    for number in range(count):
        enter(exchange, Ticks(2_900_000 + number % 10))
    assert len(exchange.orders) == count
    return exchange


def enter(exchange: Exchange, price: Ticks) -> None:
    """Have the trader enter an order that rests."""
    order = EnterOrder(TRADER, BTC_USDT.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(10**6), price)
    apply(exchange, order)


@pytest.mark.parametrize(("times", "left"), [(None, 0), (2, ORDERS - ORDERS_A_PART * PARTS_AT_ONCE)])
def test_a_stop_that_is_lifted_between_its_parts_goes_no_further(times: int | None, left: int) -> None:
    exchange = with_orders(ORDERS)
    MassCancels(exchange, Applying(exchange, times)).stop(StopAccount(TRADER, stopped=True))  # type: ignore[arg-type]
    assert len(exchange.orders) == left
    assert exchange.accounts[TRADER].stopped is (times is None)


class NotedDown(Applying):
    """Applies at once, and notes what it was handed each time."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange, None)
        self.times: list[list[CancelAll]] = []

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Apply the commands."""
        self.times.append([command for command in commands if isinstance(command, CancelAll)])
        return super().submit_all(commands)


def of_many(*opened: tuple[int, str, Side, int]) -> Exchange:
    """An exchange on which accounts have so many orders in a symbol and on a side; account 99 has none."""
    exchange = Exchange()
    for symbol in SYMBOLS:
        apply(exchange, ListInstrument(replace(BTC_USDT, symbol=symbol, base=symbol.partition("-")[0])))
    for account in (*dict.fromkeys(row[0] for row in opened), 99):
        for asset in ("USDT", "BTC", "ETH"):
            apply(exchange, Deposit(AccountId(account), asset, "1000000000"))
    for account, symbol, side, count in opened:
        for number in range(count):
            price = Ticks((2_900_000 if side is Side.BUY else 3_100_000) + number)
            order = EnterOrder(AccountId(account), symbol, side, OrderType.LIMIT, TimeInForce.GTC, Lots(10**6), price)
            apply(exchange, order)
    assert len(exchange.orders) == sum(row[-1] for row in opened)
    return exchange


def left(exchange: Exchange) -> dict[tuple[int, str, Side], int]:
    """How many orders each account has in a symbol and on a side."""
    return dict(Counter((order.account, order.symbol, order.side) for order in exchange.orders.values()))


@pytest.mark.parametrize("symbol", [None, "BTC-USDT"])
def test_what_everybody_has_open_is_cancelled_few_together_and_many_in_parts(symbol: str | None) -> None:
    few, many = ORDERS_A_PART * 6 // 10, ORDERS_A_PART * 5 // 2
    in_btc = [(1, few), (2, few), (3, many), (4, ORDERS_A_PART), (5, 10)]
    exchange = of_many(
        *((account, "BTC-USDT", Side.BUY, count) for account, count in in_btc), (6, "ETH-USDT", Side.SELL, 7)
    )
    sequencer = NotedDown(exchange)
    cancels = MassCancels(exchange, sequencer)  # type: ignore[arg-type]
    results = list(cancels.cancel_everybodys(symbol))
    found = [[(each.account, each.among and len(each.among)) for each in together] for together in sequencer.times]
    parts = [[(3, ORDERS_A_PART), (3, ORDERS_A_PART)], [(3, many - 2 * ORDERS_A_PART)]]
    others = [(5, None)] if symbol else [(5, None), (6, None)]
    assert found == [*parts, [(1, None), (2, None), (4, None)], others]
    assert all(each.by_operator for together in sequencer.times for each in together)
    assert left(exchange) == ({(6, "ETH-USDT", Side.SELL): 7} if symbol else {})
    assert cancelled(results) == sum(count for _, count in in_btc) + (0 if symbol else 7)
    assert list(cancels.cancel_everybodys("BTC-USDT")) == []


@pytest.mark.parametrize(
    ("symbol", "side", "stay"),
    [
        (None, None, {}),
        ("BTC-USDT", None, {(7, "ETH-USDT", Side.BUY): 70}),
        (None, Side.BUY, {(7, "BTC-USDT", Side.SELL): 60}),
        ("BTC-USDT", Side.BUY, {(7, "BTC-USDT", Side.SELL): 60, (7, "ETH-USDT", Side.BUY): 70}),
    ],
)
def test_of_many_orders_those_of_the_symbol_and_the_side_are_cancelled(
    symbol: str | None, side: Side | None, stay: dict[tuple[int, str, Side], int]
) -> None:
    exchange = of_many((7, "BTC-USDT", Side.BUY, 150), (7, "BTC-USDT", Side.SELL, 60), (7, "ETH-USDT", Side.BUY, 70))
    opened = len(exchange.orders)
    sequencer = NotedDown(exchange)
    results = MassCancels(exchange, sequencer).cancel_all(CancelAll(TRADER, symbol, side))  # type: ignore[arg-type]
    assert left(exchange) == stay
    assert cancelled(results) == opened - sum(stay.values())
    assert max(len(each.among or ()) for together in sequencer.times for each in together) == ORDERS_A_PART
    assert {len(together) for together in sequencer.times} <= {1, PARTS_AT_ONCE}


def test_a_batch_cancels_all_where_few_enough_are_open() -> None:
    exchange = of_many((7, "BTC-USDT", Side.BUY, ORDERS_A_BATCH), (7, "ETH-USDT", Side.BUY, 1))
    cancels = MassCancels(exchange, NotedDown(exchange))  # type: ignore[arg-type]
    cancels.require_few(CancelAll(TRADER, "BTC-USDT"))
    cancels.require_few(CancelAll(AccountId(12345)))  # whom nobody knows
    with pytest.raises(ApiError) as refused:
        cancels.require_few(CancelAll(TRADER))
    assert (refused.value.status, refused.value.code) == (409, "TOO_MANY_OPEN_ORDERS")


def cancelled(results: Sequence[CommandResult]) -> int:
    """How many orders were cancelled."""
    return sum(isinstance(event, Cancelled) for result in results for event in result.events)


@pytest.mark.parametrize("takes", [1, 2, 3])
def test_a_mass_cancel_that_was_broken_off_goes_on_with_what_there_was_when_it_began(takes: int) -> None:
    exchange = with_orders(ORDERS)
    sequencer = UnderKeys(exchange)
    cancels = MassCancels(exchange, sequencer)  # type: ignore[arg-type]
    sequencer.takes = takes
    with pytest.raises(NotAccepting):
        cancels.cancel_all_once(CancelAll(TRADER), KEY)
    enter(exchange, Ticks(2_900_000))  # it is no part of it
    sequencer.takes = 10**6
    again = cancels.cancel_all_once(CancelAll(TRADER), KEY)
    assert (cancelled(again.applied), again.repeated, len(exchange.orders)) == (ORDERS, True, 1)
    assert cancelled(cancels.cancel_all_once(CancelAll(TRADER), KEY).applied) == ORDERS
    assert len(exchange.orders) == 1


@pytest.mark.parametrize("gone", ["the first", "a part", "all"])
def test_one_that_was_broken_off_goes_on_also_when_what_became_of_it_is_not_kept(gone: str) -> None:
    exchange = with_orders(ORDERS)
    sequencer = UnderKeys(exchange)
    cancels = MassCancels(exchange, sequencer)  # type: ignore[arg-type]
    sequencer.takes = 2
    with pytest.raises(NotAccepting):
        cancels.cancel_all_once(CancelAll(TRADER), KEY)
    enter(exchange, Ticks(2_900_000))  # it is no part of it
    keys = list(sequencer.kept)
    sequencer.takes, sequencer.gone = 10**6, set({"the first": keys[:1], "a part": keys[1:], "all": keys}[gone])
    for _ in range(2):
        with pytest.raises(OutcomeForgotten):
            cancels.cancel_all_once(CancelAll(TRADER), KEY)
        assert len(exchange.orders) == 1


@pytest.mark.parametrize("between", [0, 1, 2])
def test_two_who_send_the_same_mass_cancel_at_once_leave_nothing_open(between: int) -> None:
    """The other one is quicker just before a part of the first."""
    exchange = with_orders(ORDERS)
    sequencer = UnderKeys(exchange)
    cancels = MassCancels(exchange, sequencer)  # type: ignore[arg-type]
    others = before_submission(
        sequencer, between, lambda: cancelled(cancels.cancel_all_once(CancelAll(TRADER), KEY).applied)
    )
    own = cancels.cancel_all_once(CancelAll(TRADER), KEY)
    assert (cancelled(own.applied), others[-1], len(exchange.orders)) == (ORDERS, ORDERS, 0)


def test_what_another_cancelled_behind_ones_own_last_part_is_in_the_answer_too() -> None:
    """Of the same request: it took the second time, one's last, for fewer orders, and a third for the rest."""
    exchange = with_orders(2 * ORDERS_A_PART * PARTS_AT_ONCE)
    sequencer = UnderKeys(exchange)
    opened = list(exchange.accounts[TRADER].open_orders)
    behind, begun = opened[ORDERS_A_PART * PARTS_AT_ONCE :], Seq(exchange.seq + 1)

    def before_the_first() -> None:
        sequencer.before_each = before_the_second

    def before_the_second() -> None:
        sequencer.before_each = other

    def other() -> None:
        for number, some in ((2, behind[:-1]), (3, behind[-1:])):
            part = CancelAll(TRADER, among=tuple(some))
            sequencer.kept[KEY.part(begun, number).key] = sequencer.submit_all([part])

    sequencer.before_each = before_the_first
    own = MassCancels(exchange, sequencer).cancel_all_once(CancelAll(TRADER), KEY)  # type: ignore[arg-type]
    assert (cancelled(own.applied), len(exchange.orders)) == (len(opened), 0)


def test_a_key_that_was_forgotten_before_those_of_its_parts_begins_anew() -> None:
    exchange = with_orders(2 * ORDERS_A_PART)
    sequencer = UnderKeys(exchange)
    cancels = MassCancels(exchange, sequencer)  # type: ignore[arg-type]
    cancels.cancel_all_once(CancelAll(TRADER), KEY)
    del sequencer.kept[KEY.key]
    for _ in range(ORDERS_A_PART + 1):
        enter(exchange, Ticks(2_900_000))
    again = cancels.cancel_all_once(CancelAll(TRADER), KEY)
    assert (cancelled(again.applied), again.repeated, len(exchange.orders)) == (ORDERS_A_PART + 1, False, 0)
