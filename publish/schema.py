"""The messages as JSON Schema 2020-12. `python -m publish.schema` writes it into the documentation.

Layer: publish.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from publish.messages import BY_TOPIC

FILE: Final = Path(__file__).parent.parent / "Documentation" / "publishing.schema.json"


def schema() -> dict[str, Any]:
    """One definition for each message; `topics` says which topic has which."""
    refs, definitions = msgspec.json.schema_components(BY_TOPIC.values(), ref_template="#/$defs/{name}")
    topics = {topic.value: ref for topic, ref in zip(BY_TOPIC, refs, strict=True)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What Openbell publishes",
        "description": "Each message of a topic is of one of these. Fields may be added, never taken away or renamed.",
        "anyOf": list(topics.values()),
        "topics": topics,
        "$defs": _plain(definitions),
    }


def _plain(schema: Any) -> Any:
    """The same with patterns as JSON Schema has them, by ECMA-262."""
    if isinstance(schema, dict):
        plain = {name: _plain(value) for name, value in schema.items()}
        if isinstance(pattern := plain.get("pattern"), str):
            plain["pattern"] = re.sub(r"^\\A(.*)\\Z$", r"^\1$", pattern)
        return plain
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema


def text() -> str:
    """The file's text."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
