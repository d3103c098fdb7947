"""Every item of the standard that we measure ourselves by has its row, and whatever a row names is there."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import pytest

from tests.tidy.sources import ROOT

PAGE: Final = ROOT / "Documentation" / "security.md"
SECTIONS: Final = {  # of ASVS 4.0.3: the level of each item, in order; - is one of level 3, or that was removed
    "1.1": "2222222", "1.2": "2222", "1.4": "2--22", "1.5": "2222", "1.6": "2222", "1.7": "22", "1.8": "22",
    "1.9": "22", "1.10": "2", "1.11": "22", "1.12": "-2", "1.14": "222222", "2.1": "111111111111", "2.2": "111",
    "2.3": "122", "2.4": "22222", "2.5": "1111112", "2.6": "222", "2.7": "111122", "2.8": "1222222", "2.9": "222",
    "2.10": "2222", "3.1": "1", "3.2": "1112", "3.3": "1122", "3.4": "11111", "3.5": "222", "3.7": "1",
    "4.1": "111-1", "4.2": "11", "4.3": "112", "5.1": "11111", "5.2": "11111111", "5.3": "1111111111", "5.4": "222",
    "5.5": "1111", "6.1": "222", "6.2": "122222", "6.3": "22", "6.4": "22", "7.1": "1122", "7.2": "22", "7.3": "2-22",
    "7.4": "122", "8.1": "2222", "8.2": "111", "8.3": "11112222", "9.1": "111", "9.2": "2222", "10.2": "22",
    "10.3": "111", "11.1": "11111222", "12.1": "122", "12.2": "2", "12.3": "111112", "12.4": "11", "12.5": "11",
    "12.6": "1", "13.1": "1-122", "13.2": "111-22", "13.3": "12", "13.4": "22", "14.1": "2222", "14.2": "111222",
    "14.3": "-11", "14.4": "1111111", "14.5": "1112",
}  # fmt: skip
STATES: Final = ("holds", "does not apply", "does not hold")
ROW: Final = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\d) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
NAMED: Final = re.compile(r"`([\w.-]+(?:/[\w.-]+)+|[\w-]+\.(?:md|toml|txt)|Makefile)`")
OPTION: Final = re.compile(r"`(--[a-z-]+)`")


class Row(NamedTuple):
    """What is said of one item."""

    item: str
    level: str
    asks: str
    state: str
    shown: str


ROWS: Final = [Row(*found) for found in ROW.findall(PAGE.read_text(encoding="utf-8"))]
ITEMS: Final = [
    (f"{section}.{number}", level)
    for section, levels in SECTIONS.items()
    for number, level in enumerate(levels, 1)
    if level != "-"
]


def test_every_item_of_levels_1_and_2_has_one_row_in_its_order() -> None:
    assert len(ITEMS) == 259
    assert [(row.item, row.level) for row in ROWS] == ITEMS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.item)
def test_what_a_row_names_is_there(row: Row) -> None:
    assert row.state in STATES
    assert [name for name in NAMED.findall(row.shown) if not (ROOT / name).exists()] == []
    options = (ROOT / "Documentation" / "settings.md").read_text(encoding="utf-8")
    assert [option for option in OPTION.findall(row.shown) if f"`{option}`" not in options] == []


def test_the_page_counts_its_rows() -> None:
    counts = [sum(row.state == state for row in ROWS) for state in STATES]
    text = f"{len(ROWS)} items, of which {counts[0]} hold, {counts[1]} do not apply and {counts[2]} do not hold"
    assert text in PAGE.read_text(encoding="utf-8")
