"""A real Redis server of our own, on loopback only."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.ports import free_port

needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="Redis is not installed: sh tools/setup/system-packages.sh redis"
)


@contextmanager
def client(url: str) -> Iterator[Any]:
    """A client of it; its own types say of every answer that it may be one to come."""
    redis = Redis.from_url(url, protocol=2)
    try:
        yield redis
    finally:
        redis.close()


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """The URL of a server of our own, on loopback only; it keeps nothing."""
    with redis_process(folder) as (url, _):
        yield url


@contextmanager
def redis_process(folder: Path, port: int | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same, and its process, which may be stopped or killed."""
    port = port or free_port()
    process = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0", process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(20)
