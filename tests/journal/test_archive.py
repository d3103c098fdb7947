"""The archive: what was written is read back, whatever is damaged is named, what was killed is begun again."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal import archive as archives
from journal.archive import ArchiveDamaged, ArchiveFolder
from journal.codec import BatchRecord, seal
from journal.manifest import MANIFEST_NAME, save_manifest
from journal.port import JournalCorrupt
from journal.segment import HEAD_BYTES, SegmentDamaged, pack, segment_name, unpack
from tests.journal.archived import archived
from tests.journal.commands import flow, sealed

RECORDS = list(sealed(flow(1, 600), 5))  # 120 records
PER_SEGMENT = 30


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of four segments."""
    monkeypatch.setattr(archives, "SEGMENT_RECORDS", PER_SEGMENT)
    folder = tmp_path / "archive"
    assert [segment.count for segment in ArchiveFolder(folder).write(RECORDS)] == [PER_SEGMENT] * 4
    return folder


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("segment-*.oba"))


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12),
    times=st.randoms(use_true_random=False),
    chain=st.binary(min_size=32, max_size=32),
    first=st.integers(1, 2**40),
)
@settings(max_examples=40, deadline=None)
def test_any_records_come_back_from_a_segment_as_they_were(
    sizes: list[int], times: random.Random, chain: bytes, first: int
) -> None:
    records: list[BatchRecord] = []
    seq, ts_ns, commands = first, 0, flow(2, 60)
    for size in sizes:
        ts_ns += times.randrange(10**12)
        record = seal(first + len(records), ts_ns, seq, commands[:size], chain)
        records.append(record)
        seq, chain = seq + size, record.chain
    segment, data = pack(records)
    assert unpack(segment, data) == records


@given(cuts=st.lists(st.integers(0, 120), max_size=4), bound=st.integers(5, 50), after=st.integers(0, 120))
@settings(max_examples=8, deadline=None)
def test_however_it_was_written_in_pieces_that_overlap_each_record_is_there_once(
    cuts: list[int], bound: int, after: int
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "SEGMENT_RECORDS", bound)
        patch.setattr("journal.files.os.fsync", lambda descriptor: None)
        archive = ArchiveFolder(Path(name) / "archive")
        for cut in [*sorted(cuts), 120]:
            archive.write(RECORDS[max(0, archive.last_n - 7) : cut])
        assert list(archived(Path(name) / "archive", after)) == RECORDS[after:]


def test_records_are_found_by_number_and_by_seq(folder: Path) -> None:
    archive = ArchiveFolder(folder)
    assert archive.part(10, 20) == RECORDS[10:20]
    assert archive.part(25, 90) == RECORDS[25:PER_SEGMENT]  # to the end of the segment
    assert archive.part(120, 130) == []
    assert [archive.holding(record.last_seq) for record in RECORDS] == RECORDS
    assert (archive.holding(0), archive.holding(601)) == (None, None)


def test_one_that_reads_notices_what_another_writes(folder: Path) -> None:
    more = list(sealed(flow(1, 700), 5))
    reader = ArchiveFolder(folder)
    assert reader.part(120, 130) == []
    ArchiveFolder(folder).write(more[100:])
    assert reader.part(120, 130) == more[120:130]
    assert reader.holding(651) == more[130]


def test_what_is_archived_already_is_no_error_and_what_differs_is(folder: Path) -> None:
    archive = ArchiveFolder(folder)
    assert archive.write(RECORDS) == []
    others = list(sealed(flow(2, 700), 5))
    for foreign in (others, others[120:]):
        with pytest.raises(ArchiveDamaged, match="is another one in the archive"):
            archive.write(foreign)
    with pytest.raises(ValueError, match="do not follow each other"):
        archive.write([*RECORDS, RECORDS[3]])
    assert list(archived(archive.folder)) == RECORDS


# -- damage


@pytest.mark.parametrize("where", ["body", "end", "head"])
def test_a_flipped_byte_of_a_segment_names_segment_and_record(folder: Path, where: str) -> None:
    second = segments(folder)[1]
    data = bytearray(second.read_bytes())
    at = {"body": len(data) // 2, "end": len(data) - 1, "head": HEAD_BYTES - 20}[where]
    data[at] ^= 1
    second.write_bytes(data)
    archive = ArchiveFolder(folder)
    assert archive.part(0, 30) == RECORDS[:30]
    with pytest.raises(JournalCorrupt, match=second.name) as caught:
        archive.part(40, 50)
    named = str(caught.value).partition(", record ")[2].partition(":")[0]
    assert where == "head" or 31 <= int(named) <= 60


def test_every_way_to_damage_a_segment_is_an_error_that_names_it(folder: Path) -> None:
    rng = random.Random(5)
    path = segments(folder)[2]
    whole = path.read_bytes()
    for _ in range(150):
        data, at = bytearray(whole), rng.randrange(len(whole))
        match rng.randrange(3):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:]
            case _:
                data[at:at] = rng.randbytes(rng.randint(1, 9))
        path.write_bytes(data)
        with pytest.raises(ArchiveDamaged, match=path.name):
            list(archived(folder))
    path.write_bytes(whole)
    assert list(archived(folder)) == RECORDS


def test_a_segment_that_is_missing_or_swapped_for_another_is_named(folder: Path) -> None:
    first, second = segments(folder)[:2]
    kept = second.read_bytes()
    second.write_bytes(first.read_bytes())
    with pytest.raises(ArchiveDamaged, match=f"{second.name}: it holds other records"):
        ArchiveFolder(folder).part(35, 40)
    second.unlink()
    with pytest.raises(ArchiveDamaged, match=f"{second.name}, record 31: the file is missing"):
        ArchiveFolder(folder).part(35, 40)
    second.write_bytes(kept)
    assert ArchiveFolder(folder).part(35, 40) == RECORDS[35:40]


def _flipped(data: bytes) -> bytes:
    at = data.index(b'"first_seq": 151')
    return data[: at + 14] + b"9" + data[at + 15 :]


@pytest.mark.parametrize(
    "damage", [_flipped, lambda data: data[:200], lambda data: b"", lambda data: b"\xff" * 40, None]
)
def test_a_manifest_that_is_damaged_or_missing_is_made_anew_from_the_segments(
    folder: Path, damage: Callable[[bytes], bytes] | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / MANIFEST_NAME
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    archive = ArchiveFolder(folder)
    assert list(archived(archive.folder)) == RECORDS
    assert archive.damage_of_manifest()
    more = list(sealed(flow(1, 650), 5))
    with caplog.at_level(logging.WARNING):
        archive.write(more)
    assert "is made anew from its segments" in caplog.text
    assert archive.damage_of_manifest() is None
    assert list(archived(folder)) == more


def test_segments_whose_names_were_swapped_are_read_and_listed_in_the_order_of_their_records(folder: Path) -> None:
    first, second, third, _ = segments(folder)
    for path, other in ((first, second), (second, third)):
        aside = path.rename(folder / "aside")
        other.rename(path)
        aside.rename(other)
    (folder / MANIFEST_NAME).unlink()
    archive = ArchiveFolder(folder)
    assert list(archived(folder)) == RECORDS
    more = list(sealed(flow(1, 650), 5))
    archive.write(more)
    assert list(archived(folder)) == more
    assert list(folder.glob("*.bad")) == []
    assert archive.damage_of_manifest() is None


def test_swapped_segments_behind_an_older_manifest_are_taken_up_in_the_order_of_their_records(folder: Path) -> None:
    save_manifest(folder, ArchiveFolder(folder).segments[:2])
    *_, third, fourth = segments(folder)
    aside = third.rename(folder / "aside")
    fourth.rename(third)
    aside.rename(fourth)
    ArchiveFolder(folder).write([])
    assert list(archived(folder)) == RECORDS
    assert list(folder.glob("*.bad")) == []


def test_a_segment_under_the_name_of_the_next_one_is_not_written_over(folder: Path) -> None:
    more = list(sealed(flow(1, 650), 5))
    segments(folder)[0].rename(folder / segment_name(121, 130))
    (folder / MANIFEST_NAME).unlink()
    ArchiveFolder(folder).write(more)
    assert list(archived(folder)) == more


def test_a_pipe_among_the_segments_holds_nobody_up(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(folder / segment_name(121, 125))
    (folder / MANIFEST_NAME).unlink()
    assert list(archived(folder)) == RECORDS
    assert "is not a regular file" in caplog.text


def test_the_manifest_says_what_each_segment_holds(folder: Path) -> None:
    listed = json.loads((folder / MANIFEST_NAME).read_text())["segments"]
    assert [(each["first_n"], each["last_n"], each["count"]) for each in listed][1] == (31, 60, 30)
    assert listed[1]["prev_chain"] == listed[0]["last_chain"] == RECORDS[29].chain.hex()
    assert listed[1]["packed_bytes"] + HEAD_BYTES == segments(folder)[1].stat().st_size


def test_a_segment_that_no_manifest_lists_is_taken_up_or_set_aside(folder: Path, tmp_path: Path) -> None:
    more = list(sealed(flow(1, 700), 5))
    segment, data = pack(more[120:125])
    (folder / segment.file).write_bytes(data)
    stray, data = pack(more[50:55])
    (folder / stray.file).write_bytes(data)
    (folder / "segment-x.oba.tmp").write_bytes(b"half")
    ArchiveFolder(folder).write(more[124:])
    assert list(archived(folder)) == more
    assert [path.name for path in folder.glob("*.bad")] == [stray.file + ".bad"]
    assert list(folder.glob("*.tmp")) == []


def test_records_that_were_dropped_between_two_times_of_archiving_are_a_gap(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    more = list(sealed(flow(1, 900), 5))
    ArchiveFolder(folder).write(more[150:160])
    assert "are in no archive" in caplog.text
    archive = ArchiveFolder(folder)
    assert list(archived(archive.folder)) == RECORDS
    assert archive.part(125, 130) == []
    assert archive.part(150, 155) == more[150:155]


_ARCHIVER = """
import sys
from pathlib import Path
from journal import archive
from tests.journal.commands import flow, sealed
archive.SEGMENT_RECORDS = 3
records = list(sealed(flow(1, 4000), 5))
print("begun", flush=True)
archive.ArchiveFolder(Path(sys.argv[1])).write(records)
print("done", flush=True)
"""


def test_kill_9_while_segments_are_written_leaves_whole_ones_and_the_next_goes_on(tmp_path: Path) -> None:
    records = list(sealed(flow(1, 4000), 5))
    rng = random.Random(3)
    ended = False
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", _ARCHIVER, tmp_path / "archive"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        time.sleep(rng.uniform(0.01, 0.15))
        writer.send_signal(signal.SIGKILL)
        ended = ended or "done" in writer.stdout.read()
        writer.stdout.close()
        writer.wait(30)
        kept = list(archived(tmp_path / "archive"))
        assert kept == records[: len(kept)]
    ArchiveFolder(tmp_path / "archive").write(records)
    archive = ArchiveFolder(tmp_path / "archive")
    assert list(archived(archive.folder)) == records
    assert archive.damage_of_manifest() is None
    assert sorted(os.listdir(archive.folder)) == sorted([MANIFEST_NAME, *(each.file for each in archive.segments)])


def test_a_head_that_claims_more_than_a_segment_can_be_is_refused(folder: Path) -> None:
    segment, data = pack(RECORDS[:5])
    huge = msgspec.structs.replace(segment, raw_bytes=segment.raw_bytes - 1)
    with pytest.raises(Exception, match="holds other records"):
        unpack(huge, data)


def test_a_record_that_was_changed_before_it_was_packed_is_named_itself() -> None:
    changed = [*RECORDS[:10], msgspec.structs.replace(RECORDS[10], body=RECORDS[11].body), *RECORDS[11:20]]
    segment, data = pack(changed)
    with pytest.raises(SegmentDamaged, match="record 11: its checksum does not match") as caught:
        unpack(segment, data)
    assert caught.value.n == 11
