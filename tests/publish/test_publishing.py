"""A publisher as a process, over a real Redis: killed, cut off, begun anew, it leaves nothing out and adds nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from publish.beginning import BEGINS_LATER
from publish.broker import decoded_position
from publish.host import HAS_STOPPED
from publish.publisher import AWAY, IS_AHEAD
from tests.journal.mixed_records import RECORDS, records
from tests.ports import free_port
from tests.publish.hosted import (
    WITHIN_S,
    Read,
    append,
    is_complete,
    is_published,
    journal,
    kill,
    publisher,
    save_snapshot,
)
from tests.redis_server import client, needs_redis, redis_process, running_redis
from tests.server import eventually

pytestmark = needs_redis
ALL = len(RECORDS)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


def reading(redis: Any, prefix: str) -> Read:
    def read(topic: str) -> list[tuple[str, bytes]]:
        entries = redis.xrange(f"{prefix}:{topic}")
        return [(fields[b"key"].decode(), fields[b"data"]) for _, fields in entries]

    return read


def in_redis(url: str, prefix: str, *, after_n: int = 0) -> None:
    """Fail unless everything is there, once."""
    with client(url) as redis:
        is_complete(reading(redis, prefix), exactly_once=True, after_n=after_n)


def test_publishers_that_are_killed_leave_nothing_out_and_add_nothing(tmp_path: Path, url: str) -> None:
    save_snapshot(tmp_path, 16)  # some begin with it
    with journal(tmp_path) as log, publisher(log, tmp_path, f"{url}?prefix=killed") as host:
        append(log, 12)
        is_published(host, 12)
        for until_n in (20, 30):
            append(log, until_n)
            kill(host)
        append(log, ALL)
        is_published(host, ALL)
    in_redis(url, "killed")


def test_two_publishers_of_the_same_records_add_each_message_once(tmp_path: Path, url: str) -> None:
    target = f"{url}?prefix=two"
    with journal(tmp_path) as log, publisher(log, tmp_path, target) as one, publisher(log, tmp_path, target) as other:
        for until_n in range(1, ALL + 1):
            append(log, until_n)
            if until_n % 10 == 0:
                is_published(one, until_n)
                is_published(other, until_n)
    in_redis(url, "two")


def test_a_broker_that_hangs_is_told_and_nobody_else_waits(tmp_path: Path) -> None:
    with redis_process(tmp_path) as (url, process), journal(tmp_path) as log, publisher(log, tmp_path, url) as host:
        append(log, 5)
        is_published(host, 5)
        process.send_signal(signal.SIGSTOP)
        append(log, ALL)  # returns, though nothing is taken
        eventually(lambda: host.state.failure == AWAY, WITHIN_S)
        assert host.state.n == 5
        process.send_signal(signal.SIGCONT)
        is_published(host, ALL)
        in_redis(url, "openbell")


def test_a_broker_that_is_not_there_yet_is_waited_for_and_one_that_lost_all_is_given_it_again(tmp_path: Path) -> None:
    port = free_port()
    with journal(tmp_path) as log, publisher(log, tmp_path, f"redis://127.0.0.1:{port}/0") as host:
        append(log, 20)
        eventually(lambda: host.state.failure == AWAY, WITHIN_S)
        pid = host.pid
        with redis_process(tmp_path, port) as (url, process):
            is_published(host, 20)
            assert host.pid == pid
            process.kill()  # it kept nothing
        with redis_process(tmp_path, port) as (url, process):
            append(log, ALL)
            is_published(host, ALL)
            eventually(lambda: host.pid != pid, WITHIN_S)
            with client(url) as redis:
                eventually(lambda: redis.xlen("openbell:records") == ALL, WITHIN_S)
            in_redis(url, "openbell")


def test_messages_of_another_journal_are_left_alone(tmp_path: Path, url: str) -> None:
    target = f"{url}?prefix=foreign"
    with journal(tmp_path / "one") as log, publisher(log, tmp_path / "one", target) as host:
        append(log, 20)
        is_published(host, 20)
    with journal(tmp_path / "other") as log, publisher(log, tmp_path / "other", target) as host, client(url) as redis:
        there = redis.xlen("foreign:orders")
        other = records(30, seed=2)
        append(log, 10, other)
        eventually(lambda: host.state.failure == IS_AHEAD, WITHIN_S)
        append(log, 30, other)
        eventually(lambda: host.state.failure == HAS_STOPPED, WITHIN_S)
        assert redis.xlen("foreign:orders") == there


def test_who_asks_for_what_comes_from_now_on_gets_that(tmp_path: Path, url: str) -> None:
    with journal(tmp_path) as log:
        append(log, 15)
        with publisher(log, tmp_path, f"{url}?prefix=now&from=now") as host:
            is_published(host, 15)
            kill(host)
            append(log, ALL)
            is_published(host, ALL)
            assert host.state.failure != BEGINS_LATER
    in_redis(url, "now", after_n=15)


def test_records_that_nobody_has_any_more_are_counted_as_a_gap(tmp_path: Path, url: str) -> None:
    with journal(tmp_path) as log:
        with publisher(log, tmp_path, f"{url}?prefix=gap") as host:
            append(log, 10)
            is_published(host, 10)
        append(log, ALL)
        save_snapshot(tmp_path, 25)
        log.trim(22)
        while log.tend(idle=True):
            pass
        with publisher(log, tmp_path, f"{url}?prefix=gap") as host:
            is_published(host, ALL)
    with client(url) as redis:
        kept = redis.get("gap:position")
        numbers = [int(entry_id.partition(b"-")[0]) for entry_id, _ in redis.xrange("gap:records")]
    position = decoded_position(kept if isinstance(kept, bytes) else b"")
    assert position is not None
    assert (position.n, position.gaps) == (ALL, 1)
    assert numbers == [record.last_seq for record in (*RECORDS[:10], *RECORDS[25:])]


def test_an_end_publishes_what_is_durable_and_leaves_no_process(tmp_path: Path, url: str) -> None:
    with journal(tmp_path) as log, publisher(log, tmp_path, f"{url}?prefix=end") as host:
        append(log, 1)
        is_published(host, 1)
        process = psutil.Process(host.pid)
        append(log, ALL)
        host.finish()
        eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, WITHIN_S)
        host.close()
        assert host.pid is None
    in_redis(url, "end")
