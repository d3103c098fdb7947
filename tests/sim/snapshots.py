"""The folder of snapshots: real files by the real `SnapshotFolder`, with simulated time, failures and damage.

Each that is written is checked at once: it must prove right, and be the state that the reference has there.
"""

from __future__ import annotations

import contextlib
import errno
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from engine.exchange import Exchange
from journal.codec import BatchRecord
from journal.snapshots import SnapshotError, SnapshotFile, SnapshotFolder
from tests.sim.machine import sleep

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

Save = Callable[..., SnapshotFile]


class Snapshots:
    """What survives every process of the snapshots."""

    def __init__(self, simulation: Simulation, folder: Path) -> None:
        self.folder = SnapshotFolder(folder, "simulated")
        self._simulation = simulation
        self._damaged: set[str] = set()
        self._rng = random.Random(f"snapshots {simulation.plan.seed}")

    @property
    def newest_n(self) -> int:
        """The record of the newest file that was not damaged; 0 where there is none."""
        return max((file.n for file in self._sound()), default=0)

    def damage(self, rng: random.Random) -> None:
        """Damage one of the newest two, when none is damaged: one that is sound is left."""
        sound = self._sound()
        if len(sound) < 2 or any(file.path.name in self._damaged for file in self.folder.files()):
            return
        file = rng.choice(sound[:2])
        content = bytearray(file.path.read_bytes())
        if rng.random() < 0.3:
            what, content = "snapshot that was cut", content[: rng.randrange(len(content))]
        else:
            what = "snapshot with a flipped bit"
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        file.path.write_bytes(content)
        self._damaged.add(file.path.name)
        self._simulation.fault(what)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Have writing take its time, and what was written checked."""
        save = SnapshotFolder.save

        def save_checked(
            folder: SnapshotFolder,
            exchange: Exchange,
            last: BatchRecord,
            sections: Mapping[str, bytes],
            digest: str | None = None,
        ) -> SnapshotFile:
            file = save(folder, exchange, last, sections, digest)
            self._check(file)
            return file

        with (
            mock.patch("journal.files.write_flushed", self._write),
            mock.patch("journal.files.flush"),
            mock.patch.object(SnapshotFolder, "save", save_checked),
        ):
            yield

    def _write(self, path: Path, parts: tuple[bytes, ...]) -> None:
        content = b"".join(parts)
        path.write_bytes(content[: self._rng.randint(0, len(content))])
        sleep(0.001)
        faults = self._simulation.disk.faults
        if (faults.write_error or faults.full) and self._rng.random() < 0.1:
            self._simulation.fault("snapshot that could not be written")
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_bytes(content)
        sleep(0.001)

    def _check(self, file: SnapshotFile) -> None:
        self._damaged.discard(file.path.name)
        self._simulation.count("snapshot")
        try:
            snapshot = self.folder.load(file)
        except SnapshotError as wrong:
            self._simulation.violation("snapshot", f"the one behind record {file.n}: {str(wrong).rpartition('/')[2]}")
        else:
            self._simulation.check_digest("snapshot", file.n, snapshot.digest)

    def _sound(self) -> list[SnapshotFile]:
        return [file for file in self.folder.files() if file.path.name not in self._damaged]
