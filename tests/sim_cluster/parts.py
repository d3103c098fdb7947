"""What of the product is simulated: a mutant puts something else in the place of one of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from cluster.append import Appender
from cluster.link_server import LinkServer
from cluster.log_reader import LogReader
from cluster.ownership import OwnerKey
from cluster.remote_sequencer import RemoteSequencer
from cluster.trimming import Trimmer
from engine.exchange import Exchange
from journal.codec import BatchRecord
from journal.committer import Committer
from projections.submissions import SubmissionWindow
from replica.follower import Follower
from sequencer.sequencer import Sequencer

if TYPE_CHECKING:
    from tests.sim_cluster.node import Node


def follower_of(_node: Node, exchange: Exchange, last: BatchRecord | None) -> Follower:
    """The follower of a node."""
    return Follower(exchange, last)


class Parts(msgspec.Struct):
    """The product's classes, each as it is built."""

    appender: Callable[..., Any] = Appender
    owner_key: Callable[..., Any] = OwnerKey
    reader: Callable[..., Any] = LogReader
    trimmer: Callable[..., Any] = Trimmer
    remote: Callable[..., Any] = RemoteSequencer
    link_server: Callable[..., Any] = LinkServer
    window: Callable[..., Any] = SubmissionWindow
    follower: Callable[..., Any] = follower_of
    committer: Callable[..., Any] = Committer
    sequencer: Callable[..., Any] = Sequencer
