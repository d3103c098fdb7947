"""Which results of a batch that came before are of which of its elements.

The records say what was sequenced, in the order of the elements, and not which of them were left out: those that were
malformed, repeated an earlier order, or were refused before. No I/O.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from api.json.errors import ApiError
from api.orders.batch import BatchCommand
from engine.commands import AmendOrder, Command, EnterOrder
from engine.events import CommandResult

_Fits = Callable[[BatchCommand, Command], bool]


def results_by_element(
    asked: Sequence[BatchCommand | ApiError], earlier: Sequence[CommandResult]
) -> list[CommandResult | None] | None:
    """The earlier result of each element, None for one that was not sequenced; None where that cannot be said.

    Each result goes to the first element behind the one before that asks for the same: where results can be given
    to the elements at all, that finds a way. Where they cannot, what was sequenced may differ from what is read now.
    O(elements).
    """
    found = _matched(asked, earlier, _asks_for)
    return _matched(asked, earlier, _may_have_been) if found is None else found


def _matched(
    asked: Sequence[BatchCommand | ApiError], earlier: Sequence[CommandResult], fits: _Fits
) -> list[CommandResult | None] | None:
    """None as well where results found from behind are of elements that ask for something else: whose are they?"""
    commands = [None if isinstance(each, ApiError) else each for each in asked]
    places = _places(commands, earlier, fits)
    if places is None:
        return None
    from_behind = _places(commands[::-1], earlier[::-1], fits) or []
    for first, last in zip(places, reversed(from_behind), strict=True):
        if commands[first] != commands[len(commands) - 1 - last]:
            return None
    found: list[CommandResult | None] = [None] * len(asked)
    for place, result in zip(places, earlier, strict=True):
        found[place] = result
    return found


def _places(commands: Sequence[BatchCommand | None], earlier: Sequence[CommandResult], fits: _Fits) -> list[int] | None:
    """Which command each result is of; None where there is not one for each."""
    places: list[int] = []
    for place, command in enumerate(commands):
        if len(places) == len(earlier):
            break
        if command is not None and fits(command, earlier[len(places)].command):
            places.append(place)
    return places if len(places) == len(earlier) else None


def _asks_for(asked: BatchCommand, sequenced: Command) -> bool:
    """Whether an element was sequenced as this command, which says besides where its client order id was searched."""
    if isinstance(asked, EnterOrder) and isinstance(sequenced, EnterOrder):
        return asked == replace(sequenced, looked_until=None)
    return asked == sequenced


def _may_have_been(asked: BatchCommand, sequenced: Command) -> bool:
    """Whether an element may have been sequenced so, though it reads otherwise now.

    Of an order a fault on demand may have taken a part, and a node may have given it the name that it had not.
    """
    if isinstance(asked, AmendOrder):
        return isinstance(sequenced, AmendOrder) and (
            _may_be(asked.price, sequenced.price)
            and _may_be(asked.quantity, sequenced.quantity)
            and _may_be(asked.stop_price, sequenced.stop_price)
            and asked == replace(sequenced, price=asked.price, quantity=asked.quantity, stop_price=asked.stop_price)
        )
    if not isinstance(asked, EnterOrder):
        return asked == sequenced
    if not isinstance(sequenced, EnterOrder) or asked.client_order_id not in (None, sequenced.client_order_id):
        return False
    whole, part = asked.quantity, sequenced.quantity
    is_part = isinstance(whole, int) and isinstance(part, int) and part < whole
    same = replace(
        sequenced,
        price=asked.price,
        quantity=whole,
        client_order_id=asked.client_order_id,
        looked_until=None,
    )
    return asked == same and _may_be(asked.price, sequenced.price) and (is_part or _may_be(whole, part))


def _may_be(asked: int | str | None, sequenced: int | str | None) -> bool:
    """Whether a value may have been written so then: as text where the grid was not known, as of an order that is done,
    and in units where it was."""
    return asked == sequenced or (asked is not None and sequenced is not None and str in (type(asked), type(sequenced)))
