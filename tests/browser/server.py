"""A real server of our own in a process of its own, and the browser of this machine."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
READY_S = 60
STOP_S = 30
URL_LINE = re.compile(r"http://127\.0\.0\.1:(\d+)")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Server:
    """`python api/app.py` on a free port; it keeps the port and the folder when started again."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.url = ""

    def start(self) -> None:
        """Start, and return when it takes orders. Raises RuntimeError with what it printed when it doesn't come up."""
        command = [sys.executable, "api/app.py", "--port", str(self.port), "--data", str(self.data), *self._options]
        log = self.data.with_suffix(".log")
        with log.open("a") as errors:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        if self._process.stdout is None:
            raise RuntimeError("no pipe")
        for line in self._process.stdout:
            if found := URL_LINE.search(line):
                self.url, self.port = found[0], int(found[1])
                return
        raise RuntimeError(f"the server did not come up: {log.read_text()}")

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def chromium() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
