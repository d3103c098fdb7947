"""Long polling: whatever a client sends or leaves out, its session ends, and its place is free for others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.attacks.frames import UPGRADE, text
from tests.attacks.raw import ATTACKER, RawAnswer, connect, request
from tests.server import ERROR_KEYS, RunningServer, eventually

PING_S = 3  # so that a busy machine's own pauses end no session
ENDS_S = PING_S + 15.0
SESSIONS = 12  # of one address
OPEN = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A secured server that soon takes a client that does not answer for gone, with few places."""
    options = ("--profile", "secured", "--feed-ping-interval-s", str(PING_S), "--feed-ping-timeout-s", str(PING_S))
    further = ("--feed-sessions-per-address", str(SESSIONS), "--feed-sessions", str(10 * SESSIONS))
    with RunningServer(tmp_path_factory.mktemp("polling") / "data", *options, *further) as running:
        yield running


def asked(venue: RunningServer, content: bytes, source: str | None = ATTACKER) -> RawAnswer:
    """The answer to one request over a connection of its own."""
    with connect(venue.url, source=source) as connection:
        connection.send(content)
        return connection.answer()


class Session:
    """A session of long polling."""

    def __init__(self, venue: RunningServer, source: str | None = ATTACKER) -> None:
        self.venue, self.source = venue, source
        answer = asked(venue, request("GET", OPEN), source)
        assert answer.status == 200, answer
        self.target = f"{OPEN}&sid={msgspec.json.decode(answer.body[1:])['sid']}"

    def get(self) -> RawAnswer:
        """Wait for messages."""
        return asked(self.venue, request("GET", self.target), self.source)

    def post(self, body: bytes) -> RawAnswer:
        """Send packets."""
        return asked(self.venue, request("POST", self.target, body), self.source)

    @property
    def there(self) -> bool:
        """Whether the server knows it still; its answer to a pong is OK then."""
        return self.post(b"3").status == 200


def refused(answer: RawAnswer, status: int = 400) -> dict[str, Any]:
    """The body of a refusal."""
    assert answer.status == status, answer
    body: dict[str, Any] = msgspec.json.decode(answer.body)
    assert body.keys() == ERROR_KEYS
    return body


UNREADABLE = {
    "an unknown type": b"7",
    "a packet of the server's": b"0",
    "a probe": b"2probe",
    "an upgrade": b"5",
    "no packet": b"hello",
    "an empty packet": b"3\x1e\x1e3",
    "base64": b"b4oA=",
    "bytes that are no text": b"4\xff",
    "the form of JSONP": b"d=3",
    "packets without end": b"\x1e".join([b"3"] * 400),
    "more than may be": b"4" * 70_000,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused_and_ends_its_session(venue: RunningServer, body: bytes) -> None:
    log = len(venue.log)
    session = Session(venue)
    started = time.monotonic()
    refused(session.post(body), 413 if len(body) > 65_536 else 400)
    assert time.monotonic() - started < ENDS_S
    assert not session.there
    assert "Traceback" not in venue.log[log:]


@pytest.mark.parametrize("blank", ["sid=&sid=", "sid=&SID=x&sid="])
def test_a_sid_that_is_empty_lets_nothing_pass(venue: RunningServer, blank: str) -> None:
    session = Session(venue)
    session.target = session.target.replace("sid=", blank)
    refused(session.post(b"7"))
    assert not session.there


def test_two_requests_at_once_end_a_session_and_the_one_that_waits(venue: RunningServer) -> None:
    session = Session(venue)
    with connect(venue.url, source=ATTACKER) as waiting:
        waiting.send(request("GET", session.target))
        time.sleep(1)  # it waits
        refused(session.get())
        assert waiting.answer(ENDS_S).status in (200, 400)
    assert not session.there


def test_many_packets_in_one_request_are_all_served(venue: RunningServer) -> None:
    session = Session(venue)
    assert session.post(b"40/market,").status == 200
    body = b"\x1e".join(b'42/market,%d["ping"]' % number for number in range(100))
    assert session.post(body).status == 200
    received = b""
    deadline = time.monotonic() + ENDS_S
    while received.count(b"43/market,") < 100:
        assert time.monotonic() < deadline
        received += session.get().body


def test_a_session_that_joins_nothing_ends_though_it_answers_every_ping(venue: RunningServer) -> None:
    session = Session(venue)
    started = time.monotonic()
    while session.there:
        assert time.monotonic() - started < ENDS_S
        time.sleep(0.2)


def test_an_upgrade_that_is_never_finished_ends(venue: RunningServer) -> None:
    session = Session(venue)
    session.post(b"40/market,")
    with connect(venue.url, source=ATTACKER) as attacker:
        attacker.send(request("GET", session.target.replace("polling", "websocket"), headers=UPGRADE))
        assert attacker.answer().status == 101
        attacker.send(text("2probe"))
        with connect(venue.url, source=ATTACKER) as other:
            other.send(request("GET", session.target.replace("polling", "websocket"), headers=UPGRADE))
            refused(other.answer())
        assert attacker.closed_within(ENDS_S)


def test_a_handshake_that_is_none_takes_no_place(venue: RunningServer) -> None:
    target, source = OPEN.replace("polling", "websocket"), "127.0.0.6"
    for _ in range(2 * SESSIONS):
        broken = UPGRADE | {"Sec-WebSocket-Key": "short"}
        refused(asked(venue, request("GET", target, headers=broken), source))
    assert Session(venue, source).there


def test_one_address_has_its_places_and_leaves_others_theirs_and_they_come_back(venue: RunningServer) -> None:
    source = "127.0.0.7"
    sessions = [Session(venue, source) for _ in range(SESSIONS)]
    answer = asked(venue, request("GET", OPEN), source)
    assert refused(answer, 429)["error_code"] == "TOO_MANY_SESSIONS"
    assert refused(asked(venue, request("GET", f"{OPEN}&sid="), source), 429)["error_code"] == "TOO_MANY_SESSIONS"
    assert int(answer.headers["retry-after"]) > 0
    assert Session(venue, "127.0.0.3").there
    refused(sessions[0].post(b"7"))
    assert Session(venue, source).there  # what ended has left its place
    eventually(lambda: asked(venue, request("GET", OPEN), source).status == 200, 3 * ENDS_S)  # as all do


def test_a_client_that_sends_what_is_no_event_is_slowed_down(venue: RunningServer) -> None:
    session = Session(venue, "127.0.0.5")
    body = b"\x1e".join([b"40/elsewhere,"] * 40)
    started = time.monotonic()
    assert session.post(body).status == 200
    assert time.monotonic() - started > 0.5
