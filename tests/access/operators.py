"""The command that makes operators, beside the server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.access.cast import OPERATOR
from tests.api.clients import PASSWORD
from tests.server import ROOT


def subprocess_create(data: Path, *arguments: str, name: str = OPERATOR, password: str = PASSWORD) -> str:
    """Appoint an operator; what was said."""
    return beside(data, "create", name, *arguments, password=password)


def beside(data: Path, command: str, name: str, *arguments: str, password: str = "") -> str:
    """Run a command of `identity.operators` that succeeds; what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "identity.operators", command, name, "--data", str(data), *arguments],
        cwd=ROOT,
        input=f"{password}\n",
        text=True,
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
