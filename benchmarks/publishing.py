"""What publishing costs: `python -m benchmarks.publishing`.

A journal of mixed flow is published from its first record, in all four topics: in a Redis, and in librdkafka's mock of
a Kafka cluster, which keeps it in memory. Prints processor time a command: of the writer's process, which sends
records, of the publisher and of the broker, and how many commands a second that is on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.machine import describe
from benchmarks.mixed_journal import records, write
from journal.sqlite import SqliteJournal
from publish.host import PublisherHost
from publish.message_maker import MessageMaker
from publish.options import PublisherOptions
from publish.target import Topic, target_of
from replica.follower import Follower
from replica.record_log import RecordLog
from tests.publish.mock_kafka import mock_kafka
from tests.redis_server import redis_process

COMMANDS = 60_000
RESTING = 5_000
MICROSECONDS = 1e6


def processor_s(process: psutil.Process) -> float:
    """What it has used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def making(count: int) -> None:
    """Print what folding takes, and making the messages on top."""
    for name, topics in (("fold alone", ()), *((topic.value, (topic,)) for topic in Topic), ("all four", tuple(Topic))):
        follower, found, size = Follower(), 0, 0
        maker = MessageMaker(follower.exchange, topics)
        begun = time.process_time()
        for record in records(count, RESTING):
            messages = maker.of(record, follower.follow(record))
            found += len(messages)
            size += sum(len(each.body) for each in messages)
        spent = (time.process_time() - begun) / count * MICROSECONDS
        print(f"{name:12} {spent:6.1f} us a command, {found / count:.2f} messages of {size / max(found, 1):.0f} bytes")


def published(name: str, folder: Path, url: str, broker: psutil.Process) -> None:
    """Print what it takes from the first record to the last."""
    write(folder / "journal.sqlite", COMMANDS, RESTING)
    with closing(RecordLog(SqliteJournal(folder / "journal.sqlite"))) as log:
        begun, ours, theirs = time.monotonic(), time.process_time(), processor_s(broker)
        host = PublisherHost(name, PublisherOptions(target_of(url), str(folder / "snapshots"), "benchmark"), log)
        wait_until(lambda: host.state.n > 0)
        process = psutil.Process(host.pid)
        wait_until(lambda: host.state.n == log.last_n)
        lasted = time.monotonic() - begun
        costs = (time.process_time() - ours, processor_s(process), processor_s(broker) - theirs)
        host.close()
    writer, publisher, there = (cost / COMMANDS * MICROSECONDS for cost in costs)
    print(
        f"{name:12} {COMMANDS / lasted:8.0f} commands a second; us a command: writer {writer:.1f}, "
        f"publisher {publisher:.1f}, broker {there:.1f}"
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait, asking seldom."""
    while not condition():
        time.sleep(0.05)


def main() -> None:
    """Measure and print."""
    print(describe())
    making(COMMANDS)
    with TemporaryDirectory() as folder, redis_process(Path(folder)) as (url, process):
        published("redis", Path(folder), f"{url}?maxlen=10000", psutil.Process(process.pid))
    with TemporaryDirectory() as folder, mock_kafka() as (address, mock):
        published("kafka (mock)", Path(folder), f"kafka://{address}", psutil.Process(mock.pid))


if __name__ == "__main__":
    main()
