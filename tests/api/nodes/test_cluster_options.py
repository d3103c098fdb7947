"""What the options of a node ask of each other."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from api.cluster_options import check_cluster
from api.settings import Settings

FILE = Path("file.pem")


def node(listen: str) -> Settings:
    """A node with certificates that listens there for others."""
    return Settings(
        cluster="https://10.0.0.1:2379",
        node="a",
        node_listen=listen,
        cluster_ca=FILE,
        cluster_cert=FILE,
        cluster_key=FILE,
        identity_url="postgresql://10.0.0.1/openbell",
        secret_file=FILE,
    )


@pytest.mark.parametrize("listen", ["0.0.0.0:5100", "[::]:5100", "10.0.0.1", ":5100", "10.0.0.1:65535"])
def test_a_node_listens_where_others_reach_it(listen: str) -> None:
    check_cluster(node("10.0.0.1:5100"))
    with pytest.raises(click.UsageError, match="--node-listen"):
        check_cluster(node(listen))
