"""A node's front door stays the same while the node follows, writes, is fenced, and follows again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import eventlet
import pytest

from cluster.channel import Channel
from cluster.link_client import WriterLink
from cluster.remote_sequencer import NO_WRITER, RemoteSequencer
from engine.digest import state_digest
from engine.events import Accepted, CommandResult, Rejected
from engine.exchange import Exchange
from journal.codec import BatchRecord, submissions_of
from journal.committer import Committer
from journal.port import JournalFenced
from journal.sqlite import SqliteJournal
from projections.submissions import SubmissionWindow
from replica.follower import Follower
from replica.frames import Record
from replica.replay import replay
from sequencer.port import AlreadySubmitted
from sequencer.sequencer import Sequencer
from tests.cluster.door import until
from tests.cluster.trading import KEY, opening, order


class FencedJournal(SqliteJournal):
    """A journal that another node may write from some moment on."""

    is_fenced = False

    def append(self, record: BatchRecord) -> None:
        """Append, while it is this node's."""
        if self.is_fenced:
            raise JournalFenced("another node is the owner")
        super().append(record)


class Node:
    """A node's front door, and the journal that its log is here."""

    def __init__(self, folder: Path) -> None:
        self.journal = FencedJournal(folder / "journal.sqlite")
        self.exchange = Exchange()
        self.batches: list[list[CommandResult]] = []
        self.door = RemoteSequencer(
            Follower(self.exchange),
            SubmissionWindow(),
            WriterLink(_nobody, "node"),
            clock=time.time_ns,
            on_invariant_violation=_raise,
            max_waiting=1_000,
            names_orders=False,
            patience_s=5.0,
        )
        self.door.listen(self.batches.append)
        self.door.start()
        self._committer: Committer | None = None
        self._sequencer: Sequencer | None = None

    def write(self) -> Sequencer:
        """Become the writer."""
        self.journal.is_fenced = False
        self._committer = Committer(self.journal)
        self._committer.start()
        self._sequencer = Sequencer(
            self.exchange,
            self._committer,
            self.journal.last,
            clock=time.time_ns,
            on_invariant_violation=_raise,
            max_batch=100,
            max_waiting=1_000,
            submissions=self.door.submissions,
            publication=self.door.publication,
        )
        self._sequencer.start()
        self.door.attach(self._sequencer)
        return self._sequencer

    def follow(self) -> None:
        """Be a follower again."""
        if self._sequencer is not None and self._committer is not None:
            self._sequencer.stop()
            self._committer.stop()
            self.door.detach(self.journal.last)
            self._sequencer = self._committer = None

    def close(self) -> None:
        """Stop everything."""
        self.door.stop()
        self.follow()
        self.journal.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node that follows; there is no writer."""
    node = Node(tmp_path)
    yield node
    node.close()


def _nobody() -> Channel:
    raise OSError("there is no writer")


def _raise(bug: BaseException) -> NoReturn:
    raise bug


def asked(call: Callable[[], Any]) -> Any:
    """A greenlet: what a call gives, or raises."""

    def attempt() -> Any:
        try:
            return call()
        except Exception as problem:
            return problem

    return eventlet.spawn(attempt)


def taken(node: Node) -> list[tuple[bytes, int]]:
    """The keys in the journal, each with its first seq."""
    return [
        (each.key, record.first_seq + each.place) for record in node.journal.read() for each in submissions_of(record)
    ]


def test_what_waits_for_a_writer_goes_to_the_one_that_this_node_becomes(node: Node) -> None:
    waiting = [asked(lambda: node.door.submit_all(opening(1)))]
    until(lambda: node.door.waiting_commands == len(opening(1)))
    node.write()
    first = waiting[0].wait()
    assert [result.seq for result in first] == [1, 2, 3]
    assert node.door.waiting_commands == 0
    assert node.door.submit(order(1, random.Random(1))).seq == 4
    assert [seq for _, seq in taken(node)] == [1, 4]


def test_what_a_fenced_writer_did_not_write_goes_to_the_next_one_once(node: Node) -> None:
    rng = random.Random(2)
    node.write()
    node.door.submit_all(opening(1))
    node.journal.is_fenced = True
    waiting = [asked(lambda: node.door.submit(order(1, rng))) for _ in range(10)]
    until(lambda: node.door.refusal == "another node sequences now")
    node.follow()
    assert not any(greenlet.dead for greenlet in waiting)
    node.write()
    results = [greenlet.wait() for greenlet in waiting]
    assert sorted(result.seq for result in results) == list(range(4, 14))
    assert len({key for key, _ in taken(node)}) == len(taken(node)) == 11


def test_records_of_another_writer_are_followed_before_and_after_writing(node: Node, tmp_path: Path) -> None:
    rng = random.Random(3)
    node.write()
    node.door.submit_all(opening(1))
    node.door.submit_as(KEY, [order(1, rng)])
    node.follow()
    (tmp_path / "other").mkdir()
    other = Node(tmp_path / "other")
    other.door.deliver([Record(record) for record in node.journal.read()])
    for record in node.journal.read():
        other.journal.append(record)
    until(lambda: other.door.applied_seq == node.door.applied_seq)
    writer = other.write()
    with pytest.raises(AlreadySubmitted):
        writer.submit_as(KEY, [order(1, random.Random(3))])
    after = [other.door.submit(order(1, rng)) for _ in range(5)]
    node.door.deliver([Record(record) for record in other.journal.read(node.journal.last.n)])  # type: ignore[union-attr]
    until(lambda: node.door.applied_seq == other.door.applied_seq)
    assert [applied for batch in node.batches for applied in batch][-5:] == after
    exchange = Exchange()
    replay(other.journal, exchange)
    assert state_digest(exchange) == state_digest(node.exchange) == state_digest(other.exchange)
    other.close()


def test_no_writer_begins_before_the_records_behind_it_are_applied(node: Node) -> None:
    node.write()
    node.door.submit_all(opening(1))
    node.follow()
    record = node.journal.last
    assert record is not None
    node.door.deliver([Record(record)])
    with pytest.raises(RuntimeError, match="records wait to be applied"):
        node.write()


def test_reading_in_turns_works_in_either_role(node: Node) -> None:
    assert node.door.read_in_turns(lambda: iter(())) == (0, None)  # type: ignore[arg-type, return-value]
    node.write()
    node.door.submit_all(opening(1))
    assert node.door.read_in_turns(lambda: iter(())) == (3, None)  # type: ignore[arg-type, return-value]


def test_a_node_without_a_writer_says_so_in_the_end(node: Node) -> None:
    until(lambda: node.door.refusal == NO_WRITER)
    node.write()
    assert node.door.refusal is None


def test_a_client_order_id_that_is_used_again_in_the_same_nanosecond_is_for_the_engine_to_judge(node: Node) -> None:
    """The venue's time stands where a writer's clock was ahead: then requests end at the same moment."""
    writer, rng = node.write(), random.Random(1)
    node.door.submit_all(opening(1))
    writer._clock = lambda: 0
    first = node.door.submit(order(1, rng, "mine"))
    again = node.door.submit(order(1, rng, "mine"))
    assert (again.seq, again.ts_ns) == (first.seq + 1, first.ts_ns)
    assert type(first.events[0]) is Accepted
    assert type(again.events[0]) is Rejected
