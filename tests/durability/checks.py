"""Is everything there that was promised, once, and is the state the one that the journal makes?"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from journal.sqlite import SqliteJournal
from replica.replay import ReplayResult, replay
from tests.durability.client import Client
from tests.durability.load import DONE, SYMBOLS, Promises, trade_facts

PAGE = 1000
_RANK = {"resting": 0, "partially_filled": 1, "filled": 2, "cancelled": 2}


def journal_copy(data: Path, scratch: Path) -> Path:
    """A copy of the journal of a server that is not running, in a folder made anew."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for file in data.glob("journal.sqlite*"):
        shutil.copy(file, scratch)
    return scratch / "journal.sqlite"


def replay_copy(data: Path, scratch: Path, digests: dict[int, str]) -> tuple[ReplayResult, list[str]]:
    """Replay a copy of the journal in this process, of a server that is not running.

    Returns the result, and the seqs at which the living server had told another digest
    than the replay makes.
    """
    exchange = Exchange()
    waiting = dict(digests)
    differing: list[str] = []

    def compare(batch: list[CommandResult]) -> None:
        """Only at the ends of batches: there is where the server can have been asked."""
        seq = batch[-1].seq
        if seq in waiting and waiting.pop(seq) != state_digest(exchange):
            differing.append(f"the digest at seq {seq} differs")

    with closing(SqliteJournal(journal_copy(data, scratch))) as journal:
        result = replay(journal, exchange, compare)
    exchange.check_invariants()
    differing += [f"seq {seq} was told and no batch of the journal ends there" for seq in waiting]
    return result, differing


def all_orders(client: Client) -> list[Any]:
    """Every order of the account, from the pages of GET /orders."""
    orders: list[Any] = []
    cursor = ""
    while True:
        page = client.get(f"/orders?limit={PAGE}{cursor}")
        orders += page["orders"]
        if page["next_cursor"] is None:
            return orders
        cursor = f"&cursor={page['next_cursor']}"


def all_trades(client: Client) -> list[Any]:
    """Every trade of every symbol, from the pages of GET /trades."""
    trades: list[Any] = []
    for symbol in SYMBOLS:
        before = ""
        while True:
            page = client.get(f"/trades/{symbol}?limit={PAGE}{before}")
            rows = page["trades"] if isinstance(page, dict) else page
            trades += rows
            if len(rows) < PAGE:
                break
            before = f"&before={rows[-1]['trade_id']}"
    return trades


def broken_promises(promises: Promises, orders: list[Any], trades: list[Any]) -> list[str]:
    """What the answers said and the server does not say any more, in words. Empty when all is well."""
    broken = list(promises.wrong)
    by_name = {order["client_order_id"]: order for order in orders}
    broken += [
        f"{name} is there {n} times" for name, n in Counter(o["client_order_id"] for o in orders).items() if n > 1
    ]
    broken += [f"{name} was refused and is there" for name in promises.refused & by_name.keys()]
    for name, promised in promises.orders.items():
        found = by_name.get(name)
        broken += [f"{name} is lost"] if found is None else _gone_back(name, promised, found)
    for name, filled in promises.cancelled.items():
        found = by_name[name]
        if (found["status"], found["filled"]) != ("cancelled", filled):
            broken.append(f"{name} was cancelled at {filled} and is {found['status']} at {found['filled']}")
    broken += [f"{name} was done and is open" for name in promises.too_late if by_name[name]["status"] not in DONE]
    return broken + _broken_trades(promises, orders, trades)


def _gone_back(name: str, promised: Any, found: Any) -> list[str]:
    """How an order is behind what its trader was told."""
    broken = []
    if found["order_id"] != promised["order_id"]:
        broken.append(f"{name} was order {promised['order_id']} and is {found['order_id']}")
    if _RANK[found["status"]] < _RANK[promised["status"]]:
        broken.append(f"{name} was {promised['status']} and is {found['status']}")
    if Decimal(found["filled"]) < Decimal(promised["filled_quantity"]):
        broken.append(f"{name} was filled {promised['filled_quantity']} and is {found['filled']}")
    if promised["status"] in DONE and (found["status"], found["filled"]) != (
        promised["status"],
        promised["filled_quantity"],
    ):
        broken.append(f"{name} was {promised['status']} for good and is {found['status']}, {found['filled']}")
    if any(found[field] != promised[field] for field in ("symbol", "side", "price", "quantity")):
        broken.append(f"{name} has changed: {promised} -> {found}")
    return broken


def _broken_trades(promises: Promises, orders: list[Any], trades: list[Any]) -> list[str]:
    """Trades that are lost, changed or there twice, and orders whose fills do not add up."""
    facts = {trade["trade_id"]: trade_facts(trade) for trade in trades}
    broken = [
        f"trade {trade_id} was {promised} and is {facts.get(trade_id)}"
        for trade_id, promised in promises.trades.items()
        if facts.get(trade_id) != promised
    ]
    if sorted(int(trade["trade_id"]) for trade in trades) != list(range(1, len(trades) + 1)):
        broken.append("the trades are not numbered from 1 without a hole, each once")
    traded: dict[str, Decimal] = defaultdict(Decimal)
    for _, _, quantity, maker, taker in facts.values():
        traded[maker] += Decimal(quantity)
        traded[taker] += Decimal(quantity)
    broken += [
        f"order {order['order_id']} says {order['filled']} filled, its trades say {traded[order['order_id']]}"
        for order in orders
        if Decimal(order["filled"]) != traded[order["order_id"]]
    ]
    return broken


def broken_reads(client: Client, promises: Promises, names: list[str]) -> list[str]:
    """The same for single orders, by GET /order/{order_id} and with their fills."""
    broken: list[str] = []
    for name in names:
        found = client.get(f"/order/{promises.orders[name]['order_id']}")
        broken += _gone_back(name, promises.orders[name], found)
        if sum(Decimal(fill["quantity"]) for fill in found["fills"]) != Decimal(found["filled"]):
            broken.append(f"the fills of {name} are not what is filled: {found}")
        if len({fill["trade_id"] for fill in found["fills"]}) != len(found["fills"]):
            broken.append(f"a fill of {name} is there twice: {found}")
    return broken
