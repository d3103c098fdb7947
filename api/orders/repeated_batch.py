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
from engine.commands import Command, EnterOrder
from engine.events import CommandResult


def results_by_element(
    asked: Sequence[BatchCommand | ApiError], earlier: Sequence[CommandResult]
) -> list[CommandResult | None] | None:
    """The earlier result of each element, None for one that was not sequenced; None where they are of another batch.

    Each result goes to the first element behind the one before that asks for the same: where results can be given
    to the elements at all, that finds a way. Where they cannot, faults on demand may have taken parts of orders.
    O(elements).
    """
    found = _matched(asked, earlier, _asks_for)
    return _matched(asked, earlier, _may_be_a_part_of) if found is None else found


def _matched(
    asked: Sequence[BatchCommand | ApiError],
    earlier: Sequence[CommandResult],
    fits: Callable[[BatchCommand, Command], bool],
) -> list[CommandResult | None] | None:
    found: list[CommandResult | None] = []
    place = 0
    for command in asked:
        if place < len(earlier) and not isinstance(command, ApiError) and fits(command, earlier[place].command):
            found.append(earlier[place])
            place += 1
        else:
            found.append(None)
    return found if place == len(earlier) else None


def _asks_for(asked: BatchCommand, sequenced: Command) -> bool:
    """Whether an element was sequenced as this command, which says besides where its client order id was searched."""
    if isinstance(asked, EnterOrder) and isinstance(sequenced, EnterOrder):
        return asked == replace(sequenced, looked_until=None)
    return asked == sequenced


def _may_be_a_part_of(asked: BatchCommand, sequenced: Command) -> bool:
    """The same, of an order also where a smaller one was sequenced."""
    if isinstance(asked, EnterOrder) and isinstance(sequenced, EnterOrder):
        whole, part = asked.quantity, sequenced.quantity
        if isinstance(whole, int) and isinstance(part, int) and part < whole:
            sequenced = replace(sequenced, quantity=whole)
    return _asks_for(asked, sequenced)
