"""One plan that was set, for an account or for the whole venue: what of it is active now, and what it did.

Layer: api.faults.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from eventlet.event import Event

from api.faults.draws import uniform
from api.faults.plan import FEED_KINDS, Kind, Plan, Step, begin_of, end_of, length_of
from engine.types import AccountId

ACCOUNTS_MAX: Final = 10_000  # whose requests a plan for the venue counts apart; of more the oldest begin anew


class StepState:
    """How often a step was asked about, and how many are left of a burst."""

    __slots__ = ("_left", "asked")

    def __init__(self) -> None:
        self.asked = 0
        self._left = 0

    def is_hit(self, step: Step, draw: Callable[[int], float]) -> bool:
        """Whether the next one is touched. `draw` gives the number of the so-manyth, from 0 to below 1."""
        self.asked += 1
        if self._left:
            self._left -= 1
            return True
        if step.every is not None:
            hit = self.asked % step.every == 0
        else:
            hit = step.probability is None or draw(self.asked) < float(step.probability)
        if hit:
            self._left = step.burst - 1
        return hit


class Hit(NamedTuple):
    """A step that touches a request."""

    profile: Profile
    step: Step
    drawn: float  # from 0 to below 1, for what else depends on chance


class Profile:
    """A plan from when it was set until it ends."""

    __slots__ = ("_states", "_steps", "account", "began", "ended", "injected", "plan", "set_ns")

    def __init__(self, plan: Plan, account: AccountId | None, set_ns: int, began_ago_s: float = 0.0) -> None:
        """`account`: whose it is; None: the venue's. `set_ns`: the venue's time; `began_ago_s`: of before."""
        self.plan = plan
        self.account = account
        self.set_ns = set_ns
        self.began = time.monotonic() - began_ago_s
        self.ended = Event()  # sent when it ends, for whose answers are delayed by it
        self.injected: Counter[Kind] = Counter()
        self._steps = [(number, step, begin_of(step), end_of(step)) for number, step in enumerate(plan.step)]
        self._states: dict[AccountId | None, list[StepState]] = {}

    @property
    def elapsed_s(self) -> float:
        """The seconds since it was set."""
        return time.monotonic() - self.began

    @property
    def ends_in_s(self) -> float:
        """The seconds until its last step is over."""
        return length_of(self.plan) - self.elapsed_s

    @property
    def next_change_s(self) -> float:
        """The seconds until a step begins or ends."""
        now = self.elapsed_s
        moments = [moment for _, _, begins, ends in self._steps for moment in (begins, ends) if moment > now]
        return max(0.0, min(moments) - now) if moments else 0.0

    def steps_now(self) -> Iterable[tuple[int, Step]]:
        """The steps that are active, with their numbers. O(steps)."""
        now = self.elapsed_s
        return [(number, step) for number, step, begins, ends in self._steps if begins <= now < ends]

    @property
    def kinds_now(self) -> list[Kind]:
        """The kinds of fault that are active, each once, as the plan names them."""
        return list(dict.fromkeys(step.kind for _, step in self.steps_now()))

    def hits(self, account: AccountId | None, concerned: Callable[[Step], bool]) -> list[Hit]:
        """The steps that touch a request of `account`, as far as they are `concerned` with it. O(steps)."""
        found: list[Hit] = []
        states: list[StepState] | None = None
        whose = "" if self.account is not None else account
        for number, step in self.steps_now():
            if step.kind in FEED_KINDS or not concerned(step):
                continue
            states = states or self._states_of(account)
            state = states[number]
            if state.is_hit(step, lambda asked, number=number: uniform(self.plan.seed, whose, number, asked)):  # type: ignore[misc]
                found.append(Hit(self, step, uniform(self.plan.seed, whose, number, state.asked, "how much")))
        return found

    def _states_of(self, account: AccountId | None) -> list[StepState]:
        states = self._states.get(account)
        if states is None:
            if len(self._states) >= ACCOUNTS_MAX:
                del self._states[next(iter(self._states))]
            states = self._states[account] = [StepState() for _ in self._steps]
        return states
