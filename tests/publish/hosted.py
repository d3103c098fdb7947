"""A journal that grows, and publishers of it in processes of their own, which may be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import psutil

from journal.codec import BatchRecord
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from projections.projections import Projections
from publish.host import PublisherHost
from publish.options import PublisherOptions
from publish.target import Topic, target_of
from replica.follower import Follower
from replica.record_log import RecordLog
from tests.journal.mixed_records import RECORDS
from tests.publish.reading import Books, followed, made, new_ones
from tests.server import eventually

WITHIN_S = 60.0

Read = Callable[[str], list[tuple[str, bytes]]]  # the key and content of all messages of a topic


@contextmanager
def journal(folder: Path) -> Iterator[RecordLog]:
    """An empty one."""
    folder.mkdir(exist_ok=True)
    with closing(RecordLog(SqliteJournal(folder / "journal.sqlite"))) as records:
        yield records


@contextmanager
def publisher(records: RecordLog, folder: Path, url: str) -> Iterator[PublisherHost]:
    """A publisher of these records; snapshots are in the folder."""
    host = PublisherHost("broker", PublisherOptions(target_of(url), str(folder / "snapshots"), "test"), records)
    try:
        yield host
    finally:
        host.close()


def append(records: RecordLog, until_n: int, source: Sequence[BatchRecord] = RECORDS) -> None:
    """Append those up to a record."""
    for record in source[records.last_n : until_n]:
        records.append(record)


def is_published(host: PublisherHost, until_n: int) -> None:
    """Wait until everything up to a record is in the broker."""
    eventually(lambda: host.state.n >= until_n and host.state.failure is None, WITHIN_S)


def kill(host: PublisherHost) -> None:
    """`kill -9` its process, and wait for the next one."""
    process = psutil.Process(host.pid)
    process.kill()
    eventually(lambda: host.pid not in (None, process.pid), WITHIN_S)


def save_snapshot(folder: Path, until_n: int) -> None:
    """Save the state behind a record."""
    follower = Follower()
    projections = Projections(follower.exchange)
    for record in RECORDS[:until_n]:
        projections.fold(follower.follow(record))
    SnapshotFolder(folder / "snapshots").save(follower.exchange, RECORDS[until_n - 1], projections.saved())


def is_complete(read: Read, *, exactly_once: bool, after_n: int = 0) -> None:
    """Fail unless the topics have what all the records behind `after_n` caused: each once, or each first in order."""
    behind_seq = RECORDS[after_n - 1].last_seq if after_n else 0
    expected = [each for each in made(RECORDS) if each.seq > behind_seq]
    for topic in (Topic.TRADES, Topic.ORDERS, Topic.RECORDS):
        found = read(topic)
        by_key: dict[str, list[bytes]] = {}
        for key, content in new_ones(found):
            by_key.setdefault(key, []).append(msgspec.json.encode(content))
        wanted: dict[str, list[bytes]] = {}
        for each in expected:
            if each.topic is topic:
                wanted.setdefault(each.key, []).append(msgspec.json.encode(msgspec.json.decode(each.body)))
        assert by_key == wanted, topic
        if exactly_once:
            assert len(found) == sum(map(len, wanted.values())), topic
    books = Books()
    for _, content in new_ones(read(Topic.BOOK)):
        books.fold(content)
    *_, (_, _, exchange) = followed(RECORDS)
    books.agree_with(exchange)
    assert books.bids
