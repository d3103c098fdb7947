"""The operator's program, run as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.programs import tool
from tests.server import ROOT
from tools.operator import main


class Program:
    """`python -m tools.operator` with one session file."""

    def __init__(self, url: str, session: Path, **environment: str) -> None:
        self.url = url
        self.session = session
        self.environment = environment

    def run(self, *arguments: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("OPENBELL_")}
        return subprocess.run(
            tool("-m", "tools.operator", "--url", self.url, "--session", str(self.session), *arguments),
            cwd=ROOT,
            env=ours | {"COLUMNS": "200"} | self.environment,
            input=f"{password or ''}\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ask(self, *arguments: str, password: str | None = None) -> Any:
        """The JSON of a command that succeeds."""
        done = self.run("--json", *arguments, password=password)
        assert (done.returncode, done.stderr) == (0, ""), (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def refused(self, *arguments: str, password: str | None = None) -> str:
        """The sentence of a command that fails."""
        done = self.run(*arguments, password=password)
        assert (done.returncode, done.stdout) == (1, ""), (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr


class ProgramHere(Program):
    """The same within this process, which takes a tenth of the time: for what its commands do, not how it starts."""

    def run(self, *arguments: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
        done = CliRunner().invoke(
            main,
            ["--url", self.url, "--session", str(self.session), *arguments],
            input=f"{password or ''}\n",
            env={"COLUMNS": "200"} | self.environment,
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)
