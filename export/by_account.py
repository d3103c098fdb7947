"""What each account did in a session, in a folder of its own: its orders, its fills, its profit.

Nothing in a folder is of another account, so that each can be given to whom it belongs.
Layer: export. Blocks.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.commands import StopAccount
from engine.events import CommandResult, Filled
from engine.exchange import Exchange
from engine.types import AccountId, Side
from export.accounts import AccountNames
from export.files import ExportError, JsonLines
from export.orders import OrderRows
from export.schema import ACCOUNT_TABLES, ORDERS, Row
from export.session import Session
from listings.grid import grid_of
from projections.profits import Profits

FOLDER: Final = "accounts"
WAITING_BYTES_MAX: Final = 16 * 2**20  # of all files, before they are written
_ACCOUNT_AT: Final = [column.name for column in ORDERS].index("account")


class AccountFiles:
    """The files of all accounts, which appear together: `publish` or `discard` them."""

    def __init__(self, folder: Path) -> None:
        """They go into `folder`/accounts, which must not exist. Raises ExportError, OSError."""
        self._target = folder / FOLDER
        if os.path.lexists(self._target):
            raise ExportError(f"There is {self._target} already: name another --out.")
        self._making = Path(tempfile.mkdtemp(prefix=f".{FOLDER}.", dir=folder))
        self._lines = {table: JsonLines(columns) for table, columns in ACCOUNT_TABLES.items()}
        self._waiting: defaultdict[tuple[int, str], list[bytes]] = defaultdict(list)
        self._waiting_bytes = 0
        self.accounts: set[int] = set()
        self.rows = 0

    def write(self, account: int, table: str, row: Row) -> None:
        """Take one row of an account. Raises OSError."""
        line = self._lines[table].line(row)
        self._waiting[account, table].append(line)
        self._waiting_bytes += len(line)
        self.rows += 1
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self._flush()

    def publish(self) -> None:
        """Have all on the disk, under its name. Raises OSError."""
        self._flush()
        self._making.rename(self._target)

    def discard(self) -> None:
        """Delete what has not got its name. Idempotent."""
        shutil.rmtree(self._making, ignore_errors=True)

    def _flush(self) -> None:
        for (account, table), lines in self._waiting.items():
            folder = self._making / str(account)
            if account not in self.accounts:
                self.accounts.add(account)
                folder.mkdir(mode=0o700)
            descriptor = os.open(folder / f"{table}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.writelines(lines)
        self._waiting.clear()
        self._waiting_bytes = 0


def write_accounts(session: Session, folder: Path, done: Callable[[int], None]) -> tuple[int, int]:
    """Write what each account did into `folder`/accounts; how many accounts and rows there are. O(commands).

    `done` is called with 1 for each command. Raises ExportError, OSError and as `Session.commands`.
    """
    files = AccountFiles(folder)
    try:
        _write_all(session, files, done)
        files.publish()
    except BaseException:
        files.discard()
        raise
    return len(files.accounts), files.rows


def _write_all(session: Session, files: AccountFiles, done: Callable[[int], None]) -> None:
    begun: list[tuple[Exchange, OrderRows]] = []
    names, profits = AccountNames(anonymous=False), Profits()
    for result in session.commands(lambda exchange: begun.append((exchange, OrderRows(exchange, names)))):
        exchange, orders = begun[0]
        for row in orders.rows(result):
            _write_order(files, row)
        for account, row in _fills(exchange, result, profits):
            files.write(account, "fills", row)
        done(1)
    for exchange, orders in begun:
        for row in orders.rest():
            _write_order(files, row)
        for account, row in _profits(exchange, profits):
            files.write(account, "profit", row)


def _write_order(files: AccountFiles, row: Row) -> None:
    account = row[_ACCOUNT_AT]
    if isinstance(account, int):
        files.write(account, "orders", row)


def _fills(exchange: Exchange, result: CommandResult, profits: Profits) -> Iterator[tuple[int, Row]]:
    """The fills of a command, the maker's first; they are added to the profits."""
    if type(result.command) is StopAccount:
        profits.stop(result.command)
    for event in result.events:
        if isinstance(event, Filled):
            profits.trade(event)
            grid = grid_of(exchange.books[event.symbol].instrument)
            maker_side = Side.SELL if event.taker_side is Side.BUY else Side.BUY
            for account, order_id, side, liquidity, fee in (
                (event.maker_account, event.maker_order_id, maker_side, "maker", event.maker_fee),
                (event.taker_account, event.taker_order_id, event.taker_side, "taker", event.taker_fee),
            ):
                yield int(account), (
                    event.trade_id, result.seq, result.ts_ns, result.ts_ns, event.symbol, order_id, side, liquidity,
                    grid.price(event.price), grid.quantity(event.quantity), grid.amount(event.notional),
                    grid.amount(fee),
                )  # fmt: skip


def _profits(exchange: Exchange, profits: Profits) -> Iterator[tuple[AccountId, Row]]:
    """What each account's positions come to at the last prices, since the session's begin or its last reset."""
    for account, symbol, position in profits.saved():
        book = exchange.books[symbol]
        grid, last = grid_of(book.instrument), book.last_price
        value = position.lots * (last or 0) * book.instrument.lot_tick_amount
        profit = value - position.cost + position.realised - position.fees
        yield account, (
            symbol, book.instrument.quote, grid.quantity(position.lots), grid.amount(position.cost),
            grid.amount(position.realised), grid.amount(position.fees), None if last is None else grid.price(last),
            grid.amount(value), grid.amount(profit), position.fills,
        )  # fmt: skip
