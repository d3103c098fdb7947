"""The tables of `history/layout.py` as SQLAlchemy knows them, for queries.

Layer: history. No dialect's own words here: they are in `history/dialect.py`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table
from sqlalchemy.types import NullType

from history import layout
from history.layout import Kind

_TYPES: Final[dict[Kind, Any]] = {
    Kind.ID: Integer,
    Kind.NUMBER: BigInteger,
    Kind.CODE: Integer,
    Kind.TEXT: String,
    Kind.AMOUNT: NullType,  # an integer or text
    Kind.JSON: String,
}


def _table(of: layout.TableLayout) -> Table:
    columns = [
        Column(each.name, _TYPES[each.kind], primary_key=each.key, nullable=each.nullable) for each in of.columns
    ]
    return Table(of.name, MetaData(), *columns)


ORDERS: Final = _table(layout.ORDERS)
TRADES: Final = _table(layout.TRADES)
ACCOUNT_TRADES: Final = _table(layout.ACCOUNT_TRADES)
POSTINGS: Final = _table(layout.POSTINGS)
CANDLES: Final = _table(layout.CANDLES)
ASSETS: Final = _table(layout.ASSETS)
SYMBOLS: Final = _table(layout.SYMBOLS)
