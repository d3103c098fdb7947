"""The auditor names what is wrong: events and balances are falsified, one at a time, and each gets its class."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from audit.findings import Kind
from engine import events as ev
from engine.commands import AmendOrder, CancelOrder, Command, SetStatus
from engine.rejects import CancelReason, RejectReason
from engine.terms import Terms
from engine.types import AccountId, OrderType, PostOnly, SelfTradePrevention, TimeInForce, TradingStatus
from tests.audit.audited import BUY, FIRST, SELL, Falsify, audit, fill, order, replaced, without

STOP, FOK = OrderType.STOP, TimeInForce.FOK
GATHER, TRADE = SetStatus("COIN-USD", TradingStatus.AUCTION), SetStatus("COIN-USD", TradingStatus.TRADING)


def accepted_then(*more: ev.Event) -> Falsify:
    """What was accepted goes on with other events than it did."""
    return lambda events: [next(e for e in events if isinstance(e, ev.Accepted)), *more]


def accept(command: Any, order_id: int, **changed: Any) -> ev.Event:
    """The acceptance of an order that the engine refused."""
    event: Any = ev.Accepted(
        order_id, command.account, command.symbol, command.side, command.order_type, command.time_in_force,
        command.price, command.quantity, command.client_order_id,
    )  # fmt: skip
    return msgspec.structs.replace(event, **changed)


TWO_LEVELS = [order(SELL, 5, 10), order(SELL, 5, 11)]
TWO_AT_ONE = [order(SELL, 5, 10), order(SELL, 5, 10)]
ICEBERG = [order(SELL, 6, 10, display_quantity=2), order(BUY, 2, 10)]
OWN = [order(SELL, 5, 10, account=AccountId(2)), order(BUY, 5, 10, account=AccountId(2), self_trade_prevention=None)]
POST = order(BUY, 5, 10, post_only=PostOnly.REJECT)
WAITING = order(BUY, 3, None, order_type=STOP, time_in_force=TimeInForce.GTC, stop_price=11)
REACHED = [order(SELL, 5, 11), WAITING, order(BUY, 1, 11)]
AUCTION = [GATHER, order(BUY, 5, 12), order(BUY, 5, 11), order(SELL, 8, 10), order(SELL, 2, 11), TRADE]
BOND = "BOND-USD"
BEYOND_BAND = [order(SELL, 5, 46, symbol=BOND), order(BUY, 5, 46, symbol=BOND)]
SHARE = "SHARE-USD"
BEYOND_COLLAR = [order(SELL, 5, 13, symbol=SHARE), order(BUY, 5, symbol=SHARE)]
SOME_OF_ALL = [order(SELL, 5, 10), order(BUY, 8, 10, time_in_force=FOK)]
TRIGGERED: Any = ev.Triggered(FIRST + 1, 1, "COIN-USD", 11, None)

CASES: list[tuple[Kind, list[Command], Falsify]] = [
    (Kind.TRADE_THROUGH, [*TWO_LEVELS, order(BUY, 5, 11)], replaced(ev.Filled, maker_order_id=FIRST + 1, price=11)),
    (Kind.PRIORITY_INVERSION, [*TWO_AT_ONE, order(BUY, 5, 10)], replaced(ev.Filled, maker_order_id=FIRST + 1)),
    (Kind.PRIORITY_INVERSION, [ICEBERG[0], order(SELL, 5, 10), order(BUY, 2, 10)],
     replaced(ev.Filled, quantity=4, maker_leaves=2)),
    (Kind.WRONG_PRICE, [*TWO_LEVELS, order(BUY, 5, 11)], replaced(ev.Filled, price=9)),
    (Kind.WRONG_PRICE, [*TWO_LEVELS, order(BUY, 5, 11)], replaced(ev.Filled, notional=1)),
    (Kind.BEYOND_LIMIT, [order(SELL, 5, 11), order(BUY, 5, 10)], accepted_then(fill(1, FIRST, FIRST + 1, BUY, 11, 5))),
    (Kind.BAND_VIOLATION, BEYOND_BAND,
     lambda events: [accept(BEYOND_BAND[1], FIRST + 1), fill(1, FIRST, FIRST + 1, BUY, 46, 5, symbol=BOND)]),
    (Kind.COLLAR_VIOLATION, BEYOND_COLLAR, accepted_then(fill(1, FIRST, FIRST + 1, BUY, 13, 5, symbol=SHARE))),
    (Kind.SELF_TRADE, OWN,
     lambda events: [accept(OWN[1], FIRST + 1),
                     fill(1, FIRST, FIRST + 1, BUY, 10, 5, maker_account=2, taker_account=2)]),
    (Kind.SELF_TRADE, [*OWN[:1], order(BUY, 5, 10, account=AccountId(2),
                                       self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST)],
     replaced(ev.Cancelled, reason=CancelReason.REQUESTED)),
    (Kind.FILL_OR_KILL_PARTIAL, SOME_OF_ALL,
     lambda events: [events[0], fill(1, FIRST, FIRST + 1, BUY, 10, 5, taker_leaves=3),
                     msgspec.structs.replace(events[1], cum=5)]),
    (Kind.ICEBERG_REFILL, ICEBERG, without(ev.Replenished)),
    (Kind.ICEBERG_REFILL, ICEBERG, replaced(ev.Replenished, shown=3)),
    (Kind.ICEBERG_REFILL, ICEBERG, replaced(ev.Filled, quantity=3, maker_leaves=3)),
    (Kind.POST_ONLY_TOOK, [order(SELL, 5, 10), POST],
     lambda events: [accept(POST, FIRST + 1, terms=Terms(post_only=PostOnly.REJECT)),
                     fill(1, FIRST, FIRST + 1, BUY, 10, 5)]),
    (Kind.WRONG_TRIGGER, [order(SELL, 5, 12), WAITING], lambda events: [*events, TRIGGERED]),
    (Kind.WRONG_TRIGGER, [order(SELL, 5, 12), CancelOrder(AccountId(1), FIRST)], lambda events: [*events, TRIGGERED]),
    (Kind.MISSED_TRIGGER, REACHED, without(ev.Triggered)),
    (Kind.AUCTION_PRICE, AUCTION, replaced(ev.Uncrossed, price=10)),
    (Kind.AUCTION_PRICE, AUCTION, replaced(ev.Uncrossed, imbalance=7)),
    (Kind.AUCTION_PRINTS, AUCTION, replaced(ev.Filled, price=10)),
    (Kind.AUCTION_PRINTS, AUCTION, lambda events: events[:4]),
    (Kind.WRONG_FEE, [*TWO_LEVELS, order(BUY, 5, 11)], replaced(ev.Filled, taker_fee=1)),
    (Kind.WRONG_FEE, [*TWO_LEVELS, order(BUY, 5, 11)], replaced(ev.Filled, maker_fee=0)),
    (Kind.WRONG_FEE, [*TWO_LEVELS, order(BUY, 5, 11)], replaced(ev.Completed, fees=5)),
    (Kind.CROSSED_BOOK, [*TWO_LEVELS, order(BUY, 5, 11)], without(ev.Filled)),
    (Kind.CROSSED_BOOK, AUCTION, without(ev.Uncrossed)),
    (Kind.QUANTITY_NOT_CONSERVED, [*TWO_LEVELS, order(BUY, 3, 11)], replaced(ev.Filled, maker_leaves=3)),
    (Kind.QUANTITY_NOT_CONSERVED, [*TWO_LEVELS, order(BUY, 3, 11)], replaced(ev.Completed, cum=2)),
    (Kind.QUANTITY_NOT_CONSERVED, [*TWO_LEVELS, AmendOrder(AccountId(1), FIRST, None, 3)],
     replaced(ev.Amended, leaves=2)),
    (Kind.QUANTITY_NOT_CONSERVED, [*TWO_LEVELS, order(BUY, 3, 11)], replaced(ev.Filled, maker_order_id=1)),
    (Kind.DIFFERENCE, [order(BUY, 3, 0)], replaced(ev.Rejected, reason=RejectReason.BAD_LOT)),
    (Kind.DIFFERENCE, [order(BUY, 3, 10)], lambda events: []),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "commands", "falsify"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_falsified_events_are_named_with_their_command(kind: Kind, commands: list[Command], falsify: Falsify) -> None:
    assert audit(commands).findings == []
    auditor = audit(commands, falsify)
    last = FIRST + len(commands) - 1
    assert kind in {finding.kind for finding in auditor.findings if finding.seq == last}, auditor.findings
    assert {finding.seq for finding in auditor.findings} == {last}
    assert all(len(finding.sentence.split()) >= 5 for finding in auditor.findings)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Kind.UNBALANCED, {(1, "USD"): (1, 0)}),
        (Kind.WRONG_HOLD, {(1, "USD"): (-1, 1)}),
        (Kind.UNBALANCED, {(0, "USD"): (1, 0)}),
        (Kind.NEGATIVE_BALANCE, {(1, "USD"): (-(10**12), 0)}),
        (Kind.NEGATIVE_BALANCE, {(1, "USD"): (10**9, -(10**9))}),
    ],
)
def test_falsified_balances_are_named(kind: Kind, wrong: dict[tuple[int, str], tuple[int, int]]) -> None:
    auditor = audit([order(SELL, 5, 10), order(BUY, 8, 10)], wrong_balances=wrong)
    assert [finding.kind for finding in auditor.findings][:1] == [kind]


def test_a_balance_that_matches_nobodys_promise_is_found_once() -> None:
    auditor = audit([order(SELL, 5, 10), order(BUY, 8, 10)], wrong_balances={(1, "USD"): (5, 0)})
    assert len([f for f in auditor.findings if "account 1" in f.sentence]) == 1


def test_after_the_first_difference_the_properties_go_on_and_the_comparison_does_not() -> None:
    commands = [order(SELL, 5, 10), order(BUY, 3, 10)]
    auditor = audit(commands, replaced(ev.Filled, taker_fee=1))
    assert auditor.compared_until == FIRST + 1


def test_what_the_trades_sum_to_is_negative_whatever_the_ledger_says() -> None:
    sale = order(SELL, 5, 10, account=AccountId(9))
    auditor = audit([order(BUY, 5, 10), sale], lambda events: [accept(sale, FIRST + 1)])
    assert Kind.NEGATIVE_BALANCE in {finding.kind for finding in auditor.findings}
