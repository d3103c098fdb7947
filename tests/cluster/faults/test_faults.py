"""A minute of a cluster under load in which eight things go wrong: nothing acknowledged is lost, and nothing is twice.

How long clients wait is printed and not asserted: `python -m tests.cluster.faults` has the bounds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgres
from tests.cluster.faults import rows
from tests.cluster.faults.campaign import Fault, campaign
from tests.cluster.faults.clustered import Cluster, Setting, cluster
from tests.cluster.faults.load import Load
from tests.cluster.faults.network import can_isolate
from tests.cluster.faults.table import table
from tests.etcd import needs_etcd

TRADERS = 6
PACE_S = 0.02  # between an answer and the next request: the minute is for faults, not for orders

pytestmark = [
    needs_etcd,
    pytest.mark.skipif(postgres.absent() is not None, reason=str(postgres.absent())),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


def eight(venue: Cluster, *, on_hosts: bool) -> list[Fault]:
    """Faults in their turn; where there are hosts two of them are cuts of the network."""
    cuts = [
        Fault("the writer's host is cut off", 5, lambda: rows.cut_writer(venue, 2.5)),
        Fault("what the writer's host sends is lost", 5, lambda: rows.mute_writer(venue, 2.5)),
    ]
    others = [
        Fault("kill -9 of a follower", 0.5, lambda: rows.kill_follower(venue)),
        Fault("kill -9 of all nodes", None, lambda: rows.kill_nodes(venue)),
    ]
    return [
        Fault("kill -9 of the writer", 0.5, lambda: rows.kill_writer(venue)),
        Fault("the log's leader stands still", 3, lambda: rows.pause_leader(venue, 2.0)),
        Fault("the writer stands still", 3, lambda: rows.pause_writer(venue, 2.5)),
        Fault("kill -9 of the log's leader", 3, lambda: rows.kill_leader(venue)),
        *(cuts if on_hosts else others),
        Fault("kill -9 of the writer and the log's leader", 4, lambda: rows.kill_writer_and_leader(venue)),
        Fault("kill -9 of all members of the log", 4, lambda: rows.kill_log(venue)),
    ]


def test_eight_faults_in_a_minute_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    on_hosts = can_isolate()
    with cluster(tmp_path, Setting(on_hosts=on_hosts)) as venue:
        run = campaign(venue, eight(venue, on_hosts=on_hosts), Load(venue.doors, TRADERS, PACE_S), tmp_path / "scratch")
    verdict = run.verdict()
    print(table(run.strikes))
    print(verdict, dict(run.refusals))
    assert verdict.broken == []
    assert run.unanswered == []
    assert len(run.strikes) == 8
    assert verdict.orders > 100
    assert {len(digests) > 0 for digests in run.live_digests.values()} == {True}
