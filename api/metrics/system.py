"""Figures that the machine knows: memory, descriptors, processor time, the size of what lies in the data folder.

A thread of its own asks every few seconds, so that neither the event loop nor a scrape waits for a disk.
Layer: api.metrics.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from prometheus_client import ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric

from journal.snapshots import SnapshotFile

EVERY_S: Final = 5.0
CLOSE_S: Final = 1.0  # for a reading under way, at the end: it may be blocked in a disk
PARTS: Final = ("journal", "history", "identity", "snapshots", "archive")  # of the data folder
OTHER: Final = "other"

log = logging.getLogger(__name__)


class SystemReading(NamedTuple):
    """What was found at one moment."""

    at: float  # in seconds of `time.monotonic`
    process: list[Metric]  # of the server's own process, as every client of Prometheus names them
    children: dict[str, int]  # resident bytes, by process
    data: dict[str, int]  # bytes, by part
    free: int  # bytes of the data's file system
    size: int
    snapshot: tuple[SnapshotFile, float] | None  # the newest, and when it was written, in epoch seconds


class SystemReadings:
    """The newest reading. `close` it."""

    def __init__(
        self,
        data: Path,
        snapshots: Callable[[], list[SnapshotFile]],
        children: Mapping[str, Callable[[], int | None]],
    ) -> None:
        """`snapshots`: the newest first; `children`: the process id of each, None while there is none."""
        self._data = data
        self._snapshots = snapshots
        self._children = children
        self._collector = ProcessCollector(registry=None)
        self._latest: SystemReading | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system-readings", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read no more. Idempotent."""
        self._closing.set()
        self._thread.join(CLOSE_S)

    def families(self) -> Iterator[Metric]:
        """What was found last; nothing before the first reading."""
        found = self._latest
        if found is None:
            return
        yield GaugeMetricFamily(
            "openbell_system_reading_age_seconds",
            "How old the figures of the machine are, which stand still where its disk does.",
            value=time.monotonic() - found.at,
        )
        yield from found.process
        memory = GaugeMetricFamily(
            "openbell_child_resident_memory_bytes", "Resident memory of the server's children.", labels=["process"]
        )
        for name, resident in found.children.items():
            memory.add_metric([name], resident)
        yield memory
        data = GaugeMetricFamily("openbell_data_bytes", "Size of what is in the data folder.", labels=["part"])
        for part, length in found.data.items():
            data.add_metric([part], length)
        yield data
        yield GaugeMetricFamily("openbell_data_free_bytes", "Free for us where the data lies.", value=found.free)
        yield GaugeMetricFamily("openbell_data_filesystem_bytes", "Size of where the data lies.", value=found.size)
        if found.snapshot is not None:
            file, written_s = found.snapshot
            yield GaugeMetricFamily(
                "openbell_snapshot_age_seconds", "Since the newest snapshot was written.", value=time.time() - written_s
            )
            yield GaugeMetricFamily("openbell_snapshot_seq", "The last command of the newest snapshot.", value=file.seq)
            yield GaugeMetricFamily("openbell_snapshot_bytes", "Size of the newest snapshot.", value=file.size)

    # -- in the thread

    def _run(self) -> None:
        while True:
            try:
                self._latest = self._read()
            except Exception:  # another try follows
                log.exception("the figures of the machine could not be read")
            if self._closing.wait(EVERY_S):
                return

    def _read(self) -> SystemReading:
        file_system = os.statvfs(self._data)
        return SystemReading(
            time.monotonic(),
            list(self._collector.collect()),
            {name: memory for name, pid in self._children.items() if (memory := _resident(pid())) is not None},
            _sizes(self._data),
            file_system.f_bavail * file_system.f_frsize,
            file_system.f_blocks * file_system.f_frsize,
            self._newest_snapshot(),
        )

    def _newest_snapshot(self) -> tuple[SnapshotFile, float] | None:
        for file in self._snapshots():
            with suppress(OSError):  # it may be gone meanwhile
                return file, file.path.stat().st_mtime
        return None


def _resident(pid: int | None) -> int | None:
    """The resident bytes of a process; None where there is none."""
    if pid is not None:
        with suppress(psutil.Error):
            return int(psutil.Process(pid).memory_info().rss)
    return None


def _sizes(data: Path) -> dict[str, int]:
    """The bytes of each part of the data folder, with what lies one folder deep. O(files)."""
    sizes = dict.fromkeys((*PARTS, OTHER), 0)
    for path in data.glob("*"):
        stem = path.name.partition(".")[0]
        part = stem if stem in PARTS else OTHER
        for file in path.glob("*") if path.is_dir() else (path,):
            with suppress(OSError):  # it may be gone meanwhile
                sizes[part] += file.lstat().st_size
    return sizes
