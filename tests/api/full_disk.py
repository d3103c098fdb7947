"""A disk that is full for the history of a server in this process, and for nothing else."""

from __future__ import annotations

import psutil

from api.bootstrap import Server

WRITTEN_S = 30.0


def fill_disk(server: Server) -> None:
    """From now on no file of the historian may grow beyond what the history has now."""
    assert server.historian.access.wait(server.exchange.seq, WRITTEN_S)
    path = server.history.path
    size = max(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
    _limit(server, size)


def make_room(server: Server) -> None:
    """From now on they may again."""
    _limit(server, psutil.RLIM_INFINITY)


def _limit(server: Server, size: int) -> None:
    psutil.Process(server.historian.pid).rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))
