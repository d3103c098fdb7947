"""A recorder: writes trades and the best prices of a symbol to Parquet, for pandas, polars or DuckDB.

    PYTHON client/examples/recorder.py --symbol BTC-USDT --seconds 60 --folder recorded

Prices and quantities are decimals in the files, as they are on the wire. Where something was missed, by a lost
connection or a slow disk, the column `gap` says so. PYTHON is that of an environment with
the client and pyarrow: `pip install './client[parquet]'`.
Layer: an example.
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from openbell_client import AsyncClient, AsyncFeed, Gap

NUMBER = pa.decimal128(38, 12)
TRADES = pa.schema(
    [
        ("ts_ns", pa.int64()),
        ("trade_id", pa.string()),
        ("price", NUMBER),
        ("quantity", NUMBER),
        ("aggressor_side", pa.string()),
        ("gap", pa.bool_()),  # trades are missing here: GET /trades has them
    ]
)
BOOK = pa.schema(
    [
        ("seq", pa.int64()),
        ("timestamp", pa.float64()),
        ("bid", NUMBER),
        ("bid_quantity", NUMBER),
        ("ask", NUMBER),
        ("ask_quantity", NUMBER),
        ("gap", pa.bool_()),  # changes are missing before this row
    ]
)


class Table:
    """Rows of one file, written a thousand at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self.count = 0

    def add(self, **row: Any) -> None:
        """Add one row; what is left out is null."""
        self._rows.append({name: row.get(name) for name in self._schema.names})
        self.count += 1
        if len(self._rows) >= 1_000:
            self._write()

    def close(self) -> None:
        """Write the rest, and end the file."""
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()


async def record_trades(feed: AsyncFeed, symbol: str, table: Table, most: int | None) -> None:
    """Write each trade, until it is so many."""
    async for trade in await feed.trades(symbol):
        if isinstance(trade, Gap):
            table.add(gap=True)
            continue
        table.add(
            ts_ns=trade.ts_ns,
            trade_id=trade.trade_id,
            price=trade.price,
            quantity=trade.quantity,
            aggressor_side=trade.aggressor_side,
            gap=False,
        )
        if table.count == most:
            return


async def record_best(feed: AsyncFeed, symbol: str, table: Table) -> None:
    """Write the best prices whenever they change, for ever."""
    book = await feed.book(symbol)
    print(f"Recording {symbol}.", flush=True)
    last: tuple[Decimal | None, ...] = ()
    resyncs = book.resyncs
    while True:
        bid, ask = book.best_bid, book.best_ask
        best = (
            *((bid.price, bid.quantity) if bid else (None, None)),
            *((ask.price, ask.quantity) if ask else (None, None)),
        )
        if best != last and book.valid:
            values = dict(zip(("bid", "bid_quantity", "ask", "ask_quantity"), best, strict=True))
            table.add(seq=book.seq, timestamp=book.timestamp, gap=book.resyncs != resyncs, **values)
            last, resyncs = best, book.resyncs
        await book.changed(book.seq)


async def record(options: argparse.Namespace) -> tuple[int, int]:
    """Record for so many seconds or trades; how many trades and changes of the best prices."""
    options.folder.mkdir(parents=True, exist_ok=True)
    trades = Table(options.folder / "trades.parquet", TRADES)
    changes = Table(options.folder / "bbo.parquet", BOOK)
    try:
        async with AsyncClient(options.url) as venue, venue.feed() as feed:
            recording = [
                asyncio.create_task(record_trades(feed, options.symbol, trades, options.trades)),
                asyncio.create_task(record_best(feed, options.symbol, changes)),
            ]
            done, others = await asyncio.wait(recording, timeout=options.seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for task in done:
                task.result()  # raises what ended it
    finally:
        trades.close()
        changes.close()
    return trades.count, changes.count


def main() -> None:
    """Run the command line."""
    options = argparse.ArgumentParser(
        description=(__doc__ or "").partition("Layer:")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--url", default="http://127.0.0.1:5000")
    options.add_argument("--symbol", default="BTC-USDT")
    options.add_argument("--folder", type=Path, default=Path("recorded"))
    options.add_argument("--seconds", type=float, help="end by itself after so long")
    options.add_argument("--trades", type=int, help="or after so many trades")
    given = options.parse_args()
    trades, changes = asyncio.run(record(given))
    print(f"{trades} trades and {changes} changes of the best prices are in {given.folder}.")


if __name__ == "__main__":
    main()
