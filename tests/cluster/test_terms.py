"""A term of a writer ends in every case, and what goes on behind it is what the log allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn, cast

import eventlet
import pytest

from cluster import hosting, housekeeping
from cluster.archive import Archive
from cluster.challenge import Ping
from cluster.channel import listen_tcp
from cluster.housekeeping import Housekeeping, WriterNow
from cluster.journal import ClusterJournal
from cluster.keys import Head, Owner, encode_head
from cluster.known_nodes import KnownNodes
from cluster.node import UNKNOWN_S, Node, Role, Surroundings
from cluster.ownership import Claim, Ownership
from cluster.probes import Probes
from cluster.records import START, position_of
from cluster.store import LogMembers, LogStore, MemberStatus, NoAnswer, Outcome, OutOfSpace, StoreError, Transaction
from cluster.term import Term
from engine.exchange import Exchange
from journal.port import JournalFailed, JournalFenced, JournalUnsettled
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from projections.submissions import SubmissionWindow
from replica.record_log import RecordLog
from tests.cluster.door import until
from tests.cluster.replicated_log import next_record
from tests.cluster.scripted_store import EPOCH, KEYS, RECORD, Answer, appender_over, failed, read
from tests.server import eventually

BEHIND = Head(position_of(RECORD), EPOCH)


class Hosted:
    """What a node does in the event loop, without the node."""

    def __init__(self, folder: Path) -> None:
        self.journal = SqliteJournal(folder / "journal.sqlite")
        self.listening = listen_tcp("127.0.0.1", 0)
        options = hosting.HostOptions(
            node="a",
            boot="a1",
            max_batch=100,
            max_waiting=1_000,
            listening=self.listening,
            server_tls=None,
            client_tls=None,
            on_invariant_violation=_raise,
            on_stopped=_raise,
        )
        archive = Archive(self.journal, _raise)
        self.host = hosting.NodeHost(options, archive, Exchange(), None, SubmissionWindow(), time.time_ns)
        self.host.start()

    def term(self, answers: list[Answer]) -> Term:
        """A term behind a record, by an appender whose store gives these answers."""
        appender, _ = appender_over(answers, encode_head(BEHIND))
        term = Term(Claim(EPOCH, 1), appender, RECORD, threading.Event())
        self.host.begin_term(term)
        return term

    def close(self) -> None:
        """Stop everything."""
        self.host.sequencer.give_up_waiting()
        self.host.close()
        self.listening.close()
        self.journal.close()


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    """One that follows."""
    hosted = Hosted(tmp_path)
    yield hosted
    hosted.close()


def _raise(problem: BaseException) -> NoReturn:
    raise problem


def test_a_term_that_is_to_end_when_it_could_begin_ends(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "APPLIED_CHECK_S", 0.3)
    term = hosted.term([])
    eventlet.sleep(0.05)
    hosted.host.deliver([RECORD])
    hosted.host.end_term(term, "its lease has ended", gracefully=False)
    until(term.over.is_set)
    assert hosted.host.journal is None


def test_a_term_that_cannot_be_opened_is_over(hosted: Hosted) -> None:
    hosted.listening.close()  # so that there is no descriptor of it to be had
    hosted.host.deliver([RECORD])
    term = hosted.term([])
    until(term.over.is_set)
    assert hosted.host.journal is None
    assert term.last == RECORD


def test_a_claim_that_goes_on_behind_a_refusal_waits_for_the_log_as_before(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(hosting, "FENCED_S", 0.2)
    hosted.host.deliver([RECORD])
    term = hosted.term([OutOfSpace("full"), read(EPOCH, BEHIND, None)])
    until(term.over.is_set)
    assert term.was_refused
    eventlet.sleep(0.4)
    assert not term.giving_up.is_set()


class SilentStore:
    """A log that does not answer, or says no to everything."""

    def __init__(self, problem: StoreError) -> None:
        self.problem = problem
        self.left_s: float | None = None  # of a lease, where it answers that

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """Nothing."""
        raise self.problem

    def grant_lease(self, ttl_s: int, timeout_s: float) -> int:
        """None."""
        raise self.problem

    def keep_lease(self, lease: int, timeout_s: float) -> float:
        """What is left of it, where that is answered."""
        if self.left_s is None:
            raise self.problem
        return self.left_s

    def watch(self, key: str) -> Any:
        """One that says nothing."""
        return self

    def wait(self, wait_s: float) -> bool:
        """Of the watch."""
        return False

    def next_member(self) -> None:
        """There is none that is better."""


def test_a_refused_writer_keeps_its_claim_while_the_log_is_silent_and_follows_when_that_has_ended() -> None:
    store = SilentStore(NoAnswer("late"))
    port = cast(LogStore, store)

    class Around:
        def on_owner(self, owner: object) -> None:
            """Nobody asks."""

    nodes = KnownNodes(port, KEYS, lambda state: state)
    around = cast(Surroundings, Around())
    owner = Owner("a", "a1", "a:1")
    node = Node(port, port, KEYS, owner, nodes, Probes(None, lambda: None), around, START, time.time_ns)
    appender, _ = appender_over([])
    term = Term(Claim(EPOCH, 1), appender, RECORD, threading.Event())
    node.role, node._claim_refused = Role.REFUSED, term
    node.poke()
    node._turn_or_note()
    assert node._claim_refused is term
    assert node.role is Role.REFUSED
    store.left_s = 0.0
    node.poke()
    node._turn_or_note()
    assert node._claim_refused is None
    assert node.role is Role.FOLLOWER


def test_a_bug_in_an_append_ends_the_term(tmp_path: Path) -> None:
    failures: list[Exception] = []
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as own:
        appender, _ = appender_over([], encode_head(BEHIND))
        journal = ClusterJournal(appender, Archive(own, _raise), RECORD, on_failed=failures.append)
        with pytest.raises(JournalFailed):
            journal.append(next_record(START))  # which does not follow the head
    assert [journal.failure] == failures
    assert isinstance(failures[0], JournalFailed)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([failed(EPOCH + 1, BEHIND, None)], JournalFenced),
        ([NoAnswer("lost")], JournalUnsettled),  # and the append is given up
        ([failed(EPOCH, None, None)], JournalFailed),  # the log was made anew: this node stops
    ],
)
def test_what_ends_a_term_says_whether_the_node_goes_on(
    tmp_path: Path, answers: list[Answer], kind: type[JournalFailed]
) -> None:
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as own:
        appender, _ = appender_over(answers, encode_head(BEHIND), lambda: True)
        journal = ClusterJournal(appender, Archive(own, _raise), RECORD)
        for call in (lambda: journal.append(next_record(position_of(RECORD))), journal.check):
            with pytest.raises(JournalFailed) as raised:
                call()
            assert type(raised.value) is kind


class SoundMembers:
    """Members that answer."""

    addresses = ("one",)

    def status(self, address: str, timeout_s: float) -> MemberStatus:
        """Half full."""
        return MemberStatus(address, 1, 1, "3.5.30", 50, 50, 100)

    def alarms(self, timeout_s: float) -> list[Any]:
        """None."""
        return []


def test_the_space_is_looked_after_while_the_store_takes_no_note_of_snapshots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "TURN_S", 0.01)
    monkeypatch.setattr(housekeeping, "SPACE_S", 0.01)
    store, members = cast(LogStore, SilentStore(OutOfSpace("full"))), cast(LogMembers, SoundMembers())
    records = cast(RecordLog, None)  # not asked while there is no snapshot
    writer = WriterNow(lambda: None, lambda: 0.0, lambda address: None)
    keeping = Housekeeping(store, members, KEYS, "a", "a:2", SnapshotFolder(tmp_path), records, writer)
    keeping.start()
    try:
        eventually(lambda: keeping.space is not None)
    finally:
        keeping.close()


def test_an_owner_is_unknown_only_where_the_nodes_were_read_when_it_had_had_its_time() -> None:
    port = cast(LogStore, SilentStore(NoAnswer("late")))
    nodes = KnownNodes(port, KEYS, lambda state: state)
    around = cast(Surroundings, None)
    node = Node(
        *(port, port, KEYS, Owner("a", "a1", "a:1"), nodes, Probes(None, lambda: None), around, START, time.time_ns)
    )
    owner = Ownership(Owner("b", "b1", "b:1"), EPOCH)
    node._owner_since = time.monotonic() - 2 * UNKNOWN_S
    assert node._pings(owner) == []  # who there is was never read
    nodes.known_at = node._owner_since + UNKNOWN_S - 0.1
    assert node._pings(owner) == []
    nodes.known_at = node._owner_since + UNKNOWN_S
    assert node._pings(owner) == [Ping.REFUSED]
