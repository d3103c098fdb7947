"""The record stream: every durable record, once, in order, as it was journaled; and nobody waits for who takes it."""

from __future__ import annotations

import os
import resource
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest

from engine.digest import state_digest
from journal.codec import GENESIS, BatchRecord, CorruptRecord
from journal.port import Checkpoint
from journal.sqlite import SqliteJournal
from replica import link as link_module
from replica import record_server as record_server_module
from replica.follower import Follower, StateDiffers
from replica.frames import (
    FORMAT,
    SAID_BYTES_MAX,
    BadFrame,
    FromWriter,
    Hello,
    Position,
    Record,
    framed,
    from_follower,
    from_writer,
)
from replica.record_log import RecordLog
from replica.record_server import RecordServer
from replica.stream import RecordStream, StreamEnded, StreamRefused, connect
from tests.journal.commands import applied_digest, flow, sealed
from tests.replica.served import WAIT_S, hurries, raw, received, served
from tests.server import eventually

RECORDS = list(sealed(flow(3, 900), 3))
NOTHING = Hello(FORMAT, 0, GENESIS)


# -- frames


def test_frames_come_out_as_they_went_in_however_they_are_cut() -> None:
    sent: list[FromWriter] = [NOTHING, *(Record(record, {record.last_seq: "digest"}) for record in RECORDS[:20])]
    content = b"".join(framed(frame) for frame in sent)
    for size in (1, 3, 64, len(content)):
        reader, got = from_writer(), list[object]()
        for start in range(0, len(content), size):
            got += reader.feed(content[start : start + size])
        assert got == sent


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (struct.pack(">I", SAID_BYTES_MAX + 1), "at most 65536 are taken"),
        (struct.pack(">I", 0), "a frame of 0 bytes"),
        (b"\x00\x00\x00\x03abc", "cannot be read"),
        (framed(Record(RECORDS[0])), "cannot be read"),  # which only the writer sends
        (struct.pack(">I", 4) + b"\x92\xa2\xff\xfe", "cannot be read"),
        (b"GET / HTTP/1.1\r\n\r\n", "at most 65536 are taken"),
    ],
)
def test_what_is_no_frame_of_a_follower_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(BadFrame, match=said):
        from_follower().feed(content)


def test_no_more_than_a_frame_is_kept_of_what_is_not_whole() -> None:
    reader = from_follower()
    assert reader.feed(struct.pack(">I", SAID_BYTES_MAX) + bytes(SAID_BYTES_MAX - 1)) == []
    with pytest.raises(BadFrame):
        reader.feed(bytes(1))


# -- one follower


def test_a_follower_gets_what_was_there_and_what_comes_as_it_was_journaled(tmp_path: Path) -> None:
    with served(tmp_path) as writer:
        writer.append(RECORDS[:100])
        with closing(RecordStream(writer.theirs)) as stream:
            assert received(stream, 100) == RECORDS[:100]
            for record in RECORDS[100:110]:
                writer.append([record])
                assert received(stream, record.n) == [record]


def test_it_goes_on_behind_the_record_that_it_has(tmp_path: Path) -> None:
    with served(tmp_path) as writer:
        writer.append(RECORDS[:100])
        with closing(RecordStream(writer.theirs, RECORDS[59])) as stream:
            assert stream.journal_n == 100
            assert received(stream, 100) == RECORDS[60:100]


def test_nothing_comes_while_nothing_is_appended(tmp_path: Path) -> None:
    with served(tmp_path) as writer:
        writer.append(RECORDS[:3])
        with closing(RecordStream(writer.theirs, RECORDS[2])) as stream:
            assert stream.receive(0.2) == []


def test_a_hurry_comes_behind_the_records_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "GATHER_S", 3600.0)  # without it nothing would come
    with served(tmp_path) as writer, closing(RecordStream(writer.theirs)) as stream:
        writer.append(RECORDS[:3])
        writer.link.hurry(9)
        assert received(stream, 3) == RECORDS[:3]
        writer.link.hurry(12)
        hurries(stream, 12)


def test_the_writer_is_told_positions(tmp_path: Path) -> None:
    with served(tmp_path) as writer, closing(RecordStream(writer.theirs)) as stream:
        stream.say(Position(3, 9))
        stream.say(Position(4, None, "it fails"))
        eventually(lambda: writer.said == [Position(3, 9), Position(4, None, "it fails")])


def test_the_end_comes_behind_all_that_was_durable(tmp_path: Path) -> None:
    with served(tmp_path) as writer, closing(RecordStream(writer.theirs)) as stream:
        writer.append(RECORDS)
        writer.link.finish()
        assert received(stream, len(RECORDS)) == RECORDS
        with pytest.raises(StreamEnded):
            stream.receive(WAIT_S)
        stream.say(Position(len(RECORDS), 900))  # what it did with them is heard still
        stream.close()
        assert writer.until_ended() == "it has closed"
        assert writer.said == [Position(len(RECORDS), 900)]


def test_digests_that_the_writer_noted_come_with_their_record(tmp_path: Path) -> None:
    with served(tmp_path) as writer:
        for record in RECORDS[:50]:
            behind = RECORDS[: record.n - 1]
            writer.records.append(record)
            if record.n % 10 == 0:
                writer.records.note(Checkpoint(behind[-1].last_seq, applied_digest(behind)))
        with closing(RecordStream(writer.theirs, RECORDS[4])) as stream:
            follower, noted = Follower(last=RECORDS[4]), list[int]()
            for record in RECORDS[:5]:
                follower = Follower(follower.exchange, follower.last if record.n > 1 else None)
                follower.follow(record)
            while follower.n < 50:
                for frame in stream.receive(WAIT_S):
                    assert isinstance(frame, Record)
                    noted += frame.digests
                    for seq, digest in frame.digests.items():
                        follower.expect(seq, digest)
                    follower.follow(frame.record)
    assert noted == [27, 57, 87, 117, 147]
    assert state_digest(follower.exchange) == applied_digest(RECORDS[:50])


def test_another_state_is_noticed_by_the_digest_that_came(tmp_path: Path) -> None:
    with served(tmp_path) as writer:
        writer.append(RECORDS[:10])
        writer.records.note(Checkpoint(24, "another"))
        with closing(RecordStream(writer.theirs)) as stream:
            follower = Follower()
            frames = [frame for frame in stream.receive(WAIT_S) if isinstance(frame, Record)]
            for seq, digest in frames[7].digests.items():
                follower.expect(seq, digest)
            with pytest.raises(StateDiffers, match="record 8"):
                [follower.follow(frame.record) for frame in frames]


def test_a_record_that_was_changed_on_its_way_stops_the_follower_and_is_named() -> None:
    reader = from_writer()
    changed = msgspec.structs.replace(RECORDS[1], ts_ns=RECORDS[1].ts_ns + 1)
    (frame,) = reader.feed(framed(Record(changed)))
    assert isinstance(frame, Record)
    follower = Follower()
    follower.follow(RECORDS[0])
    with pytest.raises(CorruptRecord, match="record 2: its checksum"):
        follower.follow(frame.record)


def test_a_follower_that_comes_when_the_writer_finishes_gets_what_there_is(tmp_path: Path) -> None:
    with served(tmp_path) as writer:
        writer.append(RECORDS[:20])
        writer.link.finish()
        with closing(RecordStream(writer.theirs)) as stream:
            assert received(stream, 20) == RECORDS[:20]
            with pytest.raises(StreamEnded):
                stream.receive(WAIT_S)


# -- who cannot be served


@pytest.mark.parametrize(
    ("hello", "why"),
    [
        (Hello(FORMAT + 1, 0, GENESIS), f"of format {FORMAT} here, and of {FORMAT + 1} there"),
        (Hello(FORMAT, 0, b"x" * 32), "record 0 is another one here"),
        (Hello(FORMAT, 7, GENESIS), "record 7 is another one here"),
        (Hello(FORMAT, 8, RECORDS[6].chain), "record 8 is another one here"),
        (Hello(FORMAT, 31, RECORDS[30].chain), "the journal ends at record 30, before record 31"),
        (Hello(FORMAT, -1, GENESIS), "the journal ends at record 30, before record -1"),
    ],
)
def test_who_follows_something_else_is_refused_and_told_why(tmp_path: Path, hello: Hello, why: str) -> None:
    with served(tmp_path) as writer:
        writer.append(RECORDS[:30])
        raw(writer.theirs, hello)
        assert why in writer.until_ended()
        (refused,) = from_writer().feed(writer.theirs.recv(10_000))
        assert why in getattr(refused, "why", "")
        assert writer.theirs.recv(10) == b""


@pytest.mark.parametrize(
    "frames",
    [
        (Position(1, 1),),
        (NOTHING, NOTHING),
        (struct.pack(">I", 2**31),),
        (NOTHING, b"\x00\x00\x00\x01\xc1"),
        (NOTHING, struct.pack(">I", SAID_BYTES_MAX + 1)),
    ],
)
def test_who_says_what_no_follower_says_is_let_go(tmp_path: Path, frames: tuple[Hello | Position | bytes, ...]) -> None:
    with served(tmp_path) as writer:
        writer.append(RECORDS[:3])
        raw(writer.theirs, *frames)
        assert "BadFrame" in writer.until_ended()
        writer.append(RECORDS[3:6])  # and the journal goes on


def test_who_says_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "GREETING_S", 0.1)
    with served(tmp_path) as writer:
        assert writer.until_ended() == "no hello in 0 s"


def test_a_follower_says_who_refused_it_and_what_is_no_stream() -> None:
    ours, theirs = socket.socketpair()
    raw(ours, framed(Record(RECORDS[0])))
    with pytest.raises(BadFrame, match="begins with a hello"):
        RecordStream(theirs)
    ours.close()
    ours, theirs = socket.socketpair()
    raw(ours, Hello(FORMAT + 1, 0, GENESIS))
    with pytest.raises(StreamRefused, match=f"of format {FORMAT + 1} there"):
        RecordStream(theirs)
    ours.close()
    ours, theirs = socket.socketpair()
    with closing(ours), pytest.raises(TimeoutError):
        RecordStream(theirs, patience_s=0.1)


# -- who is slow


def test_a_follower_that_never_reads_holds_nobody_up_and_costs_a_bounded_memory(tmp_path: Path) -> None:
    with served(tmp_path, recent_bytes_max=20_000) as writer:
        writer.append(RECORDS[:10])
        raw(writer.theirs, NOTHING)
        writer.append(RECORDS[10:])
        assert writer.records.last_n == len(RECORDS)
        eventually(lambda: len(writer.link._out) > 0)  # it does wait for who does not read
        assert sum(len(record.body) + 400 for record in writer.records._recent) <= 20_000
        assert len(writer.link._out) <= link_module.PIECE_BYTES + 100_000
        assert not writer.ended


def test_one_that_fell_behind_what_is_in_memory_catches_up_from_the_journal(tmp_path: Path) -> None:
    with served(tmp_path, recent_bytes_max=5_000) as writer, closing(RecordStream(writer.theirs)) as stream:
        writer.append(RECORDS[:200])
        assert received(stream, 200) == RECORDS[:200]
        writer.append(RECORDS[200:])
        assert received(stream, len(RECORDS)) == RECORDS[200:]


def test_who_comes_while_another_goes_is_woken(tmp_path: Path) -> None:
    class Goes:
        """Is compared for so long that another comes meanwhile, if it can."""

        def __call__(self) -> None: ...

        def __eq__(self, other: object) -> bool:
            if not coming.is_alive() and not came.is_set():
                came.set()
                coming.start()
                coming.join(0.2)
            return self is other

        __hash__ = None  # type: ignore[assignment]

    woken, came, goes = list[int](), threading.Event(), Goes()
    with closing(RecordLog(SqliteJournal(tmp_path / "journal.sqlite"))) as log:
        coming = threading.Thread(target=log.on_append, args=(lambda: woken.append(log.last_n),))
        log.on_append(goes)
        log.off_append(goes)
        coming.join(WAIT_S)
        log.append(RECORDS[0])
    assert woken == [1]


def test_while_it_catches_up_the_journal_grows_and_nothing_is_left_out(tmp_path: Path) -> None:
    with served(tmp_path, recent_bytes_max=2_000) as writer:
        writer.append(RECORDS[:100])
        growing = threading.Thread(target=writer.append, args=(RECORDS[100:],))
        with closing(RecordStream(writer.theirs)) as stream:
            growing.start()
            assert received(stream, len(RECORDS)) == RECORDS
        growing.join()


def test_a_link_that_finishes_does_not_send_the_journal_to_who_is_far_behind(tmp_path: Path) -> None:
    with served(tmp_path, recent_bytes_max=1_000) as writer:
        writer.append(RECORDS)
        stream = RecordStream(writer.theirs, RECORDS[0])
        writer.link.finish()
        with pytest.raises(StreamEnded):
            received(stream, len(RECORDS))
        stream.close()
        writer.until_ended()


def test_who_takes_nothing_is_told_soon_that_no_more_will_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "FINISH_UNTAKEN_S", 0.1)
    with served(tmp_path) as writer:
        writer.append(RECORDS)
        stream = RecordStream(writer.theirs)
        eventually(lambda: len(writer.link._out) > 0)
        writer.link.finish()
        assert stream.is_over(WAIT_S)
        with pytest.raises(StreamEnded):
            received(stream, len(RECORDS))
        stream.close()
        writer.until_ended()


def test_who_does_not_get_on_is_told_at_once_that_no_more_will_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "FINISH_UNTAKEN_S", 1000.0)
    with served(tmp_path) as writer:
        writer.append(RECORDS)
        stream = RecordStream(writer.theirs)
        eventually(lambda: len(writer.link._out) > 0)
        stream.say(Position(0, 0, "The disk is full."))
        eventually(lambda: bool(writer.said))
        writer.link.finish()
        assert stream.is_over(WAIT_S)
        stream.close()
        writer.until_ended()


# -- the record server


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A data folder whose path is longer than the address of a socket may be."""
    folder = tmp_path / ("deep" * 20) / ("deeper" * 20)
    folder.mkdir(parents=True)
    assert len(os.fsencode(folder)) > 200
    return folder


@pytest.fixture
def log(deep: Path) -> Iterator[RecordLog]:
    with closing(RecordLog(SqliteJournal(deep / "journal.sqlite"))) as log:
        yield log


def test_programs_of_the_same_user_follow_by_a_socket_in_however_deep_a_folder(deep: Path, log: RecordLog) -> None:
    for record in RECORDS[:10]:
        log.append(record)
    with closing(RecordServer(deep, log)) as server:
        assert stat.S_IMODE((deep / "records.sock").stat().st_mode) == 0o600
        with closing(RecordStream(connect(deep))) as first, closing(RecordStream(connect(deep), RECORDS[4])) as second:
            assert received(first, 10) == RECORDS[:10]
            assert received(second, 10) == RECORDS[5:10]
            log.append(RECORDS[10])
            assert received(first, 11) == received(second, 11) == [RECORDS[10]]
            assert server.followers == 2
        eventually(lambda: server.followers == 0)
    assert not (deep / "records.sock").exists()
    with pytest.raises(OSError, match="No such file"):
        connect(deep)


def test_a_socket_that_a_killed_server_left_is_taken_over_and_another_file_is_not(
    deep: Path, log: RecordLog, caplog: pytest.LogCaptureFixture
) -> None:
    server = RecordServer(deep, log)
    os.link(deep / "records.sock", deep / "left")
    server.close()
    (deep / "left").rename(deep / "records.sock")
    with closing(RecordServer(deep, log)), closing(RecordStream(connect(deep))):
        pass
    (deep / "records.sock").write_text("mine")
    with closing(RecordServer(deep, log)):
        assert "no follower can connect" in caplog.text
    assert (deep / "records.sock").read_text() == "mine"


def test_more_followers_than_are_served_are_told_so(
    deep: Path, log: RecordLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_server_module, "FOLLOWERS_MAX", 1)
    with closing(RecordServer(deep, log)) as server, closing(RecordStream(connect(deep))):
        with pytest.raises(StreamRefused, match="1 followers are served already"):
            RecordStream(connect(deep))
        assert server.followers == 1


def test_one_that_cannot_be_accepted_for_want_of_descriptors_is_when_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(record_server_module, "ACCEPT_AGAIN_S", 0.05)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with closing(RecordLog(SqliteJournal(tmp_path / "journal.sqlite"))) as log, closing(RecordServer(tmp_path, log)):
        coming = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
        try:
            coming.connect(str(tmp_path / "records.sock"))
            eventually(lambda: "could not be accepted" in caplog.text)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        with closing(RecordStream(coming)):
            pass


def test_a_link_for_which_there_are_too_few_descriptors_leaves_none_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(RecordLog(SqliteJournal(tmp_path / "journal.sqlite"))) as log:
        ours, theirs = socket.socketpair()
        before, pipes, pipe = set(os.listdir("/proc/self/fd")), list[tuple[int, int]](), os.pipe

        def only_one() -> tuple[int, int]:
            if pipes:
                raise OSError("too many open files")
            pipes.append(pipe())
            return pipes[0]

        monkeypatch.setattr(os, "pipe", only_one)
        with pytest.raises(OSError, match="too many"):
            link_module.FollowerLink(ours, log, lambda position: None)
        assert set(os.listdir("/proc/self/fd")) < before
        assert theirs.recv(1) == b""
        theirs.close()


def test_a_server_that_accepts_nobody_is_not_waited_for(tmp_path: Path) -> None:
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listening.bind(str(tmp_path / "records.sock"))
        listening.listen(1)
        for _ in range(2):  # one more than the queue takes
            opened.enter_context(connect(tmp_path))
        with pytest.raises(BlockingIOError):
            connect(tmp_path)


def test_closing_ends_every_follower_behind_the_last_record(deep: Path, log: RecordLog) -> None:
    server = RecordServer(deep, log)
    stream = RecordStream(connect(deep))
    threads = threading.active_count()
    log.append(RECORDS[0])
    closer = threading.Thread(target=server.close)
    closer.start()
    assert received(stream, 1) == [RECORDS[0]]
    with pytest.raises(StreamEnded):
        stream.receive(WAIT_S)
    stream.close()
    closer.join(WAIT_S)
    assert threading.active_count() < threads


def test_a_record_that_is_not_durable_is_sent_to_nobody(tmp_path: Path) -> None:
    with served(tmp_path) as writer, closing(RecordStream(writer.theirs)) as stream:
        writer.append(RECORDS[:2])
        assert received(stream, 2) == RECORDS[:2]
        wrong: BatchRecord = RECORDS[5]
        with pytest.raises(ValueError, match="does not follow"):
            writer.records.append(wrong)
        assert stream.receive(0.2) == []
