"""The version of the server.

Layer: api.
"""

from __future__ import annotations

VERSION = "0.1.0"
