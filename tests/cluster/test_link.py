"""The link: hellos, submissions, refusals by their kind, notices and pings, by mutual TLS as well."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cluster import channel as channel_module
from cluster import link_server as link_server_module
from cluster.channel import Channel, ChannelClosed, connect_tcp, listen_tcp
from cluster.link_client import RETRY_S, RETRY_S_MAX, WriterLink
from cluster.link_frames import (
    DEADLINE,
    FORGOTTEN,
    FORMAT,
    INVALID,
    KINDS,
    LATER,
    REUSED,
    TOO_MANY,
    FromWriter,
    Known,
    Notice,
    NotTaken,
    Ping,
    WriterHello,
    framed,
    from_writer,
)
from cluster.link_server import KIND_OF, LinkServer
from engine.commands import AdvanceTime, EnterOrder
from engine.types import Ticks
from projections.submissions import SubmissionWindow
from replica.frames import BadFrame
from sequencer.port import NO_DEADLINE, Submit
from tests.cluster.certificates import Authority
from tests.cluster.door import until
from tests.cluster.trading import order as any_order
from tests.sequencer.venue import Venue

ONE, TWO = b"1" * 16, b"2" * 16


def order() -> EnterOrder:
    """Some order."""
    return any_order(1, random.Random(1))


class User:
    """A front door that notes what it hears."""

    def __init__(self) -> None:
        self.applied_seq = 0
        self.up: list[WriterHello] = []
        self.downs = 0
        self.frames: list[FromWriter] = []

    def now_ns(self) -> int:
        return 7

    def on_link_up(self, hello: WriterHello) -> None:
        self.up.append(hello)

    def on_link_down(self) -> None:
        self.downs += 1

    def on_frame(self, frame: FromWriter) -> None:
        if not isinstance(frame, Ping):
            self.frames.append(frame)


class Linked:
    """A venue, a link server, and one door on a link of it."""

    def __init__(self, folder: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None) -> None:
        self.venue = Venue(folder, max_waiting=3, submissions=SubmissionWindow(keys_max=4))
        self.venue.start()
        self.notices: list[tuple[str, Notice]] = []
        self.server = LinkServer(
            self.venue.sequencer,
            self.venue.exchange,
            node="a",
            epoch=5,
            history_seq=lambda: 1,
            on_notice=lambda door, notice: self.notices.append((door, notice)),
        )
        listening = listen_tcp("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        self.server.serve(listening, None if tls is None else tls[0])
        self._tls = None if tls is None else tls[1]
        self.user = User()
        self.link = WriterLink(self.connect, "door-1")
        self.link.start(self.user)
        until(lambda: self.link.is_up)

    def connect(self) -> Channel:
        return connect_tcp("127.0.0.1", self.port, self._tls)

    def say(self, submission: Submit) -> None:
        assert self.link.send(framed(submission))

    def hears(self, *frames: FromWriter) -> None:
        """Wait for these frames, and no others before."""
        until(lambda: len(self.user.frames) >= len(frames))
        assert self.user.frames == list(frames)
        self.user.frames.clear()

    def close(self) -> None:
        self.link.close()
        self.server.close()
        self.venue.close()


@pytest.fixture(params=["plain", "tls"])
def linked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Linked]:
    """A door on a link."""
    tls = None
    if request.param == "tls":
        authority = Authority(tmp_path, "venue")
        tls = authority.context("a", is_server=True), authority.context("b", is_server=False)
    linked = Linked(tmp_path, tls)
    yield linked
    linked.close()


def test_both_say_who_they_are_and_each_hears_the_others_notices(linked: Linked) -> None:
    assert linked.user.up == [WriterHello(FORMAT, "a", 5, 1)]
    until(lambda: linked.server.doors == ["door-1"])
    linked.server.notify("revoked", b"7")
    linked.hears(Notice("revoked", b"7"))
    assert linked.link.send(framed(Notice("metrics", b"8")))
    until(lambda: linked.notices == [("door-1", Notice("metrics", b"8"))])


def test_what_is_taken_is_not_answered_and_what_is_not_is_by_its_kind(linked: Linked) -> None:
    deadline_ns = linked.venue.now - 1
    linked.say(Submit(ONE, NO_DEADLINE, 0, b"1" * 16, [order()]))
    until(lambda: linked.venue.sequencer.submitted(ONE) is not None)
    assert linked.user.frames == []
    linked.say(Submit(ONE, NO_DEADLINE, 0, b"1" * 16, [order()]))
    linked.hears(Known(ONE, 2))
    linked.say(Submit(ONE, NO_DEADLINE, 0, b"2" * 16, [order()]))
    linked.hears(NotTaken(ONE, "its key stands for something else", REUSED))
    linked.say(Submit(TWO, deadline_ns, 0, b"", [order()]))
    linked.hears(NotTaken(TWO, "its deadline has passed", DEADLINE))
    linked.say(Submit(TWO, NO_DEADLINE, 0, b"", []))
    linked.hears(
        NotTaken(TWO, "a submission has commands, a key of 16 bytes, and a fingerprint of 16 or none", INVALID)
    )
    assert linked.venue.exchange.seq == 2


def test_of_more_than_may_wait_only_so_many_are_taken(linked: Linked) -> None:
    linked.venue.journal.flush_s = 0.2
    for number in range(3, 9):
        linked.say(Submit(bytes([number]) * 16, NO_DEADLINE, 0, b"", [AdvanceTime()] * 2))
    until(lambda: bool(linked.user.frames))
    kinds = {frame.kind for frame in linked.user.frames if isinstance(frame, NotTaken)}
    assert kinds == {TOO_MANY}
    refused = len(linked.user.frames)
    until(lambda: linked.venue.exchange.seq >= 1 + 2 * (6 - refused))


def test_a_key_of_which_nobody_is_sure_and_a_writer_that_ends_are_said(linked: Linked) -> None:
    for number in range(3, 9):
        linked.say(Submit(bytes([number]) * 16, NO_DEADLINE, linked.venue.exchange.seq, b"", [order()]))
        until(lambda number=number: linked.venue.sequencer.submitted(bytes([number]) * 16) is not None)  # type: ignore[misc]
    linked.say(Submit(ONE, NO_DEADLINE, 0, b"", [order()]))
    until(lambda: bool(linked.user.frames))
    forgotten = linked.user.frames.pop()
    assert isinstance(forgotten, NotTaken)
    assert forgotten.kind == FORGOTTEN
    linked.venue.sequencer.stop()
    linked.say(Submit(TWO, NO_DEADLINE, linked.venue.exchange.seq, b"", [order()]))
    linked.hears(NotTaken(TWO, "the exchange is stopping", LATER))


def test_every_kind_of_refusal_has_a_name_on_the_link() -> None:
    assert {*KIND_OF.values(), INVALID} == set(KINDS)


def test_a_door_that_is_let_go_comes_again(linked: Linked) -> None:
    for times in range(1, 4):
        linked.link.reconnect()
        until(lambda times=times: len(linked.user.up) == times + 1)  # type: ignore[misc]
    assert linked.user.downs == 3
    until(lambda: linked.server.doors == ["door-1"])


def test_a_door_too_many_is_closed_on(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_server_module, "DOORS_MAX", 1)
    other = WriterLink(linked.connect, "door-2")
    user = User()
    other.start(user)
    linked.say(Submit(ONE, NO_DEADLINE, 0, b"", [order()]))
    until(lambda: linked.venue.exchange.seq == 2)
    assert not other.is_up
    other.close()


def test_strangers_who_only_connect_do_not_keep_doors_away(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_server_module, "DOORS_MAX", 3)
    monkeypatch.setattr(link_server_module, "GREETING_S", 600.0)
    monkeypatch.setattr(channel_module, "HANDSHAKE_S", 600.0)
    silent = [connect_tcp("127.0.0.1", linked.port, None) for _ in range(6)]
    other, user = WriterLink(linked.connect, "door-2"), User()
    other.start(user)
    until(lambda: other.is_up)
    assert sorted(linked.server.doors) == ["door-1", "door-2"]
    other.close()
    for each in silent:
        each.close()


def test_a_frame_that_would_be_too_long_is_not_sent() -> None:
    with pytest.raises(BadFrame, match="at most"):
        framed(Notice("long", bytes(17 * 2**20)))
    with pytest.raises(BadFrame):
        from_writer().feed(b"\xff" * 8)


def test_what_has_no_place_in_a_message_is_its_makers_mistake() -> None:
    with pytest.raises(OverflowError):
        framed(Submit(ONE, NO_DEADLINE, 0, b"", [msgspec.structs.replace(order(), price=Ticks(2**70))]))


class Gone:
    """A channel whose other end has closed, which nobody has heard of yet."""

    def send(self, frame: bytes) -> None:
        """Find that out."""
        raise ChannelClosed("it has closed")


def test_what_is_sent_over_a_link_that_has_just_closed_was_not_sent(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: linked.link.is_up)
    with monkeypatch.context() as closed:
        closed.setattr(linked.link, "_channel", Gone())
        assert linked.link.send(b"frame") is False


def test_who_is_to_connect_anew_does_not_go_on_with_the_pauses_of_before() -> None:
    tries: list[int] = []

    def refuse() -> Channel:
        tries.append(len(tries))
        raise ConnectionRefusedError("nobody listens")

    link = WriterLink(refuse, "door-1")
    link.start(User())
    until(lambda: link._retry_s == RETRY_S_MAX and link._pause is not None)
    before = len(tries)
    link.reconnect()
    assert link._retry_s == RETRY_S
    until(lambda: len(tries) > before)
    link.close()
