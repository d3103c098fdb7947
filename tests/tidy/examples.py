"""The examples of the documentation, found and run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tidy.sources import ROOT

DOCUMENTED_URL = "http://127.0.0.1:5000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(page: str, language: str) -> list[str]:
    """The code blocks in `language` of one page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [code for found, code in BLOCK.findall(text) if found == language and DOCUMENTED_URL in code]


def shell(code: str, url: str) -> list[dict[str, Any]]:
    """Run shell commands that answer in JSON; return the answers."""
    script = code.replace(DOCUMENTED_URL, url)
    output = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True, timeout=60).stdout
    return [json.loads(line) for line in output.splitlines()]


def program(code: str, url: str, folder: Path) -> subprocess.Popen[str]:
    """Start a Python example."""
    path = folder / "example.py"
    path.write_text(code.replace(DOCUMENTED_URL, url), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-u", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
