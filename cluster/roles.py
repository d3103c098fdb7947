"""Which step a node takes next: follow, challenge a writer that does not answer, stand for writer, or lay it down.

A pure function of what the node sees, so that every rule of it is a test. Nothing here is a matter of safety: whoever
stands at the wrong moment is refused by the compare of the log. It is what makes failover soon, and not twice.

The rules, first that applies:

- the writer goes on, unless it was asked to stand down: then it resigns;
- who was asked to stand down, is more than `BEHIND_MAX` records behind, or has a clock from which more of those
  that it can compare with differ together, by more than `CLOCK_APART_NS`, than agree with it, follows;
- no owner: it stands, by its rank a little later than those before it;
- who has challenged in the last `BETWEEN_S` seconds follows;
- the owner is an earlier process of this very node, or its challenge is due (`cluster.challenge`): it is challenged.

Layer: cluster. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from cluster.challenge import RANK_S

BEHIND_MAX: Final = 1
BETWEEN_S: Final = 5.0  # between two challenges
CLOCK_APART_NS: Final = 2_000_000_000


class Step(StrEnum):
    """What a node does next."""

    FOLLOW = "follow"
    WRITE = "write"  # it is the writer, and goes on
    RESIGN = "resign"
    CHALLENGE = "challenge"
    STAND = "stand"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a node sees. Seconds are of its steady clock."""

    now: float
    name: str
    boot: str  # of this process
    owner: tuple[str, str] | None  # name and boot of the process that owns the log; None: nobody does
    vacant_since: float = 0.0  # where nobody does
    behind: int | None  # records behind the head; None: not known
    rank: int = 0  # among those that may stand: 0 is the first
    challenge_is_due: bool = False
    challenged_at: float | None = None  # when this node challenged last
    clock_apart: Sequence[int] = ()  # nanoseconds of this node's clock ahead of each that it can compare with
    stands_down: bool = False


def next_step(view: View) -> Step:
    """What this node does next."""
    if view.owner == (view.name, view.boot):
        return Step.RESIGN if view.stands_down else Step.WRITE
    if why_not(view) is not None:
        return Step.FOLLOW
    if view.owner is None:
        return Step.STAND if view.now >= view.vacant_since + view.rank * RANK_S else Step.FOLLOW
    if view.challenged_at is not None and view.now < view.challenged_at + BETWEEN_S:
        return Step.FOLLOW
    # whoever has this node's data folder open is this process, so an earlier one is no more
    return Step.CHALLENGE if view.challenge_is_due or view.owner[0] == view.name else Step.FOLLOW


def why_not(view: View) -> str | None:
    """Why this node does not stand for writer, in words; None where it may."""
    if view.stands_down:
        return "it was asked to stand down"
    if view.behind is None:
        return "it does not know how far the log is"
    if view.behind > BEHIND_MAX:
        return f"it is {view.behind} records behind"
    if not clock_agrees(view.clock_apart):
        return f"its clock is more than {CLOCK_APART_NS // 10**9} s off those of most others"
    return None


def clock_agrees(apart_ns: Sequence[int]) -> bool:
    """Whether no more of those that a clock was compared with agree among themselves than agree with it. O(n^2).

    It counts for itself: so of three that are all apart none is barred, or nobody would ever stand again.
    """
    agreeing = 1 + sum(1 for apart in apart_ns if abs(apart) <= CLOCK_APART_NS)
    others = [sum(1 for other in apart_ns if abs(other - apart) <= CLOCK_APART_NS) for apart in apart_ns]
    return agreeing >= max(others, default=0)


def rank_of(name: str, others: Sequence[str]) -> int:
    """The place of `name` among the names of the nodes that may stand, itself included or not. O(nodes log nodes)."""
    return sorted({*others, name}).index(name)
