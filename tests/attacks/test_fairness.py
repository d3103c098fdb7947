"""One client that sends as fast as it can does not make others wait, and what is thrown away of it is bounded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attacks import attackers
from tests.attacks.attackers import Flood
from tests.attacks.bystander import Figures, assert_fair, quiet
from tests.attacks.probe import Probe
from tests.server import RunningServer

SECONDS = 0.6
SENT_MAX = 24_000_000  # bytes on one connection: what is read of it, and what the kernel buffers on both sides
MEMORY_MAX_MB = 64
GET = attackers.PIPELINED_GET
POST = attackers.PIPELINED_POST


@pytest.fixture(scope="module")
def before(running_server: RunningServer) -> Figures:
    """What others see while nobody attacks."""
    return quiet(running_server.url)


@pytest.mark.parametrize("content", [GET, POST], ids=["GET", "POST"])
def test_pipelined_requests_take_turns_with_those_of_others(
    running_server: RunningServer, before: Figures, content: bytes
) -> None:
    floods: list[Flood] = []
    assert_fair(
        running_server.url, lambda: floods.append(attackers.pipelined(running_server.url, SECONDS, content)), before
    )
    assert floods[-1].closed == 0
    assert floods[-1].received_bytes > 50_000  # it was served meanwhile


def test_fifty_connections_of_one_address_are_one_client(running_server: RunningServer, before: Figures) -> None:
    assert_fair(running_server.url, lambda: attackers.pipelined_on_many(running_server.url, SECONDS), before)


def test_who_reads_no_answers_stops_nobody(running_server: RunningServer, before: Figures) -> None:
    with Probe(running_server) as probe:
        assert_fair(running_server.url, lambda: attackers.pipelined_unread(running_server.url, SECONDS), before)
        assert probe.more_rss_mb < MEMORY_MAX_MB


def test_slow_readers_of_large_answers_stop_nobody(running_server: RunningServer, before: Figures) -> None:
    with Probe(running_server) as probe:
        assert_fair(running_server.url, lambda: attackers.slow_reader(running_server.url, SECONDS), before)
        assert probe.more_rss_mb < MEMORY_MAX_MB


@pytest.mark.parametrize(
    ("attack", "status"),
    [
        (attackers.chunk_extension, 400),
        (attackers.trailers, 400),
        (attackers.endless_chunks, 413),
        (attackers.discarded_body, 413),
        (attackers.endless_head, 431),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_has_no_end_is_refused_and_read_only_so_far(
    running_server: RunningServer, before: Figures, attack: Callable[[str, float], Flood], status: int
) -> None:
    floods: list[Flood] = []
    with Probe(running_server) as probe:
        assert_fair(running_server.url, lambda: floods.append(attack(running_server.url, SECONDS)), before)
        assert probe.more_rss_mb < MEMORY_MAX_MB
        probe.assert_calm_log()
    assert floods[-1].received.startswith(b"HTTP/1.1 %d " % status)
    assert floods[-1].closed > 0
    assert floods[-1].sent < SENT_MAX * floods[-1].connections


def test_a_body_in_chunks_of_one_byte_takes_turns_and_is_bounded(
    running_server: RunningServer, before: Figures
) -> None:
    with Probe(running_server) as probe:
        assert_fair(running_server.url, lambda: attackers.one_byte_chunks(running_server.url, SECONDS), before)
        assert probe.more_rss_mb < MEMORY_MAX_MB
