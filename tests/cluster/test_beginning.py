"""How a node begins: what other nodes say, and where it is killed on the way."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from cluster import joining
from cluster.failures import ClusterError
from cluster.joining import JOURNAL, SNAPSHOTS, NameTaken, SecretDiffers, begin_with_snapshot, require_place
from cluster.keys import Keys
from cluster.known_nodes import addresses_of, nodes_of
from cluster.peer_client import PeerError
from cluster.peer_frames import NodeState
from cluster.records import START, position_of
from cluster.store import LogStore, Outcome
from engine.commands import AdvanceTime
from engine.exchange import Exchange
from engine.types import Seq
from journal.codec import seal
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from replica.recovery import recover
from tests.cluster.scripted_store import ScriptedStore, entry


def no_store() -> LogStore:
    """A store that is asked nothing."""
    return cast(LogStore, ScriptedStore([]))


@pytest.mark.parametrize("step", ["make_journal_behind", "path_of"])
def test_a_node_that_is_killed_while_it_begins_with_a_snapshot_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    there, data = SnapshotFolder(tmp_path / "there", "test"), tmp_path / "data"
    data.mkdir()
    record, exchange = seal(1, 5, 1, [AdvanceTime()]), Exchange()
    exchange.apply(AdvanceTime(), Seq(1), 5)
    file = there.save(exchange, record, {})

    def fetched(*asked: Any) -> Path:
        incoming = data / "incoming"
        incoming.mkdir()
        return Path(shutil.copy(file.path, incoming))

    def begin() -> None:
        begin_with_snapshot(no_store(), Keys("c"), "a", data, 1, None)

    def killed(*asked: Any) -> Any:
        raise InterruptedError("killed")

    monkeypatch.setattr(joining, "_fetched", fetched)
    with monkeypatch.context() as patched:
        patched.setattr(joining if step == "make_journal_behind" else SnapshotFolder, step, killed)
        with pytest.raises(InterruptedError):
            begin()
    with contextlib.closing(SqliteJournal(data / JOURNAL)) as journal:
        assert position_of(journal.last) == START  # so the next start takes a snapshot again
    begin()
    with contextlib.closing(SqliteJournal(data / JOURNAL)) as journal:
        assert journal.last is not None
        found = recover(journal, SnapshotFolder(data / SNAPSHOTS, "test"), lambda exchange: [], lambda seq: None)
        assert found.follower.exchange.seq == 1


def test_a_node_that_cannot_be_read_hides_no_other() -> None:
    keys, there = Keys("c"), NodeState(name="b", boot="boot", role="follower")
    values = {"a": b"{", "b": msgspec.json.encode(there), "c": b"\xff", "d": b'{"name":"\xff","boot":"","role":""}'}
    found = tuple(entry(keys.node(name), value) for name, value in values.items())
    assert nodes_of(cast(LogStore, ScriptedStore([Outcome(True, 10, (found,))])), keys) == [there]


def test_an_address_that_cannot_be_read_hides_no_other() -> None:
    keys = Keys("c")
    values = {"a": b"\xff[", "b": b"http://127.0.0.1:5000"}
    found = tuple(entry(keys.address(name), value) for name, value in values.items())
    listed = addresses_of(cast(LogStore, ScriptedStore([Outcome(True, 10, (found,))])), keys)
    assert listed == {"b": "http://127.0.0.1:5000"}


def answering(name: str, fingerprint: str = "") -> NodeState:
    """A node that answers."""
    return NodeState(name=name, boot=f"{name}1", role="writer", secret_fingerprint=fingerprint)


@pytest.mark.parametrize(
    ("name", "said", "problem"),
    [
        ("a", answering("b", "ours"), None),
        ("a", answering("b"), None),  # of a version that does not say it
        ("a", answering("b", "another"), SecretDiffers),
        ("a", answering("x", "another"), None),
        ("b", answering("b", "ours"), NameTaken),
        ("a", answering("a", "ours"), None),
        ("b", None, None),
    ],
)
def test_only_a_node_that_answers_where_it_is_known_leaves_another_no_place(
    name: str, said: NodeState | None, problem: type[ClusterError] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever answers under another name has only the port that the node had: it may be of another cluster."""

    class Peer:
        def __init__(self, address: str, tls: object) -> None:
            if said is None:
                raise PeerError(f"nobody listens at {address}")

        def state(self) -> NodeState:
            return cast(NodeState, said)

        def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(joining, "PeerClient", Peer)
    keys = Keys("c")
    known = msgspec.json.encode(NodeState(name="b", boot="b0", role="writer", peer="127.0.0.1:5001"))
    store = cast(LogStore, ScriptedStore([Outcome(True, 10, ((entry(keys.node("b"), known),),))]))
    with pytest.raises(problem) if problem is not None else contextlib.nullcontext():
        require_place(store, keys, name, "ours", None)
