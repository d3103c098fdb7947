"""What the machine does to a server's figures: for how long its event loop was ready to work and had to wait.

Where others keep all processors busy, a server takes as many times as long for everything, whoever asks it.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil


class Share:
    """A context manager: `slowness` says afterwards how many times as long as by itself the process took.

    Of its first thread, which is that of the event loop; 1 where the kernel does not say.
    """

    slowness = 1.0

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._before = (0, 0)

    def __enter__(self) -> Self:
        self._before = worked_and_waited_ns(self._pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        after = worked_and_waited_ns(self._pid)
        worked, waited = (now - then for now, then in zip(after, self._before, strict=True))
        self.slowness = 1.0 + waited / worked if worked > 0 else 1.0


def worked_and_waited_ns(pid: int | None) -> tuple[int, int]:
    """For how long the first thread of a process had a processor, and waited for one; zeros where nobody says."""
    try:
        worked, waited, _ = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0, 0
    return int(worked), int(waited)


def server_of(url: str) -> int | None:
    """The process that listens at the port of `url`; None where it is not to be seen."""
    port = urlsplit(url).port
    listening = (each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN)
    return next((each.pid for each in listening if each.laddr and each.laddr.port == port and each.pid), None)
