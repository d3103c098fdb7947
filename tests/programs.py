"""Our own programs beside the server, run as a person runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.server import ROOT


def tool(*arguments: str) -> list[str]:
    """The command line of a module of ours or a script, under this Python."""
    return [sys.executable, *arguments]


def run(*arguments: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end."""
    return subprocess.run(tool(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)


def rebuild(data: Path) -> subprocess.CompletedProcess[str]:
    """`python -m api.rebuild` on a folder."""
    command = [sys.executable, "-m", "api.rebuild", "--data", str(data)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
