"""A record as a JSON object on a line, for programs that read logs.

Whatever stands in a message is inside a string of ASCII: a record is one line, and nobody forges another.
Layer: logs. No module of ours is imported here but `lines`.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any, Final

from logs.lines import MESSAGE_MAX, TRACEBACK_MAX, LineFormatter, shortened

# What a record may say besides its message; anything else that somebody attaches to one is not written.
FIELDS: Final = ("request_id", "error_code", "method", "path", "address", "account", "origin")


class JsonFormatter(LineFormatter):
    """A record as an object: time, level, logger, message, what it has of `FIELDS`, its traceback. Bounded."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        content: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": shortened(record.getMessage(), MESSAGE_MAX),
        }
        for field in FIELDS:
            value = getattr(record, field, None)
            if value is not None:
                content[field] = shortened(value, MESSAGE_MAX) if isinstance(value, str) else value
        if record.exc_info:
            content["traceback"] = shortened(self.formatException(record.exc_info), TRACEBACK_MAX)
        return json.dumps(content)


def stray_object(line: str) -> str:
    """A line that something wrote to the standard error besides the log, as an object of the log."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z"
    return json.dumps({"time": stamp, "level": "WARNING", "logger": "stderr", "message": line})
