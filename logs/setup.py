"""What a program does once to have a log: the one format, one line a minute of what clients cause, nothing beside it.

Layer: logs.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from typing import Final, NoReturn

from logs.json_lines import JsonFormatter, stray_object
from logs.limit import LIBRARIES, OneAMinute
from logs.lines import LINE, LineFormatter, StrayLines, as_continued

# Without a level of their own these take a handler of their own, which would write beside ours.
SELF_WILLED: Final = ("engineio", "engineio.server", "socketio", "socketio.server", "werkzeug")
# What these say of each start at INFO is of no use to an operator: who calls them says what they did.
TALKATIVE: Final = ("alembic",)

TEXT: Final = "text"
JSON: Final = "json"
FORMAT_VARIABLE: Final = "OPENBELL_LOG_FORMAT"  # the server's setting, by which its children know how it writes


def begin(level: int = logging.INFO, line: str = LINE, *, limit: bool = True, log_format: str = TEXT) -> None:
    """Have every record of at least `level` written to the standard error, and warnings with them.

    `limit`: whether what clients cause is written once a minute; a program that has no clients needs it not.
    `log_format`: TEXT, each record as `line` says, or JSON, an object on a line; children are to write as we do.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == JSON else LineFormatter(line))
    if log_format == JSON:
        os.environ[FORMAT_VARIABLE] = JSON
    if limit:
        one_a_minute = OneAMinute(LIBRARIES)
        handler.addFilter(one_a_minute)
        atexit.register(one_a_minute.close)
    logging.basicConfig(level=level, handlers=[handler])
    for name in SELF_WILLED:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def leave(status: int) -> NoReturn:
    """End the process with what was left out of the log written, and nothing else of what Python does at an end."""
    for handler in logging.getLogger().handlers:
        for one_a_minute in handler.filters:
            if isinstance(one_a_minute, OneAMinute):
                one_a_minute.close()
    logging.shutdown()
    os._exit(status)


def inherited_format() -> str:
    """How the program that started this one writes its log."""
    return JSON if os.environ.get(FORMAT_VARIABLE) == JSON else TEXT


def guard_stderr() -> None:
    """From now on what anything writes to `sys.stderr` itself is written as lines that look like no record of ours."""
    if not isinstance(sys.stderr, StrayLines):
        sys.stderr = StrayLines(sys.stderr, stray_object if inherited_format() == JSON else as_continued)
