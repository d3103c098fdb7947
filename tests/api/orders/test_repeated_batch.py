"""Of a batch that comes again each element gets what it caused itself, and those that were left out get nothing."""

from __future__ import annotations

import random

from msgspec.structs import replace

from api.json.errors import ApiError, Malformed
from api.orders.batch import BatchCommand
from api.orders.repeated_batch import results_by_element
from engine.commands import AmendOrder, CancelAll, CancelOrder, EnterOrder
from engine.events import CommandResult
from engine.types import AccountId, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce

TRADER = AccountId(7)
ORDER = EnterOrder(TRADER, "BTC-USDT", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(5), Ticks(100))
OTHERS: list[BatchCommand] = [
    CancelOrder(TRADER, OrderId(1), by_operator=False),
    CancelOrder(TRADER, OrderId(2), by_operator=False),
    AmendOrder(TRADER, OrderId(1), None, Lots(3)),
    CancelAll(TRADER, by_operator=False),
]


def elements(chance: random.Random) -> list[BatchCommand | ApiError]:
    """Elements of a batch, some of which ask for the same."""
    pool: list[BatchCommand | ApiError] = [*OTHERS, Malformed("INVALID_VALUE", "It is none.", field="price")]
    pool += [
        replace(ORDER, side=side, price=Ticks(price), client_order_id=name)
        for side in Side
        for price in (100, 101)
        for name in (None, "a", "b")
    ]
    return chance.choices(pool, k=chance.randint(1, 20))


def results(commands: list[BatchCommand]) -> list[CommandResult]:
    """What they caused, one behind the other."""
    return [CommandResult(Seq(10 + place), 5, command, []) for place, command in enumerate(commands)]


def test_each_result_is_of_the_element_that_was_sequenced_and_of_no_other() -> None:
    for seed in range(500):
        chance = random.Random(seed)
        asked = elements(chance)
        repeats = [name for name in ("a", "b") if chance.random() < 0.5]  # which earlier orders have already
        sequenced: list[BatchCommand] = []
        places: list[int] = []
        for place, element in enumerate(asked):
            if isinstance(element, ApiError):
                continue
            if isinstance(element, EnterOrder):
                if element.client_order_id in repeats:
                    continue
                if element.client_order_id is not None:
                    element = replace(element, looked_until=Seq(9))  # noqa: PLW2901
            sequenced.append(element)
            places.append(place)
        applied = results(sequenced)
        expected = dict(zip(places, applied, strict=True))
        assert results_by_element(asked, applied) == [expected.get(place) for place in range(len(asked))]


def test_an_order_of_which_a_fault_took_a_part_is_found() -> None:
    applied = results([replace(ORDER, quantity=Lots(2), looked_until=Seq(9))])
    assert results_by_element([OTHERS[0], ORDER], applied) == [None, applied[0]]
    assert results_by_element([replace(ORDER, quantity=Lots(1))], applied) is None


def test_the_result_of_an_order_is_not_that_of_another_before_it_which_a_fault_refused() -> None:
    for refused in (replace(ORDER, quantity=Lots(7)), replace(ORDER, client_order_id="another")):
        for asked in (ORDER, replace(ORDER, client_order_id="own")):
            applied = results([replace(asked, looked_until=Seq(9))])
            assert results_by_element([refused, asked], applied) == [None, applied[0]]
    named = replace(ORDER, client_order_id="own")
    applied = results([replace(named, looked_until=Seq(9))])
    assert results_by_element([ORDER, named], applied) == [None, applied[0]]


def test_results_of_another_batch_are_of_none_of_its_elements() -> None:
    applied = results([ORDER, OTHERS[0]])
    assert results_by_element([OTHERS[0], ORDER], applied) is None
    assert results_by_element([ORDER], applied) is None
    assert results_by_element([ORDER, replace(OTHERS[0], symbol="BTC-USDT")], applied) is None


def test_an_order_that_a_node_named_is_found_and_one_of_another_name_is_not() -> None:
    applied = results([replace(ORDER, client_order_id="given", quantity=Lots(2))])
    assert results_by_element([ORDER], applied) == [applied[0]]
    assert results_by_element([replace(ORDER, client_order_id="own")], applied) is None
    assert results_by_element([replace(ORDER, side=Side.SELL)], applied) is None


def test_what_reads_otherwise_now_is_found_where_the_grid_was_not_known_then_or_is_not_now() -> None:
    amend = AmendOrder(TRADER, OrderId(1), Ticks(100), Lots(3), Ticks(90))
    for field, text in (("price", "1.00"), ("quantity", "3.0"), ("stop_price", "0.90")):
        applied = results([replace(amend, **{field: text})])
        assert results_by_element([amend], applied) == [applied[0]]
        assert results_by_element([replace(amend, **{field: None})], applied) is None
        was = results([replace(amend, **{field: 7})])
        assert results_by_element([amend], was) is None
        assert results_by_element([replace(amend, **{field: text})], was) == [was[0]]
        assert results_by_element([replace(amend, order_id=OrderId(2), **{field: text})], was) is None
