"""What is to be known of the nodes while the log does not answer: where they were, and what each says itself.

A member of etcd that runs alone says what it had. That may be old, so nothing is decided by it but whom to ask.
Layer: cluster. Blocks.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable

from cluster.keys import Keys
from cluster.known_nodes import nodes_of
from cluster.peer_client import PeerClient, PeerError, split_address
from cluster.peer_frames import NodeState
from cluster.store import LogStore, StoreError


def nodes_last_known(members: Iterable[LogStore], keys: Keys) -> list[NodeState]:
    """What each node had said of itself, as far as a member that runs still has it; by name.

    `members`: for each a store that reads what the member itself has.
    """
    found: dict[str, NodeState] = {}
    for store in members:
        with contextlib.suppress(StoreError):
            for state in nodes_of(store, keys):
                if state.name not in found or found[state.name].wall_ns < state.wall_ns:
                    found[state.name] = state
    return [found[name] for name in sorted(found)]


def states_of(
    known: Iterable[NodeState], listening: Iterable[str], tls: ssl.SSLContext | None
) -> tuple[list[tuple[NodeState, bool]], list[str]]:
    """Each node as it is now and that it answers, or as it was known; and the addresses where nobody answers.

    `listening`: further nodes, each by what its `--node-listen` says; one that took a free port is not asked. Raises
    PeerError for what is no address.
    """
    found = {state.name: (state, False) for state in known}
    named = [address for each in listening if (address := _peer_of(each)) is not None]
    silent = []
    for peer in dict.fromkeys([state.peer for state, _ in found.values()] + named):
        try:
            with contextlib.closing(PeerClient(peer, tls)) as client:
                state = client.state()
        except PeerError:
            silent.append(peer)
        else:
            found[state.name] = (state, True)
    return list(found.values()), silent


def _peer_of(listening: str) -> str | None:
    """Where a node is asked: the port behind that of its link; None where that is any free one. Raises PeerError."""
    _, port = split_address(listening)
    return f"{listening.rpartition(':')[0]}:{port + 1}" if port else None
