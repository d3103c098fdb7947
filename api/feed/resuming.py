"""What was published lately, for those who come back and say up to which command they have all of it.

Nodes publish the same changes cut at other places, so nothing is kept as it was sent. Of a book it is kept which levels
changed when: what they are now is all that somebody behind needs. Of own orders the last commands are kept, as the
engine answered them.
Layer: api.feed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from api.feed.messages import AT_ONCE, OrderEvent, order_events
from engine.events import CommandResult, Filled
from engine.exchange import Exchange
from engine.types import AccountId, Side, Ticks
from projections.activity import RECENT_TRADES, SymbolActivity, TradePrint

LEVELS_MAX: Final = 500  # of a side of a symbol, those that changed last
COMMANDS_MAX: Final = 20_000  # with their events about 1 kB each
EVENTS_MAX: Final = 500  # of own orders that somebody is sent who comes back; of more they are asked for anew

Touched = tuple[dict[Ticks, None], dict[Ticks, None]]  # bids, asks


class ChangedLevels:
    """The levels of one book that changed last, and when."""

    __slots__ = ("_asks", "_bids", "complete_after")

    def __init__(self) -> None:
        self._bids: dict[Ticks, int] = {}  # by when, the oldest first
        self._asks: dict[Ticks, int] = {}
        self.complete_after = 0  # what changed behind this command is here

    def note(self, side: Side, price: Ticks, seq: int) -> None:
        """A level may have changed, by command `seq` or one before that was not noted yet. O(1)."""
        changed = self._bids if side is Side.BUY else self._asks
        changed.pop(price, None)
        changed[price] = seq
        if len(changed) > LEVELS_MAX:
            self.complete_after = max(self.complete_after, changed.pop(next(iter(changed))))

    def since(self, seq: int) -> Touched:
        """The levels that may have changed behind command `seq`, which is not before `complete_after`. O(levels)."""
        return _behind(self._bids, seq), _behind(self._asks, seq)


def _behind(changed: dict[Ticks, int], seq: int) -> dict[Ticks, None]:
    found: dict[Ticks, None] = {}
    for price, changed_seq in reversed(changed.items()):
        if changed_seq <= seq:
            break
        found[price] = None
    return found


class RecentResults:
    """What the last commands came to, whoever's they were."""

    def __init__(self, seq: int) -> None:
        """Nothing is kept of commands up to `seq`."""
        self._results: deque[CommandResult] = deque()
        self._complete_after = seq

    def add(self, batch: Sequence[CommandResult]) -> None:
        """Keep a batch. O(commands)."""
        results = self._results
        results.extend(batch)
        while len(results) > COMMANDS_MAX:
            self._complete_after = results.popleft().seq

    def since(self, seq: int) -> list[CommandResult] | None:
        """All that came behind command `seq`, in order; None where not all of it is kept. O(commands)."""
        if seq < self._complete_after:
            return None
        found: list[CommandResult] = []
        for result in reversed(self._results):
            if result.seq <= seq:
                break
            found.append(result)
        found.reverse()
        return found


def missed_trades(activity: SymbolActivity, since: int) -> list[TradePrint] | None:
    """The trades of one symbol behind command `since`, oldest first; None where not all are kept. O(trades)."""
    recent = activity.recent
    if len(recent) == RECENT_TRADES and recent[0].seq > since:
        return None
    return [trade for trade in recent if trade.seq > since]


def missed_order_events(
    results: Sequence[CommandResult], exchange: Exchange, account: AccountId
) -> list[OrderEvent] | None:
    """The messages of an account's orders in `results`, the last of which the exchange is as of; None of too many.

    O(events). Does not switch.
    """
    own = [result for result in results if _concerns(result, account)]
    if any(len(result.events) > AT_ONCE for result in own):
        return None  # these are made in turns, and the exchange would go on meanwhile
    found = order_events(own, exchange, lambda other: other == account).get(account, [])
    return found if len(found) <= EVENTS_MAX else None


def _concerns(result: CommandResult, account: AccountId) -> bool:
    if getattr(result.command, "account", None) == account:
        return True
    return any(
        account in (event.maker_account, event.taker_account)
        if type(event) is Filled
        else getattr(event, "account", None) == account
        for event in result.events
    )
