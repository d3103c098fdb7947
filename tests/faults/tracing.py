"""What makes system calls of a running server fail or linger: strace, attached to its process.

`strace --inject` needs no change of the program, no library in it and no file system of its own, and it can begin and
end at any moment. It needs to be allowed to trace (root, or a process of the same user where the kernel lets it).
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ATTACHED_S = 30.0


def can_trace() -> bool:
    """Whether strace is here and may attach to a child of ours."""
    if shutil.which("strace") is None:
        return False
    with subprocess.Popen(["sleep", "5"]) as sleeping:
        try:
            with injected(psutil.Process(sleeping.pid), "fsync:error=EIO"):
                return True
        except AssertionError:
            return False
        finally:
            sleeping.kill()


@contextmanager
def injected(process: psutil.Process, *faults: str) -> Iterator[None]:
    """Each of `faults` as `--inject` takes it, in every thread of `process`, until the end."""
    calls = ",".join(fault.split(":")[0] for fault in faults)
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(process.pid), "-e", f"trace={calls}"]
    command += [word for fault in faults for word in ("-e", f"inject={fault}")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracing:
        try:
            deadline = time.monotonic() + ATTACHED_S
            while not _all_traced(process):
                assert tracing.poll() is None, "strace could not attach"
                assert time.monotonic() < deadline, "strace did not attach in time"
                time.sleep(0.01)
            yield
        finally:
            tracing.send_signal(signal.SIGINT)  # it detaches and lets the process go on
            try:
                tracing.wait(ATTACHED_S)
            except subprocess.TimeoutExpired:
                tracing.kill()


def _all_traced(process: psutil.Process) -> bool:
    statuses = [
        Path(f"/proc/{process.pid}/task/{thread.id}/status").read_text(encoding="ascii") for thread in process.threads()
    ]
    return all("TracerPid:\t0\n" not in status for status in statuses)
