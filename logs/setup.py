"""What a program does once to have a log: the one format, one line a minute of what clients cause, nothing beside it.

Layer: logs.
"""

from __future__ import annotations

import atexit
import logging
import sys
from typing import Final

from logs.limit import LIBRARIES, OneAMinute
from logs.lines import LINE, LineFormatter, StrayLines

# Without a level of their own these take a handler of their own, which would write beside ours.
SELF_WILLED: Final = ("engineio", "engineio.server", "socketio", "socketio.server", "werkzeug")


def begin(level: int = logging.INFO, line: str = LINE, *, limit: bool = True) -> None:
    """Have every record of at least `level` written to the standard error, and warnings with them.

    `limit`: whether what clients cause is written once a minute; a program that has no clients needs it not.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(line))
    if limit:
        one_a_minute = OneAMinute(LIBRARIES)
        handler.addFilter(one_a_minute)
        atexit.register(one_a_minute.close)
    logging.basicConfig(level=level, handlers=[handler])
    for name in SELF_WILLED:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)


def guard_stderr() -> None:
    """From now on what anything writes to `sys.stderr` itself is written as lines that look like no record."""
    if not isinstance(sys.stderr, StrayLines):
        sys.stderr = StrayLines(sys.stderr)
