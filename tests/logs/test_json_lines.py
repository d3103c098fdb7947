"""A log of JSON is one object a line, whatever is logged, by the server and by its children."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from logs.json_lines import JsonFormatter, stray_object
from logs.lines import MESSAGE_MAX
from logs.setup import FORMAT_VARIABLE, JSON
from replica.historian.options import HistorianOptions
from tests.server import ROOT

HOSTILE = 'a\n{"level":"CRITICAL"}\r\u2028\x1b[2J\ud800"'


def written(message: str, *arguments: object, **extra: object) -> dict[str, Any]:
    """A record, as a program reads it from its line."""
    record = logging.LogRecord("api.x", logging.WARNING, "x.py", 1, message, arguments, None)
    vars(record).update(extra)
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert line.isprintable()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_record_is_an_object_with_its_message_as_it_was() -> None:
    found = written("refused %s", HOSTILE, request_id="r-1", account=7)
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "WARNING",
        "logger": "api.x",
        "message": f"refused {HOSTILE}",
        "request_id": "r-1",
        "account": 7,
    }


def test_what_else_hangs_on_a_record_is_not_written() -> None:
    assert "secret" not in json.dumps(written("x", password="secret", limited=True, origin=None))  # noqa: S106


def test_a_record_is_bounded() -> None:
    found = written("x" * 100_000, path="y" * 100_000)
    assert len(found["message"]) < MESSAGE_MAX + 50
    assert len(found["path"]) < MESSAGE_MAX + 50


def test_a_traceback_stands_in_the_object_of_its_record() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "x.py", 1, "failed", (), sys.exc_info())
    found = json.loads(JsonFormatter().format(record))
    assert found["traceback"].startswith("Traceback (most recent call last)")
    assert "ValueError" in found["traceback"]


def test_a_stray_line_is_an_object_too() -> None:
    found = json.loads(stray_object(HOSTILE))
    assert (found["logger"], found["message"]) == ("stderr", HOSTILE)


def test_the_historian_writes_as_its_server_does(tmp_path: Path) -> None:
    options = HistorianOptions(str(tmp_path / "history.sqlite"), str(tmp_path / "snapshots"), "test", 1_000, 60, False)
    ours, its = socket.socketpair()
    with ours, its:
        ours.sendall(b"\xff" * 64)  # no frame
        arguments = (str(its.fileno()), msgspec.json.encode(options).decode())
        program = [sys.executable, "-m", "replica.historian", *arguments]
        done = subprocess.run(
            program,
            cwd=ROOT,
            env=os.environ | {FORMAT_VARIABLE: JSON},
            pass_fds=(its.fileno(),),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["logger"] == "replica.historian"
