"""Which step a node takes next."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.challenge import RANK_S
from cluster.roles import BETWEEN_S, CLOCK_APART_NS, Step, View, clock_agrees, next_step, rank_of, why_not

OTHER = ("b", "boot-b")


def view(**seen: Any) -> View:
    """A node `a` at second 100, up to date, that sees what is said."""
    usual: dict[str, Any] = {"now": 100.0, "name": "a", "boot": "boot-a", "owner": OTHER, "behind": 0}
    return View(**usual | seen)


def test_a_node_follows_a_writer_that_answers() -> None:
    assert next_step(view()) is Step.FOLLOW


def test_the_writer_goes_on_whatever_it_sees() -> None:
    assert next_step(view(owner=("a", "boot-a"), behind=None, clock_apart=[CLOCK_APART_NS * 2])) is Step.WRITE


def test_a_writer_that_is_asked_to_stand_down_resigns() -> None:
    assert next_step(view(owner=("a", "boot-a"), stands_down=True)) is Step.RESIGN


def test_a_node_stands_where_nobody_owns_the_log() -> None:
    assert next_step(view(owner=None, vacant_since=100.0)) is Step.STAND


def test_a_node_of_a_later_rank_stands_later() -> None:
    later = view(owner=None, vacant_since=100.0, rank=2)
    assert next_step(later) is Step.FOLLOW
    assert next_step(view(owner=None, vacant_since=100.0, rank=2, now=100.0 + 2 * RANK_S)) is Step.STAND


def test_a_writer_is_challenged_when_that_is_due() -> None:
    assert next_step(view(challenge_is_due=True)) is Step.CHALLENGE


def test_a_node_challenges_once_in_five_seconds() -> None:
    assert next_step(view(challenge_is_due=True, challenged_at=99.0)) is Step.FOLLOW
    assert next_step(view(challenge_is_due=True, challenged_at=100.0 - BETWEEN_S)) is Step.CHALLENGE


def test_a_node_that_was_started_again_challenges_its_own_earlier_process() -> None:
    assert next_step(view(owner=("a", "an earlier boot"))) is Step.CHALLENGE


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({"behind": 2}, "2 records behind"),
        ({"behind": None}, "does not know"),
        ({"stands_down": True}, "asked to stand down"),
        ({"clock_apart": [CLOCK_APART_NS + 1, CLOCK_APART_NS + 1]}, "clock is more than 2 s off"),
    ],
)
def test_a_node_that_is_not_fit_to_write_neither_stands_nor_challenges(seen: dict[str, Any], why: str) -> None:
    assert next_step(view(owner=None, vacant_since=0.0, **seen)) is Step.FOLLOW
    assert next_step(view(challenge_is_due=True, **seen)) is Step.FOLLOW
    assert why in (why_not(view(**seen)) or "")


def test_a_node_one_record_behind_may_stand() -> None:
    assert next_step(view(owner=None, vacant_since=100.0, behind=1)) is Step.STAND


def test_of_two_nodes_that_differ_the_records_times_say_whose_clock_is_right() -> None:
    hour = 3_600 * 10**9
    assert clock_agrees([hour, 0])  # the other node is off, the records are not
    assert not clock_agrees([-hour, -hour])  # this node is
    assert clock_agrees([CLOCK_APART_NS, CLOCK_APART_NS])  # as much as may be
    assert not clock_agrees([hour, hour + CLOCK_APART_NS])  # as those among themselves
    assert clock_agrees([])


def test_a_node_is_barred_only_where_more_others_agree_with_each_other_than_with_it() -> None:
    hour = 3600 * 10**9
    assert clock_agrees([hour])  # it alone is left beside another one
    assert clock_agrees([hour, -hour])  # all are apart: somebody must stand
    assert clock_agrees([0, hour, hour])  # as many as differ
    assert not clock_agrees([hour, hour])
    assert not clock_agrees([0, hour, hour, hour])


def test_a_rank_is_a_nodes_place_among_the_names() -> None:
    assert [rank_of(name, ["c", "a"]) for name in ("a", "b", "c")] == [0, 1, 1]
