"""The code of the API tab, run as it is pasted."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
import pytest
from tests.server import RunningServer


def bare(**more: str) -> dict[str, str]:
    """An environment without what this machine happens to set."""
    return {"PATH": os.environ["PATH"]} | more


def run_by_shell(code: str, shell: str = "sh", **environment: str) -> Any:
    """What the venue answers to pasted curl."""
    return json.loads(pasted(code, shell, **environment).stdout)


def pasted(code: str, shell: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of what is pasted into it."""
    how: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, "env": bare(**environment)}
    return subprocess.run([shell], check=False, input=code, **how)


def run_by_python(code: str, folder: Path, **environment: str) -> tuple[int, Any]:
    """Status and answer to pasted Python; -I: nothing but what comes with it."""
    (folder / "pasted.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(folder / "pasted.py")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=bare(**environment), check=True)
    status, _, answer = ran.stdout.partition(" ")
    return int(status), ast.literal_eval(answer)
