"""Programs of tests/clients/libraries, each run by its own Python against a server, and what they print."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.clients.environments import interpreter
from tests.programs import tool
from tests.server import ROOT, environment

PATIENCE_S = 120  # for a program to end


def configuration(client: str, url: str, path: Path, *, variables: dict[str, str] | None = None) -> Path:
    """What `tools.clients` writes for a client of the server at `url`: with a key of a new guest, or of `variables`."""
    done = subprocess.run(
        tool("-m", "tools.clients", client, "--url", url, "--out", str(path)),
        cwd=ROOT,
        env=environment(variables or {}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return path


def configured_key(path: Path) -> tuple[str, str]:
    """The key that a configuration signs with: its id and its secret."""
    text = path.read_text(encoding="utf-8")
    (key_id,) = re.findall(r'"(ob-[0-9a-f]+)"', text)
    (secret,) = re.findall(r'"([0-9a-f]{64})"', text)
    return key_id, secret


class LibraryProgram:
    """One program that runs, is told by lines when to go on, and prints what came of its steps at the end."""

    def __init__(self, library: str, module: str, *arguments: str) -> None:
        python = str(interpreter(library))
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-m", f"tests.clients.libraries.{module}", *arguments],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._problems: deque[str] = deque(maxlen=200)  # what it said on the standard error, the last lines
        self._reader = threading.Thread(target=self._problems.extend, args=(_pipe(self._process.stderr),), daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            _pipe(pipe).close()

    def wait_for(self, words: str) -> None:
        """Wait until it says that it is so far."""
        line = _pipe(self._process.stdout).readline()
        assert line == f"# {words}\n", (line, self._said())

    def go_on(self, line: str = "") -> None:
        """Have it go on."""
        stdin = _pipe(self._process.stdin)
        stdin.write(line + "\n")
        stdin.flush()

    def results(self) -> dict[str, Any]:
        """What came of each step; waits for its end."""
        lines = _pipe(self._process.stdout).read().splitlines()
        self._process.wait(PATIENCE_S)
        assert self._process.returncode == 0, self._said()
        assert lines, self._said()
        results: dict[str, Any] = json.loads(lines[-1])
        return results

    def _said(self) -> str:
        self._process.kill()
        self._reader.join()
        return "".join(self._problems)


def results_of(library: str, module: str, *arguments: str) -> dict[str, Any]:
    """What came of each step of a program that goes to its end by itself."""
    with LibraryProgram(library, module, *arguments) as program:
        return program.results()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
