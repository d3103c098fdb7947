"""What the naive exchange remembers of orders that are done, and of the names that orders were entered under.

By the first edition of the rules one line of done orders for everybody, by later ones a line for each account,
and what all the lines have no room for goes from the longest.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from engine.commands import EnterOrder

ALL_TOGETHER = 200_000  # orders that are done, in the first edition
OF_EACH = 50_000
OF_ALL = 1_000_000
STEP = 200  # lines are as long as each other that have begun as many steps; of one step nothing goes
HOUR_NS = 3600 * 10**9
FULL_HOURS = 24


class EndedOrder(NamedTuple):
    """An order that is done."""

    order_id: int
    name: str | None
    hour: int
    seq: int  # of the command in which it ended


class NaiveMemory:
    """Which orders are done, and who used which name."""

    def __init__(self, *, together: bool) -> None:
        self.together = together
        self.names: dict[tuple[int, str], tuple[int, EnterOrder]] = {}  # of open and done orders
        self.owners: dict[int, int] = {}  # of done orders
        self.everybody: deque[tuple[int, EndedOrder]] = deque()  # account, order: the oldest end first
        self.lines: dict[int, deque[EndedOrder]] = {}
        self.lost: dict[int, int] = {}  # account -> the seq by which all that it has lost had ended

    def first(self, account: int, name: str, ts_ns: int) -> tuple[int, EnterOrder] | None:
        """The order that uses a name."""
        self.age(account, ts_ns)
        return self.names.get((account, name))

    def is_done(self, account: int, order_id: int, ts_ns: int) -> bool:
        """Whether this is one of the account's done orders."""
        self.age(account, ts_ns)
        return self.owners.get(order_id) == account

    def unsure(self, account: int, name: str, looked_until: int | None, ts_ns: int) -> bool:
        """Whether a name that nobody uses may be one that was lost after it was looked for."""
        if looked_until is None or self.first(account, name, ts_ns) is not None:
            return False
        return self.lost.get(account, 0) > looked_until

    def end(self, account: int, ended: EndedOrder) -> None:
        """An order of `account` is done."""
        self.owners[ended.order_id] = account
        if self.together:
            self.everybody.append((account, ended))
            if len(self.everybody) > ALL_TOGETHER:
                owner, oldest = self.everybody.popleft()
                self.lose(owner, oldest, ended.seq)
            return
        self.add(account, ended)
        self.cut(ended.hour)

    def add(self, account: int, ended: EndedOrder) -> None:
        """An order that is done comes to the end of its account's line."""
        line = self.lines.setdefault(account, deque())
        line.append(ended)
        if len(line) > OF_EACH:
            oldest = line.popleft()
            self.lose(account, oldest, oldest.seq)

    def cut(self, hour: int) -> None:
        """Lose what is too much for all lines together."""
        for account in self.lines:
            self.age(account, hour * HOUR_NS)
        while sum(len(line) for line in self.lines.values()) > OF_ALL:
            longest = max(self.lines, key=lambda account: (math.ceil(len(self.lines[account]) / STEP), account))
            if len(self.lines[longest]) <= STEP:
                return
            oldest = self.lines[longest].popleft()
            self.lose(longest, oldest, oldest.seq)

    def part(self, seq: int, ts_ns: int) -> None:
        """From here on each account has its own line; those of the common one count as ended now."""
        if self.together:
            self.together = False
            for account, ended in self.everybody:
                self.add(account, ended._replace(hour=ts_ns // HOUR_NS, seq=seq))
            self.everybody.clear()
            self.cut(ts_ns // HOUR_NS)

    def age(self, account: int, ts_ns: int) -> None:
        """Lose what ended more than a day ago."""
        line = self.lines.get(account)
        while line and ts_ns // HOUR_NS - line[0].hour > FULL_HOURS:
            oldest = line.popleft()
            self.lose(account, oldest, oldest.seq)

    def lose(self, account: int, ended: EndedOrder, seq: int) -> None:
        """Know nothing of a done order any more."""
        del self.owners[ended.order_id]
        if ended.name is not None:
            del self.names[account, ended.name]
        self.lost[account] = seq
