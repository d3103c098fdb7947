"""Writes the table of reject and cancel reasons into the documentation and the page: `python -m tools.reasons`.

The table is `explain/reasons.py`. Tests hold that what is written is what the table says.
Layer: tools. A program for who works on Openbell; it talks to no server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from api.json.errors import STATUS
from explain.reasons import CANCELS, REJECTS

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENTS: Final = {  # which tables are in each
    ROOT / "Documentation" / "api.md": ("rejects", "cancels"),
    ROOT / "Documentation" / "matching-rules.md": ("cancels",),
}
PAGE_MODULE: Final = ROOT / "frontend" / "model" / "parts" / "reasons.js"
LINE_MAX: Final = 120  # of the page's formatter

HEADER: Final = """/**
 * The texts of reject and cancel reasons, by the venue's own names for them.
 *
 * Written by `python -m tools.reasons` from the venue's table, explain/reasons.py: change it there.
 * What is missing is shown in the venue's own words.
 * Layer: model.
 */
"""


def reject_rows() -> list[str]:
    """The documentation's rows of reject reasons, in order of precedence."""
    return [f"| `{reason.upper()}` | {STATUS[text.kind]} | {text.when} |" for reason, text in REJECTS.items()]


def cancel_rows() -> list[str]:
    """The documentation's rows of cancel reasons."""
    return [f"| `{reason}` | {text.when} |" for reason, text in CANCELS.items()]


def documented(document: str, tables: Sequence[str]) -> str:
    """`document` with its tables of reasons as they should be. Raises ValueError where one is not found."""
    for name in tables:
        rows = reject_rows() if name == "rejects" else cancel_rows()
        begin, end = f"<!-- {name}: python -m tools.reasons -->\n", f"<!-- end of {name} -->"
        table = re.compile(f"({re.escape(begin)}\n\\|.*\\|\n\\|[-|]+\\|\n).*?(\n{re.escape(end)})", re.DOTALL)
        document, found = table.subn(lambda match, rows=rows: f"{match[1]}{chr(10).join(rows)}\n{match[2]}", document)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"the document has no table of {name}")
    return document


def page_module() -> str:
    """The page's module of reasons."""
    return HEADER + "".join(
        (
            _constant(
                "CANCEL_WORDS",
                "Why an order ended with something left: on its own, in a column.",
                {reason.value: text.short for reason, text in CANCELS.items()},
            ),
            _constant(
                "CANCEL_SENTENCES",
                "Why nothing was filled, as the end of a sentence, where the reason alone says it.",
                {reason.value: text.page for reason, text in CANCELS.items() if text.page is not None},
            ),
            _constant(
                "REJECT_SENTENCES",
                "Where the page can say more than the server, who doesn't know what is on the screen.",
                {reason.upper(): text.page for reason, text in REJECTS.items() if text.page is not None},
            ),
        )
    )


def _constant(name: str, comment: str, texts: dict[str, str]) -> str:
    lines = [_entry(key, json.dumps(text, ensure_ascii=False)) for key, text in texts.items()]
    typed = "@type {Readonly<Record<string, string>>}"
    return f"\n/**\n * {comment}\n * {typed}\n */\nexport const {name} = Object.freeze({{\n{''.join(lines)}}});\n"


def _entry(key: str, text: str) -> str:
    line = f"  {key}: {text},\n"
    return line if len(line) <= LINE_MAX + 1 else f"  {key}:\n    {text},\n"


def main() -> None:
    """Write both."""
    written = {path: documented(path.read_text(encoding="utf-8"), tables) for path, tables in DOCUMENTS.items()}
    for path, text in (written | {PAGE_MODULE: page_module()}).items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
