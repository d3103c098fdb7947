"""The pages about clients: their commands and programs, run as they are written, against a server of a test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.clients.environments import interpreter
from tests.server import ROOT, environment
from tests.tidy.examples import BLOCK, DOCUMENTED_URL

PATIENCE_S: Final = 120
OUT: Final = re.compile(r"--out (\S+)")


def blocks(page: str, language: str) -> list[str]:
    """The code blocks in one language of a page of Documentation/clients."""
    text = (ROOT / "Documentation" / "clients" / f"{page}.md").read_text(encoding="utf-8")
    return [code for found, code in BLOCK.findall(text) if found == language]


def run_commands(page: str, url: str, folder: Path) -> str:
    """Run the shell commands of a page from the checkout, what they write going into `folder`; what was printed."""
    (script,) = blocks(page, "sh")
    script = OUT.sub(rf"--out {folder}/\1", script.replace(DOCUMENTED_URL, url))
    script = script.replace(". ./", f". {folder}/").replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_program(library: str, code: str, folder: Path, *, before: str = "pass") -> list[str]:
    """Run a Python block in `folder` by the Python that has `library`, `before` it a line; the lines it printed."""
    (folder / "example.py").write_text(code, encoding="utf-8")
    python = str(interpreter(library))
    run = f"{before}\nimport runpy\nrunpy.run_path('example.py', run_name='__main__')"
    done = subprocess.run(
        [python, "-W", "ignore", "-c", run],
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
