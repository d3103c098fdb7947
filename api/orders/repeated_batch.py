"""Which results of a batch that came before are of which of its elements.

The records say what was sequenced, in the order of the elements, and not which of them were left out: those that were
malformed, repeated an earlier order, or were refused before. No I/O.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.json.errors import ApiError
from api.orders.batch import BatchCommand
from engine.commands import AmendOrder, Command, EnterOrder
from engine.events import CommandResult


def results_by_element(
    asked: Sequence[BatchCommand | ApiError], earlier: Sequence[CommandResult]
) -> list[CommandResult | None] | None:
    """The earlier result of each element, None for one that was not sequenced; None where they are of another batch.

    Each result goes to the first element behind the one before that asks for the same: where results can be given
    to the elements at all, that finds a way. From behind another way may be found: where that gives a result to an
    element that asks for something else, nobody knows whose it was, and there is None as well. O(elements).
    """
    commands = [None if isinstance(each, ApiError) else each for each in asked]
    places = _places(commands, earlier)
    if places is None:
        return None
    from_behind = _places(commands[::-1], earlier[::-1]) or []
    for first, last in zip(places, reversed(from_behind), strict=True):
        if commands[first] != commands[len(commands) - 1 - last]:
            return None
    found: list[CommandResult | None] = [None] * len(asked)
    for place, result in zip(places, earlier, strict=True):
        found[place] = result
    return found


def _places(commands: Sequence[BatchCommand | None], earlier: Sequence[CommandResult]) -> list[int] | None:
    """Which command each result is of; None where there is not one for each."""
    places: list[int] = []
    for place, command in enumerate(commands):
        if len(places) == len(earlier):
            break
        if command is not None and _asks_for(command, earlier[len(places)].command):
            places.append(place)
    return places if len(places) == len(earlier) else None


def _asks_for(asked: BatchCommand, sequenced: Command) -> bool:
    """Whether an element may have been sequenced as this command.

    Of an order the search for its client order id is noted, and a fault on demand may have taken a part of it.
    """
    if isinstance(asked, AmendOrder):
        return isinstance(sequenced, AmendOrder) and (
            (asked.account, asked.order_id) == (sequenced.account, sequenced.order_id)
            and _may_be(asked.price, sequenced.price)
            and _may_be(asked.quantity, sequenced.quantity)
            and _may_be(asked.stop_price, sequenced.stop_price)
        )
    if not isinstance(asked, EnterOrder):
        return asked == sequenced
    return isinstance(sequenced, EnterOrder) and (
        (asked.account, asked.symbol, asked.side, asked.order_type, asked.time_in_force)
        == (sequenced.account, sequenced.symbol, sequenced.side, sequenced.order_type, sequenced.time_in_force)
        and _may_be(asked.price, sequenced.price)
        and asked.client_order_id in (None, sequenced.client_order_id)
        and asked.options == sequenced.options
    )


def _may_be(asked: int | str | None, sequenced: int | str | None) -> bool:
    """Whether a value may have been written so then: as text where the grid was not known, as of an order that is done,
    and in units where it was."""
    return asked == sequenced or (asked is not None and sequenced is not None and str in (type(asked), type(sequenced)))
