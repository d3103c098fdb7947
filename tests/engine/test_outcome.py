"""What becomes of an order: working it out changes nothing, and committing it does what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from audit.search import Search
from engine import amending, entry, execution, triggers
from engine.balance import Balance
from engine.digest import state_digest
from engine.events import Cancelled, Completed, Event, Filled
from engine.order import Order
from engine.outcome import OrderOutcome
from engine.rejects import CancelReason, InvariantViolation
from engine.types import Lots, OrderStatus

COMMANDS, SEEDS = 1_200, (1, 2, 4)
WAYS = {"entry": entry, "amending": amending, "triggers": triggers}  # orders come to be executed


def watched(patch: pytest.MonkeyPatch, way: str, on_commit: Callable[..., None]) -> None:
    """Call `on_commit(way, state, order, outcome, commit)` instead of committing, where orders come by this way."""

    def commit(state: Any, book: Any, order: Order, outcome: OrderOutcome, events: list[Event]) -> None:
        def carry_out() -> list[Event]:
            before = len(events)
            execution.commit(state, book, order, outcome, events)
            return events[before:]

        on_commit(way, order, outcome, carry_out)

    patch.setattr(WAYS[way], "commit", commit)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_trades_and_the_end_are_those_of_the_outcome(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()

    def checked(way: str, order: Order, outcome: OrderOutcome, carry_out: Callable[[], list[Event]]) -> None:
        left, seen[way] = outcome.left(order), seen[way] + 1
        decided = [(f.maker.order_id, f.quantity, f.price, f.notional, f.maker_fee, f.taker_fee) for f in outcome.fills]
        happened = carry_out()
        trades = [event for event in happened if isinstance(event, Filled)]
        assert decided == [
            (t.maker_order_id, t.quantity, t.price, t.notional, t.maker_fee, t.taker_fee) for t in trades
        ]
        ends = [e for e in happened if isinstance(e, Completed | Cancelled) and e.order_id == order.order_id]
        if outcome.end is None:
            assert (ends, order.leaves) == ([], left)
            assert order.level is not None
        elif outcome.end is OrderStatus.FILLED:
            assert [type(end) for end in ends] == [Completed]
        else:
            assert [(type(end), getattr(end, "reason", None)) for end in ends] == [(Cancelled, outcome.end)]
            seen[outcome.end] += 1

    for way in WAYS:
        watched(monkeypatch, way, checked)
    search = Search(seed)
    assert search.run(COMMANDS) is None
    assert seen.keys() >= {*WAYS, CancelReason.FILL_OR_KILL, CancelReason.SELF_TRADE}


def test_working_it_out_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    search, outcomes = Search(1), 0

    def unchanged(work: Callable[..., Any]) -> Callable[..., Any]:
        def worked(*asked: Any, **how: Any) -> Any:
            nonlocal outcomes
            before = state_digest(search.exchange)
            found = work(*asked, **how)
            assert state_digest(search.exchange) == before
            outcomes += 1
            return found

        return worked

    for module, name in ((entry, "outcome_of"), (amending, "outcome_of"), (triggers, "outcome_now")):
        monkeypatch.setattr(module, name, unchanged(getattr(module, name)))
    assert search.run(600) is None
    assert outcomes > 100


def test_an_outcome_that_is_not_carried_out_as_decided_stops_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = execution.carry_out_trades

    def short(book: Any, taker: Order, *others: Any) -> Any:
        done = carry_out(book, taker, *others)
        taker.leaves = Lots(taker.leaves + 1)
        return done

    monkeypatch.setattr(execution, "carry_out_trades", short)
    assert "decided were" in (Search(1).run(COMMANDS) or "")


def test_a_balance_gives_no_more_than_it_has() -> None:
    balance, other = Balance(), Balance()
    balance.credit(10)
    balance.hold(6)
    with pytest.raises(InvariantViolation):
        balance.hold(5)
    with pytest.raises(InvariantViolation):
        balance.release(7)
    with pytest.raises(InvariantViolation):
        balance.settle(6, 11, other, 1)
    with pytest.raises(InvariantViolation):
        balance.settle(7, 1, other, 1)
    assert (balance.available, balance.held, other.total) == (4, 6, 0)
    balance.settle(4, 3, other, 2)
    balance.hold(-1)
    balance.release(1)
    assert (balance.available, balance.held, balance.total, other.available) == (7, 0, 7, 2)
