"""Three etcd members for all tests of this folder that leave them as they were: running, and with a leader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.replicated_log import ReplicatedLog, replicated_log
from tests.etcd import EtcdCluster, running_etcd


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    """Three members. A test that kills or pauses one has it run again at its end."""
    with running_etcd(tmp_path_factory.mktemp("etcd")) as cluster:
        yield cluster


@pytest.fixture
def log(etcd: EtcdCluster) -> Iterator[ReplicatedLog]:
    """A log of one's own."""
    with replicated_log(etcd) as made:
        yield made
