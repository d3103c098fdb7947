"""What comes under the client order id of a later request that was refused, or waits, is not taken any more."""

from __future__ import annotations

from engine.commands import EnterOrder
from engine.events import Accepted, CommandResult, Event, Rejected
from engine.rejects import RejectReason
from engine.types import OrderType, Side, TimeInForce
from projections.refused_names import NAMES_MAX, RefusedNames, named_key
from projections.submissions import SubmissionWindow
from sequencer.entries import KeyedEntries, KeyedEntry
from sequencer.port import Refused, Submit

REFUSAL = Rejected(7, "BTC-USDT", RejectReason.SELF_TRADE, None, "a")


def order(name: str | None = "a", account: int = 7) -> EnterOrder:
    return EnterOrder(account, "BTC-USDT", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, 5, 100, name)


def result(command: EnterOrder, event: Event = REFUSAL) -> list[CommandResult]:
    return [CommandResult(3, 1_000, command, [event])]


def test_an_earlier_request_is_overtaken_by_a_later_one_that_was_refused() -> None:
    names = RefusedNames()
    names.note(named_key(order(), 200), result(order()))
    assert names.overtook(named_key(order(), 199), [order()])
    assert not names.overtook(named_key(order(), 200), [order()])
    assert not names.overtook(named_key(order(), 201), [order()])


def test_other_ids_and_other_accounts_are_not_overtaken() -> None:
    names = RefusedNames()
    names.note(named_key(order(), 200), result(order()))
    assert not names.overtook(named_key(order("b"), 100), [order("b")])
    assert not names.overtook(named_key(order(account=8), 100), [order(account=8)])
    assert not names.overtook(named_key(order(), 100), [order("b")])  # a key that is of something else


def test_an_order_that_was_accepted_overtakes_nothing_for_the_exchange_knows_it() -> None:
    names = RefusedNames()
    accepted = Accepted(
        3, 7, "BTC-USDT", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, price=100, quantity=5, client_order_id="a"
    )
    names.note(named_key(order(), 200), result(order(), accepted))
    assert not names.overtook(named_key(order(), 100), [order()])


def test_the_newest_are_kept_and_no_more() -> None:
    names = RefusedNames()
    for number in range(NAMES_MAX + 1):
        named = order(str(number))
        names.note(named_key(named, 200), result(named))
    assert not names.overtook(named_key(order("0"), 100), [order("0")])
    assert names.overtook(named_key(order("1"), 100), [order("1")])


def test_an_earlier_request_is_refused_while_a_later_one_waits_or_once_it_was_refused() -> None:
    keyed, refusals = KeyedEntries(SubmissionWindow()), list[Exception]()
    later = Submit(named_key(order(), 200), 200, 0, b"", [order()])
    earlier = Submit(named_key(order(), 100), 100, 0, b"", [order()])
    assert keyed.admits(later, refusals.append)
    entry = KeyedEntry(later, refusals.append, None)
    keyed.add(entry)
    assert not keyed.admits(earlier, refusals.append)
    keyed.keep(entry, result(order()))
    keyed.remember(keyed.within([entry]), 3, 1_000)
    assert not keyed.admits(earlier, refusals.append)
    assert [type(refusal) for refusal in refusals] == [Refused, Refused]
    assert keyed.admits(Submit(named_key(order(), 300), 300, 0, b"", [order()]), refusals.append)
