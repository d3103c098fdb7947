"""What an attack costs the process of a server: descriptors, memory, processor time, its log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import psutil

from tests.server import RunningServer


class Probe:
    """A context manager: what the process has taken between begin and end, or so far."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._process: psutil.Process = server.process
        self._rss = self._cpu = self._began = 0.0
        self._descriptors = self._log_at = 0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._rss, self._cpu = self.rss_mb(), self.cpu_s()
        self._descriptors = self.descriptors()
        self._log_at = len(self._server.log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE

    def descriptors(self) -> int:
        """Open descriptors now."""
        return self._process.num_fds()

    def rss_mb(self) -> float:
        """Resident memory now, in MB."""
        return self._process.memory_info().rss / 1e6

    def cpu_s(self) -> float:
        """Processor time of all its threads since its start, in seconds."""
        times = self._process.cpu_times()
        return times.user + times.system

    @property
    def more_descriptors(self) -> int:
        """Descriptors more than at the beginning."""
        return self.descriptors() - self._descriptors

    @property
    def more_rss_mb(self) -> float:
        """Memory more than at the beginning, in MB."""
        return self.rss_mb() - self._rss

    @property
    def cpu_share(self) -> float:
        """Processors that it kept busy since the beginning: 1.0 is one of them, all the time."""
        return (self.cpu_s() - self._cpu) / max(1e-9, time.monotonic() - self._began)

    @property
    def log(self) -> str:
        """What it logged since the beginning."""
        return self._server.log[self._log_at :]

    def assert_calm_log(self, lines_max: int = 20) -> None:
        """No traceback, and few lines: nothing of a client's making fills the log."""
        assert "Traceback" not in self.log, self.log[-3000:]
        assert len(self.log.splitlines()) <= lines_max, self.log[-3000:]
