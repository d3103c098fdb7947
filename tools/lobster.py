"""A LOBSTER recording as requests. An order book file of few levels is a window: its edge is no order's end. Pure.

What the messages do to visible orders is asked of the venue one by one, and beside it stands
the book as recorded, order by order. The rows correct it where the messages cannot know:

- A level that leaves the window lives on unseen; nothing is cancelled for it.
- A level that enters was there before. Who stands in it is known from the messages that follow as
  long as it is shown: an order that they name and that never entered rested unseen, and takes
  its place by its number, which the exchange gives in time order. What nobody names stands
  behind: every change is a message then, so it was not before what is executed.
- Where a row shows less than the orders known, some of them ended unseen. Those that no later
  message names go first.

Without rows, an order that is named and never entered is placed when its number says that it came;
and what would have had to trade before what did trade, and is never named again, ended unseen.
Units: prices in ten-thousandths of a dollar, quantities in shares.
Layer: tools.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from sortedcontainers import SortedSet

from tools.archives import RecordError
from tools.playback import CancelStep, EnterStep, Event, Key, PrintedTrade, ReduceStep, Step
from tools.recorded import LOBSTER_PRICE_SCALE, LobsterDepth, LobsterMessage, MessageType, RecordedSide

Level = tuple[RecordedSide, int]  # side, price; also the key of the shares at it whose orders are never named
Queue = dict[Key, int]  # open shares of each order, first to trade first

_TAKES: Final = (MessageType.PARTIAL_CANCEL, MessageType.DELETE, MessageType.EXECUTION)
_SIDES: Final[tuple[RecordedSide, RecordedSide]] = ("buy", "sell")


class LobsterPlayback:
    """Feeds what happened to visible orders; an execution becomes an order that takes the one resting.

    `depths` is read twice: row i is the book after message i, of `levels` levels of each side
    (the most that a row shows when None). None of them: the messages alone.
    """

    price_scale = LOBSTER_PRICE_SCALE
    quantity_scale = 0

    def __init__(
        self,
        messages: Sequence[LobsterMessage],
        depths: Iterable[LobsterDepth] | None = None,
        levels: int | None = None,
    ) -> None:
        """Reads all rows once. Raises RecordError when there are not as many as messages."""
        if not messages:
            raise RecordError("there is no message to play")
        self._messages = messages
        self._depths = depths
        self._named = _Named(messages, depths)
        self.levels = levels if levels is not None else self._named.most_levels
        self._book: defaultdict[Level, Queue] = defaultdict(dict)  # as recorded
        self._resting: defaultdict[Level, Queue] = defaultdict(dict)  # as the venue has it
        self._prices: dict[RecordedSide, SortedSet[int]] = {side: SortedSet() for side in _SIDES}  # only without rows
        self._level_of: dict[Key, Level] = {}
        self._whole: dict[Key, int] = {}  # quantity as entered or last amended
        self._fills: list[tuple[Key | None, int, int]] = []  # of the step under way: maker, price, quantity
        self._counts: Counter[str] = Counter()
        self._seeded = False
        first = 0 if depths is None else 1  # the first row already shows what the first message did
        self.recorded = [(m.price_e4, m.shares) for m in messages[first:] if m.kind is MessageType.EXECUTION]
        self.made: list[PrintedTrade] = []
        self.shown: LobsterDepth | None = None  # the row after the last event

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def prices(self) -> set[int]:
        """Every visible price that is played."""
        return {m.price_e4 for m in self._messages if m.kind in (*_TAKES, MessageType.NEW_ORDER)}

    def events(self) -> Iterator[Event]:
        """Seed with the first row, then play what came after it."""
        if self._depths is None:
            for message in self._messages:
                unseen = chain(self._enter_by_number(message), self._clear_way(message))
                yield Event(message.time_ns, chain(unseen, self._steps(message)))
            return
        before = LobsterDepth([], [])
        for number, (message, row) in enumerate(zip(self._messages, self._depths, strict=False)):
            if number == 0 and message.kind is MessageType.NEW_ORDER:  # the first row shows it
                self._book[message.side, message.price_e4][message.order_id] = message.shares
            played = self._steps(message) if number else iter(())
            yield Event(message.time_ns, chain(played, self._shown(message, before, row)))
            self._seeded = True
            before = row

    def traded(self, maker: Key | None, price: int, quantity: int) -> None:
        """Keep the trade, and what it leaves of the order that rested."""
        self.made.append((price, quantity))
        self._fills.append((maker, price, quantity))
        if maker is not None:
            self._take(self._resting[self._level_of[maker]], maker, quantity)

    def remarks(self) -> list[str]:
        """What came of it, and what the recording does not allow."""
        count = self._counts
        lines = [
            f"executions: {count['met']} of {count['executions']} took the recorded order, "
            "at its price and with its quantity"
        ]
        late, turn = count["late"], count["turn"]
        if late or turn:
            lines.append(
                f"of the recording's own executions {late + turn} did not take the first of the queue: {late} took "
                f"an order with an older number that was let in later, {turn} another; price-time priority takes "
                "the first, and what stands behind it shifts"
            )
        if self._named.hidden:
            lines.append(f"not played: {_many(self._named.hidden, 'execution')} of hidden orders, which no book shows")
        if self._named.crosses:
            lines.append(f"not played: {_many(self._named.crosses, 'auction trade')}, of orders that are not recorded")
        if self._depths is None:
            lines.append(
                f"without an order book file: {_many(count['placed'], 'order')} of before placed as named and "
                f"numbered, {_many(count['ended'], 'order')} taken off that must have ended unseen; "
                "what no message names is not there, and no book is compared"
            )
        else:
            lines.append(
                f"window of {_many(self.levels, 'level')}: {_many(count['entered'], 'level')} entered it "
                f"with what was not known, {_many(count['ended'], 'known order')} ended unseen"
            )
        if count["corrected"]:
            lines.append(
                f"a row contradicted its message at {_many(count['corrected'], 'level')}: the row was followed"
            )
        return lines

    # -- messages

    def _steps(self, message: LobsterMessage) -> Iterator[Step]:
        level = (message.side, message.price_e4)
        if message.kind is MessageType.NEW_ORDER:
            self._named.to_enter.discard(message.order_id)
            self._book[level][message.order_id] = message.shares
            yield self._enter_step(message.order_id, level, message.shares)
            filled = sum(quantity for _, _, quantity in self._fills)
            self._take(self._resting[level], message.order_id, filled)
        elif message.kind in _TAKES:
            self._named.came(level, message)
            queue = self._book[level]
            first = next(iter(queue), None)
            key: Key = message.order_id if message.order_id in queue else level
            self._take(queue, key, message.shares)
            if message.kind is MessageType.EXECUTION:
                yield from self._execute(message, key, first)
            else:
                yield from self._withdraw(level, key, message.shares)

    def _execute(self, message: LobsterMessage, key: Key, first: Key | None) -> Iterator[Step]:
        """Take `message.shares` at its price; whether that meets the recorded order is for the venue to say."""
        self._counts["executions"] += 1
        if first is not None and first != key:
            older = isinstance(first, int) and message.order_id < first
            self._counts["late" if older else "turn"] += 1
        self._fills.clear()
        yield EnterStep(None, "sell" if message.side == "buy" else "buy", "ioc", message.price_e4, message.shares)
        made = {(maker, price) for maker, price, _ in self._fills}
        if made == {(key, message.price_e4)} and sum(q for *_, q in self._fills) == message.shares:
            self._counts["met"] += 1

    def _withdraw(self, level: Level, key: Key, shares: int) -> Iterator[Step]:
        """Take shares off the order, and what it lacks off others that have more than recorded.

        They have it where the venue executed one order and the recording another.
        """
        resting, book = self._resting[level], self._book[level]
        for other in (key, *resting):
            spare = resting.get(other, 0) - (0 if other == key else book.get(other, 0))
            taken = min(shares, max(0, spare))
            if taken:
                shares -= taken
                yield self._reduce(level, other, taken)

    def _enter_by_number(self, message: LobsterMessage) -> Iterator[Step]:
        """Place what rested before, as far as messages name it: when the numbers of new orders pass its own."""
        for order_id, level in self._named.due(message):
            shares = self._named.later[order_id]
            if shares:
                self._counts["placed"] += 1
                self._prices[level[0]].add(level[1])
                self._book[level][order_id] = shares
                yield self._enter_step(order_id, level, shares)

    def _clear_way(self, message: LobsterMessage) -> Iterator[Step]:
        """Cancel what an execution or a new order shows to be gone: better priced than what was executed, crossed by
        what rests, or before the executed order in its queue and never named again."""
        side, price = message.side, message.price_e4
        if message.kind is MessageType.NEW_ORDER:
            yield from self._drop_best("sell" if side == "buy" else "buy", price, touching=True)
            self._prices[side].add(price)
        elif message.kind is MessageType.EXECUTION:
            yield from self._drop_best(side, price, touching=False)
            queue = self._book[side, price]
            ahead = list(queue)[: list(queue).index(message.order_id)] if message.order_id in queue else []
            gone = [key for key in ahead if not self._named.later[key]]
            for key in gone:
                del queue[key]
            self._counts["ended"] += len(gone)
            yield from self._remove_from((side, price), [key for key in gone if key in self._resting[side, price]])

    def _drop_best(self, side: RecordedSide, limit: int, touching: bool) -> Iterator[Step]:
        """Cancel every level of `side` that is better than `limit`, or at it where `touching`."""
        prices = self._prices[side]
        sign = -1 if side == "buy" else 1  # a lower number is better
        while prices:
            best = prices[0 if sign == 1 else -1]
            if sign * best > sign * limit or (best == limit and not touching):
                return
            prices.remove(best)
            self._counts["ended"] += len(self._book.pop((side, best), {}))
            yield from self._remove_from((side, best), list(self._resting[side, best]))

    # -- rows

    def _shown(self, message: LobsterMessage, before: LobsterDepth, row: LobsterDepth) -> Iterator[Step]:
        """Bring both books to what a row shows: first away with what is not shown, so that nothing crosses it."""
        self.shown = row
        changed: list[tuple[RecordedSide, list[tuple[int, int]], set[int]]] = []
        for side in _SIDES:
            levels, earlier = (depth.bids if side == "buy" else depth.asks for depth in (row, before))
            if levels != earlier or side == message.side:
                changed.append((side, levels, {price for price, _ in earlier}))
        for side, levels, was in changed:
            now = {price for price, _ in levels}
            unshown = message.kind is MessageType.NEW_ORDER and message.side == side and message.price_e4 not in now
            if now != was or unshown:
                yield from self._drop_unshown(side, now)
        for side, levels, was in changed:
            for price, shares in levels:
                level = (side, price)
                known = sum(self._book[level].values())
                if price not in was:
                    yield from self._enter(level, shares, known)
                elif known != shares:
                    self._counts["corrected"] += 1
                    yield from self._recompose(level, self._composed(level, shares))

    def _enter(self, level: Level, shares: int, known: int) -> Iterator[Step]:
        self._named.enters(level)
        if shares > known and self._seeded:
            self._counts["entered"] += 1
        before = self._book[level]
        wanted = self._composed(level, shares)
        if not self._seeded or list(wanted.items()) != list(before.items()):
            yield from self._recompose(level, wanted)
        self._counts["ended"] += len(before.keys() - wanted.keys() - {level})

    def _recompose(self, level: Level, wanted: Queue) -> Iterator[Step]:
        """Bring a level to this queue; orders that stay at its head keep their place."""
        self._book[level] = wanted.copy()
        resting, kept = self._resting[level], 0
        for key, asked in zip(list(resting), wanted, strict=False):
            if key != asked or resting[key] < wanted[key]:
                break
            kept += 1
            if resting[key] > wanted[key]:
                yield self._reduce(level, key, resting[key] - wanted[key])
        yield from self._remove_from(level, list(resting)[kept:])
        for key in list(wanted)[kept:]:
            yield self._enter_step(key, level, wanted[key])

    def _composed(self, level: Level, shares: int) -> Queue:
        """`shares` at a level by order, first to trade first.

        Surest is what messages take while the level is shown, then what they take later, then what
        was there when it was last seen; the rest is nobody's that is named. As long as it is
        shown every change is a message, so what none names is behind whatever is executed.
        """
        queue, during = self._book[level], self._taken_during_stay(level)
        ended = self._named.ended_in_stay(level)
        given: Queue = {}
        room = shares
        for sure in (during, self._named.later, queue):
            for key in chain(during, queue):
                wanted = sure.get(key, 0)
                if sure is not during and key in queue:
                    wanted = 0 if key in ended else min(wanted, queue[key])
                more = min(room, wanted - given.get(key, 0))
                if more > 0:
                    given[key] = given.get(key, 0) + more
                    room -= more
        numbers = sorted(key for key in given if isinstance(key, int))
        order: list[Key] = [number for number in numbers if number in during]
        order += [number for number in numbers if number not in during]
        unnamed = given.get(level, 0) + room
        return {key: given[key] for key in order} | ({level: unnamed} if unnamed else {})

    def _taken_during_stay(self, level: Level) -> Queue:
        """What messages take, as long as the level is shown, from orders that are there already."""
        takes, queue = self._named.during_stay(level), self._book[level]
        return {key: taken for key, taken in takes.items() if key in queue or key not in self._named.to_enter}

    def _drop_unshown(self, side: RecordedSide, shown: set[int]) -> Iterator[Step]:
        """Cancel what would have to be shown and is not: it ended while its level was out of the window."""
        edge = None if len(shown) < self.levels else (min if side == "buy" else max)(shown)
        for level, queue in list(self._book.items()):
            inside = edge is None or (level[1] > edge if side == "buy" else level[1] < edge)
            if level[0] == side and inside and level[1] not in shown:
                self._counts["ended"] += len(queue)
                del self._book[level]
                yield from self._remove_from(level, list(self._resting[level]))
                del self._resting[level]

    # -- the venue's book

    def _enter_step(self, key: Key, level: Level, shares: int) -> EnterStep:
        self._fills.clear()
        self._whole[key] = self._resting[level][key] = shares
        self._level_of[key] = level
        return EnterStep(key, level[0], "limit", level[1], shares)

    def _reduce(self, level: Level, key: Key, shares: int) -> Step:
        left = self._resting[level][key] - shares
        self._take(self._resting[level], key, shares)
        if left <= 0:
            return CancelStep(key)
        self._whole[key] -= shares
        return ReduceStep(key, self._whole[key])

    def _remove_from(self, level: Level, keys: list[Key]) -> Iterator[Step]:
        for key in keys:
            yield self._reduce(level, key, self._resting[level][key])

    @staticmethod
    def _take(queue: Queue, key: Key, shares: int) -> None:
        left = queue.get(key, 0) - shares
        if left > 0:
            queue[key] = left
        else:
            queue.pop(key, None)


class _Named:
    """What the messages still to come take from each order, in all and while its level is shown as it is now."""

    def __init__(self, messages: Sequence[LobsterMessage], depths: Iterable[LobsterDepth] | None) -> None:
        self.later: Counter[Key] = Counter()
        self.most_levels = 0
        self.hidden = sum(m.kind is MessageType.HIDDEN_EXECUTION for m in messages)
        self.crosses = sum(m.kind is MessageType.CROSS for m in messages)
        played = messages if depths is None else messages[1:]
        new = [m.order_id for m in played if m.kind is MessageType.NEW_ORDER]
        self.to_enter = set(new)
        self._stay: Counter[Level] = Counter()  # how often the level has entered
        self._takes: defaultdict[tuple[Level, int], Counter[Key]] = defaultdict(Counter)
        self._ended: defaultdict[tuple[Level, int], set[Key]] = defaultdict(set)
        self._unseen: dict[int, Level] = {}  # named and never entered, the oldest first; only without rows
        self._newest = new[0] if new else 0  # the greatest number of an order so far
        if depths is None:
            self._find_unseen(messages)
        else:
            self._read(messages, depths)
            self._stay.clear()

    def enters(self, level: Level) -> None:
        """The level is shown anew."""
        self._stay[level] += 1

    def during_stay(self, level: Level) -> Counter[Key]:
        """The shares that messages take from each order until the level leaves."""
        return self._takes[level, self._stay[level]]

    def ended_in_stay(self, level: Level) -> set[Key]:
        """The orders of which nothing is left when the level leaves: deleted, or executed before another one."""
        return self._ended[level, self._stay[level]]

    def came(self, level: Level, message: LobsterMessage) -> None:
        """A message that takes shares is played; it is no longer to come."""
        for takes in (self.later, self.during_stay(level)):
            takes[message.order_id] -= message.shares
            if takes[message.order_id] <= 0:
                del takes[message.order_id]

    def due(self, message: LobsterMessage) -> Iterator[tuple[int, Level]]:
        """The orders that never entered and rest by now: older than the newest, or what `message` takes from."""
        if message.kind is MessageType.NEW_ORDER:
            self._newest = max(self._newest, message.order_id)
        while self._unseen and (oldest := next(iter(self._unseen))) < self._newest:
            yield oldest, self._unseen.pop(oldest)
        if message.order_id in self._unseen:
            yield message.order_id, self._unseen.pop(message.order_id)

    def _read(self, messages: Sequence[LobsterMessage], depths: Iterable[LobsterDepth]) -> None:
        shown: set[Level] = set()
        executed: dict[tuple[Level, int], int] = {}  # the last order at the level
        rows = 0
        for row in depths:
            rows += 1
            if rows > len(messages):
                break
            message = messages[rows - 1]
            if rows > 1 and message.kind in _TAKES:
                level = (message.side, message.price_e4)
                stay = (level, self._stay[level])
                self.later[message.order_id] += message.shares
                self._takes[stay][message.order_id] += message.shares
                if message.kind is MessageType.DELETE:
                    self._ended[stay].add(message.order_id)
                elif message.kind is MessageType.EXECUTION:
                    before = executed.get(stay, message.order_id)
                    if before != message.order_id:
                        self._ended[stay].add(before)
                    executed[stay] = message.order_id
            now: set[Level] = {("buy", price) for price, _ in row.bids} | {("sell", price) for price, _ in row.asks}
            self._stay.update(now - shown)
            shown = now
            self.most_levels = max(self.most_levels, len(row.asks), len(row.bids))
        if rows != len(messages):
            counted = f"{rows:,}" if rows < len(messages) else f"more than {len(messages):,}"
            raise RecordError(
                f"{len(messages):,} messages and {counted} rows of the book do not go together: "
                "each message has its row"
            )

    def _find_unseen(self, messages: Sequence[LobsterMessage]) -> None:
        found: dict[int, Level] = {}
        for message in messages:
            if message.kind in _TAKES:
                self.later[message.order_id] += message.shares
                if message.order_id not in self.to_enter:
                    found.setdefault(message.order_id, (message.side, message.price_e4))
        self._unseen = dict(sorted(found.items()))


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
