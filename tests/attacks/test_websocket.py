"""WebSocket clients that break the protocol or send without end: each ends with the right code, and no other waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.attacks.bystander import assert_fair, quiet
from tests.attacks.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    assert_answered,
    close_code,
    feed_messages,
    flood_frames,
    frame,
    text,
    upgraded,
)
from tests.server import RunningServer, eventually

PING_S = 3  # so that a busy machine's own pauses end no connection
P50_MS = 50.0
KIBIBYTE = 1024
ENDS_S = 15.0  # for a connection that has broken a rule


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A secured server that soon takes a client that does not answer for gone."""
    options = ("--profile", "secured", "--feed-ping-interval-s", str(PING_S), "--feed-ping-timeout-s", str(PING_S))
    with RunningServer(tmp_path_factory.mktemp("websocket") / "data", *options) as running:
        yield running


def descriptors(venue: RunningServer) -> int:
    """How many descriptors the server has open."""
    return int(venue.process.num_fds())


BROKEN = {
    "a frame that is not masked": (frame(TEXT, b"3", masked=False), 1002),
    "reserved bits": (frame(TEXT, b"3", rsv=4), 1002),
    "an unknown opcode": (frame(3, b"3"), 1002),
    "a control frame in fragments": (frame(PING, b"", fin=False), 1002),
    "a long control frame": (frame(PING, bytes(126)), 1002),
    "a continuation of nothing": (frame(CONTINUATION, b"3"), 1002),
    "a message within a message": (frame(TEXT, b"3", fin=False) + frame(TEXT, b"3"), 1002),
    "text that is no UTF-8": (frame(TEXT, b"4\xff\xfe"), 1007),
    "a length of 2**62": (frame(TEXT, b"", declared=2**62), 1009),
    "a message beyond 64 KiB": (frame(TEXT, bytes(65 * KIBIBYTE)), 1009),
    "fragments beyond 64 KiB": (b"".join([frame(TEXT, b"4" * 33_000, fin=False), frame(0, b"4" * 33_000)]), 1009),
    "fragments without end": (frame(TEXT, b"4", fin=False) + frame(0, b"4", fin=False) * 2_000, 1008),
    "empty fragments without end": (frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 2_000, 1008),
    "pings without end": (frame(PING, b"x" * 125) * 500, 1008),
    "pongs without end": (frame(PONG) * 500, 1008),
    "an empty message": (frame(TEXT), 1008),
    "no packet of Engine.IO": (text("7"), 1008),
    "a packet of the server's": (text('0{"sid":"x"}'), 1008),
    "a probe behind the handshake": (text("2probe"), 1008),
    "base64 that is none": (text("b$"), 1008),
    "a close frame of one byte": (frame(CLOSE, b"x"), 1002),
}


@pytest.mark.parametrize(("sent", "code"), BROKEN.values(), ids=BROKEN)
def test_who_breaks_the_protocol_is_told_so_and_gone_soon(venue: RunningServer, sent: bytes, code: int) -> None:
    before = venue.log
    with upgraded(venue.url) as attacker:
        with suppress(OSError):
            attacker.send(sent)
        started = time.monotonic()
        assert close_code(attacker) == code
        assert time.monotonic() - started < ENDS_S
    assert "Traceback" not in venue.log[len(before) :]


@pytest.mark.parametrize(
    "sent",
    [
        text("4[" + "[" * 60_000),
        text("42/market,[" + "[" * 60_000),
        text("42[]"),
        frame(BINARY, b"4"),
        text("4 1"),
        text("4"),
    ],
    ids=["nested without end", "nested in an event", "an event without a name", "bytes", "a number", "nothing"],
)
def test_what_cannot_be_understood_leaves_no_traceback(venue: RunningServer, sent: bytes) -> None:
    before = venue.log
    with upgraded(venue.url) as attacker:
        attacker.send(text("40/market,") + sent * 20 + frame(CLOSE, b"\x03\xe8"))
        assert close_code(attacker, 10) in (1000, 1008)
    assert "Traceback" not in venue.log[len(before) :]


def test_a_client_that_has_gone_without_a_word_is_gone_within_its_ping(venue: RunningServer) -> None:
    eventually(lambda: venue.http.call("GET", "/health").json["connections"] == 0)
    before = descriptors(venue)
    with upgraded(venue.url, receive_buffer=4096) as silent:
        silent.send(text("40/market,"))
        eventually(lambda: venue.http.call("GET", "/health").json["connections"] == 1)
        eventually(lambda: venue.http.call("GET", "/health").json["connections"] == 0, 2 * PING_S + ENDS_S)
        eventually(lambda: descriptors(venue) <= before, ENDS_S)


def test_a_close_frame_behind_which_the_client_stays_ends_the_connection(venue: RunningServer) -> None:
    with upgraded(venue.url) as attacker:
        attacker.send(frame(CLOSE, b"\x03\xe8"))
        assert close_code(attacker) == 1000
        eventually(lambda: attacker.closed_within(0.1), ENDS_S)


PIECES = [
    frame(TEXT, b"4" * 65_000),  # unmasking
    frame(TEXT, b"3") * 8_000,  # messages of one byte
    frame(TEXT, b"", fin=False) + frame(CONTINUATION, fin=False) * 8_000,
    frame(PING) * 8_000,
    frame(TEXT, b'42/market,["x"]') * 2_000,  # an event of a client that has not joined
    frame(TEXT, b"40/market,") * 2_000,
]


def test_clients_that_send_frames_as_fast_as_they_can_hold_nobody_up(venue: RunningServer) -> None:
    before, log = venue.process.memory_info().rss, len(venue.log)
    assert_answered(venue, lambda: flood_frames(venue.url, PIECES * 2, 1.5), P50_MS)
    assert venue.process.memory_info().rss - before < 40 * KIBIBYTE * KIBIBYTE
    said = venue.log[log:]
    assert "Traceback" not in said
    assert len(said) < 20 * KIBIBYTE


def test_messages_of_many_clients_of_one_address_take_turns_with_others(venue: RunningServer) -> None:
    sent: list[int] = []
    assert_fair(venue.url, lambda: sent.append(feed_messages(venue.url, 1.0)), quiet(venue.url))
    assert sent[-1] > 150
