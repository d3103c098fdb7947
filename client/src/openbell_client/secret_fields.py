"""Which fields of answers and requests are secrets, and how such a struct shows itself: a log has none of them.

Layer: openbell_client.
"""

from __future__ import annotations

from typing import Final

import msgspec

SECRET_FIELDS: Final = ("token", "refresh_token", "secret", "password", "new_password", "code", "uri", "qr")


def redacted(struct: msgspec.Struct) -> str:
    """The repr of a struct, with dots for what is secret."""
    fields = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
    shown = ((name, repr(value) if name not in SECRET_FIELDS or value is None else "...") for name, value in fields)
    return f"{type(struct).__name__}({', '.join(f'{name}={text}' for name, text in shown)})"
