"""Records are covered by two snapshots that were proved and are there still."""

from __future__ import annotations

from pathlib import Path

import pytest

from journal.snapshots import SnapshotFolder
from projections.projections import Projections
from replica.follower import Follower
from replica.historian.options import HistorianOptions
from replica.historian.snapshotter import Snapshotter
from tests.journal.mixed_records import RECORDS


class Writing:
    """A follower of `RECORDS`, and who writes its snapshots."""

    def __init__(self, folder: Path, *, prove: bool = True) -> None:
        self.folder = SnapshotFolder(folder)
        self._follower = Follower()
        projections = Projections(self._follower.exchange)
        options = HistorianOptions("history", str(folder), "1.2.3", 1, 1e6, prove)
        self.snapshotter = Snapshotter(self.folder, self._follower, projections, options)

    def covered_behind(self, n: int) -> int:
        """What is covered by a snapshot that is written behind record `n`."""
        for record in RECORDS[self._follower.n : n]:
            self._follower.follow(record)
        saved = self.snapshotter.save()
        assert saved is not None
        assert saved.n == n
        return saved.covered_n


def test_what_the_older_of_two_proved_ones_is_behind_is_covered(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "snapshots")
    assert [writing.covered_behind(n) for n in (3, 5, 9)] == [0, 3, 5]


def test_one_that_was_taken_away_covers_nothing(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "snapshots")
    writing.covered_behind(3)
    for file in writing.folder.files():
        file.path.unlink()
    assert [writing.covered_behind(n) for n in (5, 9)] == [0, 5]


def test_unproved_ones_cover_nothing(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "snapshots", prove=False)
    assert [writing.covered_behind(n) for n in (3, 5)] == [0, 0]


def test_one_that_cannot_be_written_is_told_and_not_tried_again_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writing = Writing(tmp_path / "snapshots")
    writing.covered_behind(3)
    (tmp_path / "snapshots").rename(tmp_path / "elsewhere")
    (tmp_path / "snapshots").write_bytes(b"a file")
    with pytest.raises(AssertionError):
        writing.covered_behind(5)
    assert "no snapshot could be written behind record 5" in caplog.text
    assert not writing.snapshotter.is_due
