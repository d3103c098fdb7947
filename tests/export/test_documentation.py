"""What is written about exports is so: the columns of the tables, the options, and the files' schemas."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from export.__main__ import _parser
from export.parquet import ParquetFile
from export.schema import TABLES, Kind

PAGE = (Path(__file__).parents[2] / "Documentation" / "export.md").read_text(encoding="utf-8")
ARROW = {
    Kind.INTEGER: "int64",
    Kind.DECIMAL: "decimal128(38, 18)",
    Kind.TEXT: "string",
    Kind.FLAG: "bool",
    Kind.TIME: "timestamp[ns, tz=UTC]",
}


def described(table: str) -> list[tuple[str, str]]:
    """Name and kind of each column, as the page has them."""
    section = PAGE.split(f"\n### {table}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE)


@pytest.mark.parametrize("table", TABLES)
def test_the_page_lists_the_columns_of_a_table_in_their_order(table: str) -> None:
    assert described(table) == [(column.name, column.kind.value) for column in TABLES[table]]


@pytest.mark.parametrize("table", TABLES)
def test_a_parquet_file_has_the_types_that_the_page_promises(table: str, tmp_path: Path) -> None:
    file = ParquetFile(tmp_path / "file.parquet", TABLES[table])
    file.finish()
    file.publish()
    schema = pq.read_schema(tmp_path / "file.parquet")
    assert [(field.name, str(field.type)) for field in schema] == [
        (name, ARROW[Kind(kind)]) for name, kind in described(table)
    ]


def test_every_option_has_its_row() -> None:
    options = set(re.findall(r"--[a-z-]+", " ".join(re.findall(r"^\| (`--.*?) \|", PAGE, re.MULTILINE))))
    assert options == {option for action in _parser()._actions for option in action.option_strings[-1:]} - {"--help"}
