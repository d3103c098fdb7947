"""Real servers for the tests of the tools: started as processes, on a free port, in a folder of their own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STOP_S = 30


def start(data: Path, *arguments: str, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """A server that has said its URL, and the URL."""
    process = subprocess.Popen(
        [sys.executable, "api/app.py", "--host", "127.0.0.1", "--port", str(port), "--data", str(data), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://[0-9.]+:\d+", line)
    assert found, f"the server said {line!r}"
    return process, found.group()


def stop(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> int:
    """End it; its exit status."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(STOP_S)
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def running(data: Path, *arguments: str) -> Iterator[str]:
    """A server as long as the context lasts; its URL."""
    process, url = start(data, *arguments)
    try:
        yield url
    finally:
        stop(process)


def tool(*arguments: str) -> list[str]:
    """The command line of a module of ours or a script, under this Python."""
    return [sys.executable, *arguments]


def run(*arguments: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end."""
    return subprocess.run(tool(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
