"""Snapshot files: what is loaded is what was written, and what is not is passed over for the one before."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from engine.digest import state_digest
from journal.snapshots import SnapshotDamaged, SnapshotFolder, SnapshotUnknown
from replica.follower import Follower
from tests.journal.mixed_records import BATCH, RECORDS


def followed(until_n: int) -> Follower:
    """A follower behind a record."""
    follower = Follower()
    for record in RECORDS[:until_n]:
        follower.follow(record)
    return follower


def saved(folder: Path, *at: int) -> SnapshotFolder:
    """Snapshots behind these records."""
    snapshots = SnapshotFolder(folder, "1.2.3")
    for n in at:
        follower = followed(n)
        assert follower.last is not None
        snapshots.save(follower.exchange, follower.last, {"more": b"%d" % n})
    return snapshots


def test_a_follower_goes_on_from_a_snapshot_to_the_same_state(tmp_path: Path) -> None:
    snapshot = saved(tmp_path, 17).newest()
    assert snapshot is not None
    assert (snapshot.last, snapshot.version, snapshot.sections) == (RECORDS[16], "1.2.3", {"more": b"17"})
    follower = Follower(snapshot.exchange, snapshot.last)
    for record in RECORDS[17:]:
        follower.follow(record)
    assert state_digest(follower.exchange) == state_digest(followed(40).exchange)


def test_the_newest_is_taken_that_is_no_newer_than_asked_for(tmp_path: Path) -> None:
    snapshots = saved(tmp_path, 5, 10, 15)
    assert [file.n for file in snapshots.files()] == [15, 10, 5]
    for until_seq, expected in ((None, 15), (15 * BATCH, 15), (15 * BATCH - 1, 10), (5 * BATCH, 5)):
        found = snapshots.newest(until_seq=until_seq)
        assert found is not None
        assert found.last.n == expected
    assert snapshots.newest(until_seq=5 * BATCH - 1) is None


def test_no_folder_and_an_empty_one_hold_nothing(tmp_path: Path) -> None:
    assert SnapshotFolder(tmp_path / "none").newest() is None
    assert SnapshotFolder(tmp_path).files() == []


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_snapshot_is_set_aside_and_the_one_before_it_is_taken(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)
    snapshots = saved(tmp_path, 2, 4)
    newest = snapshots.files()[0].path
    data = bytearray(newest.read_bytes())
    match seed % 4:
        case 0:
            data = data[: chance.randrange(len(data))]
        case 1:
            data += bytes(chance.randrange(1, 9))
        case 2:
            at = chance.randrange(len(data) - 64)
            data[at : at + 64] = bytes(64)
        case _:
            at = chance.randrange(b"openbell snapshot 1 1.2.3\n".find(b"\n") + 1, len(data))
            data[at] ^= 1 << chance.randrange(8)
    newest.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        found = snapshots.newest()
    assert found is not None
    assert found.last.n == 2
    assert "set aside" in caplog.text
    assert [file.n for file in snapshots.files()] == [2]
    assert newest.with_name(newest.name + ".bad").exists()


def test_a_snapshot_under_the_name_of_another_is_no_snapshot_of_that_record(tmp_path: Path) -> None:
    snapshots = saved(tmp_path, 2, 4)
    newest, oldest = snapshots.files()
    newest.path.write_bytes(oldest.path.read_bytes())
    with pytest.raises(SnapshotDamaged, match="its name says 4"):
        snapshots.load(newest)


def test_a_snapshot_whose_state_is_not_the_one_that_its_digest_says_is_damaged(tmp_path: Path) -> None:
    follower = followed(4)
    assert follower.last is not None
    snapshots = SnapshotFolder(tmp_path)
    file = snapshots.save(follower.exchange, follower.last, {}, digest="0" * 64)  # its checksum is right
    with pytest.raises(SnapshotDamaged, match="another digest"):
        snapshots.load(file)


def test_a_snapshot_of_another_version_is_named_and_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    snapshots = saved(tmp_path, 2, 4)
    newest = snapshots.files()[0]
    newest.path.write_bytes(newest.path.read_bytes().replace(b"snapshot 1 1.2.3", b"snapshot 2 9.0.0", 1))
    with pytest.raises(SnapshotUnknown, match=r"Openbell 9\.0\.0 in format 2"):
        snapshots.load(newest)
    found = snapshots.newest()
    assert found is not None
    assert found.last.n == 2
    assert "Openbell 9.0.0" in caplog.text
    assert newest.path.exists()


def test_a_snapshot_is_its_owners_alone_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (file,) = saved(tmp_path / "snapshots", 3).files()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.size == file.path.stat().st_size
    assert os.listdir(tmp_path / "snapshots") == [file.path.name]


def test_a_snapshot_that_cannot_be_written_whole_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        saved(tmp_path, 3)
    assert os.listdir(tmp_path) == []


def test_older_snapshots_thin_out_and_the_newest_two_stay(tmp_path: Path) -> None:
    snapshots = SnapshotFolder(tmp_path)
    (tmp_path / "snapshot-000000000009-000000000000009.tmp").write_bytes(b"begun")
    for n in range(1, 101):
        (tmp_path / f"snapshot-{n:012}-{n * 1000:015}.obs").write_bytes(b"")
        snapshots.thin(8)
    kept = [file.n for file in snapshots.files()]
    assert kept[:2] == [100, 99]
    assert len(kept) == 8
    gaps = [newer - older for newer, older in pairwise(kept)]
    assert gaps[-1] > 4 * gaps[1]
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_file_under_the_name_of_a_snapshot_is_passed_over_by_name_once(
    tmp_path: Path, put: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    snapshots = saved(tmp_path, 5)
    strange = snapshots.path_of(RECORDS[9])
    put(strange)
    for _ in range(2):
        assert [file.n for file in snapshots.files()] == [5]
    found = snapshots.newest()
    assert found is not None
    assert found.last.n == 5
    snapshots.thin(2)
    assert caplog.text.count(f"{strange} is passed over") == 1


def test_a_snapshot_that_became_a_pipe_meanwhile_holds_nobody_up(tmp_path: Path) -> None:
    snapshots = saved(tmp_path, 5)
    (file,) = snapshots.files()
    file.path.unlink()
    os.mkfifo(file.path)
    with pytest.raises(OSError, match="is not a regular file"):
        snapshots.load(file)


@pytest.mark.parametrize("put", [os.mkfifo, Path.touch, lambda path: path.symlink_to(path)])
def test_what_is_no_folder_in_the_place_of_the_folder_is_a_sentence(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    put(tmp_path / "snapshots")
    with pytest.raises(OSError, match=r"snapshots is no folder, .* move it away"):
        SnapshotFolder(tmp_path / "snapshots").files()
