"""`openbell cluster status` says what to do about a log that has little space left."""

from __future__ import annotations

import pytest

from cluster.space import Space, SpaceLevel
from cluster.space_advice import advice_on

URLS = "http://10.0.0.1:2379,http://10.0.0.2:2379"


def said(level: SpaceLevel, *nodes: str) -> str:
    return "\n".join(advice_on(Space(level, 90, 80, 100), URLS, nodes))


@pytest.mark.parametrize("level", [SpaceLevel.NORMAL, SpaceLevel.WARN])
def test_where_there_is_space_nothing_is_to_be_done(level: SpaceLevel) -> None:
    assert said(level) == ""
    assert advice_on(None, URLS, ()) == []


def test_of_a_full_log_every_command_is_said_with_its_members() -> None:
    text = said(SpaceLevel.FULL, "a", "b")
    for command in ("compaction REVISION", "defrag", "alarm disarm", "get / --prefix --keys-only"):
        assert f"etcdctl --endpoints {URLS} {command}" in text
    assert "no node can become the writer" in text
    assert "--snapshot-every" not in text, "two nodes have snapshots"


def test_with_little_space_left_no_alarm_is_to_be_ended() -> None:
    text = said(SpaceLevel.CANCELS_ONLY, "a", "b")
    assert "only cancels are taken" in text
    assert "80%" in text
    assert "--quota-backend-bytes" in text
    assert "alarm" not in text


@pytest.mark.parametrize(("nodes", "have"), [((), "none"), (("a",), "a")])
def test_a_log_that_cannot_be_trimmed_says_whose_snapshots_are_missing(nodes: tuple[str, ...], have: str) -> None:
    assert f"those that have one are: {have}." in said(SpaceLevel.FULL, *nodes)
