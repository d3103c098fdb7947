"""Which results of a batch that came before are of which of its elements.

The records say what was sequenced, in the order of the elements, and not which of them were left out: those that were
malformed, repeated an earlier order, or were refused before. No I/O.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.json.errors import ApiError
from api.orders.batch import BatchCommand
from engine.commands import Command, EnterOrder
from engine.events import CommandResult


def results_by_element(
    asked: Sequence[BatchCommand | ApiError], earlier: Sequence[CommandResult]
) -> list[CommandResult | None] | None:
    """The earlier result of each element, None for one that was not sequenced; None where they are of another batch.

    Each result goes to the first element behind the one before that asks for the same: where results can be given
    to the elements at all, that finds a way. O(elements).
    """
    found: list[CommandResult | None] = []
    place = 0
    for command in asked:
        if place < len(earlier) and not isinstance(command, ApiError) and _asks_for(command, earlier[place].command):
            found.append(earlier[place])
            place += 1
        else:
            found.append(None)
    return found if place == len(earlier) else None


def _asks_for(asked: BatchCommand, sequenced: Command) -> bool:
    """Whether an element may have been sequenced as this command.

    Of an order the search for its client order id is noted, and a fault on demand may have taken a part of it.
    """
    if not isinstance(asked, EnterOrder):
        return asked == sequenced
    return isinstance(sequenced, EnterOrder) and (
        (asked.account, asked.symbol, asked.side, asked.order_type, asked.time_in_force, asked.price)
        == (
            sequenced.account,
            sequenced.symbol,
            sequenced.side,
            sequenced.order_type,
            sequenced.time_in_force,
            sequenced.price,
        )
        and asked.client_order_id in (None, sequenced.client_order_id)
        and asked.options == sequenced.options
    )
