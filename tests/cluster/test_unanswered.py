"""What has no answer is kept in the order in which it was made, and leaves once."""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cluster.unanswered import Unanswered, UnansweredSubmissions, unknown_outcome
from engine.commands import AdvanceTime, Command
from sequencer.port import NO_DEADLINE, Submit
from tests.cluster.trading import order as any_order


class UnansweredMachine(RuleBasedStateMachine):
    """Against a list of those that are left."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = UnansweredSubmissions()
        self.left: list[Unanswered] = []
        self.made = 0
        self.now = 0.0

    @rule(commands=st.integers(1, 3), after_s=st.floats(0, 5))
    def one_is_made(self, commands: int, after_s: float) -> None:
        self.made += 1
        self.now += after_s
        submission = Submit(self.made.to_bytes(16, "big"), NO_DEADLINE, 0, b"", [AdvanceTime()] * commands)
        one = Unanswered(submission, b"", self.now)
        self.kept.add(one)
        self.left.append(one)

    @precondition(lambda self: self.left)
    @rule(place=st.integers(0))
    def one_is_answered(self, place: int) -> None:
        one = self.left.pop(place % len(self.left))
        assert self.kept.take(one.submission.key) is one
        assert self.kept.take(one.submission.key) is None

    @rule(before_s=st.floats(0, 10))
    def those_that_wait_for_too_long_leave(self, before_s: float) -> None:
        before = self.now - before_s
        overdue = [one for one in self.left if one.since < before]
        assert self.kept.overdue(before) == overdue
        self.left = self.left[len(overdue) :]

    @rule()
    def they_may_leave_while_they_are_gone_through(self) -> None:
        for one in self.kept:
            self.kept.take(one.submission.key)
        self.left = []

    @invariant()
    def they_are_those_that_are_left(self) -> None:
        assert list(self.kept) == self.left
        assert len(self.kept) == len(self.left)
        assert self.kept.commands == sum(len(one.submission.commands) for one in self.left)
        assert all(self.kept.get(one.submission.key) is one for one in self.left)


TestUnanswered = UnansweredMachine.TestCase
TestUnanswered.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_an_order_of_which_nobody_can_say_what_became_of_it_is_named_where_it_was_alone() -> None:
    order = any_order(1, random.Random(1), "mine")

    def unknown(*commands: Command) -> tuple[bytes, str | None]:
        submission = Submit(bytes(16), NO_DEADLINE, 0, b"", list(commands))
        problem = unknown_outcome(Unanswered(submission, b"", 0.0))
        return problem.key, problem.client_order_id

    assert unknown(order) == (bytes(16), "mine")
    assert unknown(order, order) == (bytes(16), None)
    assert unknown(AdvanceTime()) == (bytes(16), None)
