"""`kill -9` under deposits, withdrawals and trades: all that was acknowledged is there, to the minor unit."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

from engine.digest import state_digest
from engine.events import CommandResult, Deposited, Filled, Withdrawn
from engine.exchange import Exchange
from engine.ledger import FEE_ACCOUNT
from engine.types import Side
from journal.sqlite import SqliteJournal
from replica.replay import replay
from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD
from tests.durability.checks import journal_copy
from tests.durability.client import PATIENCE_S, Client
from tests.server import RunningServer

KILLS = 5
SEED = 3
PAGE = 1000
LEAST = 50  # deposits and withdrawals over all rounds, however slow the machine is; and twice as many orders

Money = dict[tuple[int, str], Fraction]  # account, asset -> what it owns


class Person:
    """One account: what it was promised, and what nobody knows the outcome of."""

    def __init__(self, signed_in: Any) -> None:
        self.token: str = signed_in["token"]
        self.account = int(signed_in["account"])
        self.orders: dict[str, Any] = {}  # client order id -> the answer
        self.moved: list[tuple[str, str, str]] = []  # kind, asset, amount: acknowledged
        self.tried: set[tuple[str, str, str]] = set()  # sent
        self.wrong: list[Any] = []


def trade(server: RunningServer, person: Person, round_name: str) -> None:
    """Deposit, withdraw, enter and cancel until the server is gone. No amount is ever used twice."""
    rng = random.Random(f"{round_name}-{person.account}")
    client = Client(server.port, person.token)
    for number in range(100_000):
        try:
            if number % 4 == 0:
                move(client, person, rng.choice(["deposit", "withdrawal"]), rng.choice(["USDT", "BTC"]))
            elif number % 4 == 3 and person.orders:
                answer = client.call("POST", "/cancel", {"client_order_id": rng.choice(sorted(person.orders))})
                if answer.status not in (200, 409):
                    person.wrong.append(answer.body)
            else:
                enter(client, person, f"{round_name}-{number}", rng)
        except ConnectionError:
            break
    client.close()


def until_moved(people: list[Person], least: int) -> None:
    """Wait until more postings than `least`, and twice as many orders, were acknowledged."""
    deadline = time.monotonic() + PATIENCE_S
    while min(sum(len(p.moved) for p in people), sum(len(p.orders) for p in people) // 2) <= least:
        assert time.monotonic() < deadline, "too little was answered"
        time.sleep(0.01)


def move(client: Client, person: Person, kind: str, asset: str) -> None:
    """One deposit or withdrawal, told from all others by its amount."""
    number = len(person.tried) + 1
    amount = f"1.{number:010}" if asset == "USDT" else f"0.{number:08}"
    posting = (kind, asset, f"{Fraction(amount)}")
    person.tried.add(posting)
    path = "/account/deposit" if kind == "deposit" else "/account/withdraw"
    answer = client.call("POST", path, {"asset": asset, "amount": amount})
    if answer.status == 200:
        person.moved.append(posting)
    else:
        person.wrong.append(answer.body)


def enter(client: Client, person: Person, name: str, rng: random.Random) -> None:
    """One order near the middle, so that the accounts trade with each other."""
    body: dict[str, object] = {
        "symbol": "BTC-USDT",
        "side": rng.choice(["buy", "sell"]),
        "order_type": rng.choice(["limit", "limit", "ioc"]),
        "quantity": f"0.{rng.randint(1, 99_999_999):08}",
        "price": f"300{rng.randint(0, 9)}0.{rng.randint(0, 99):02}",
        "client_order_id": name,
        "self_trade_prevention": "cancel_oldest",
    }
    answer = client.call("POST", "/order", body)
    if answer.status == 200:
        person.orders[name] = answer.body
    elif answer.body["error_code"] != "INSUFFICIENT_FUNDS":
        person.wrong.append(answer.body)


def counted(path: Path) -> tuple[Exchange, Money]:
    """The state that the journal makes, and everybody's money counted apart from the ledger, event by event."""
    exchange, money = Exchange(), defaultdict[tuple[int, str], Fraction](Fraction)

    def count(batch: list[CommandResult]) -> None:
        for applied in batch:
            for event in applied.events:
                if isinstance(event, Deposited | Withdrawn):
                    sign = 1 if isinstance(event, Deposited) else -1
                    money[event.account, event.asset] += sign * units(exchange, event.asset, event.amount)
                elif isinstance(event, Filled):
                    count_fill(exchange, event, money)

    with closing(SqliteJournal(path)) as journal:
        replay(journal, exchange, count)
    exchange.check_invariants()
    return exchange, money


def units(exchange: Exchange, asset: str, amount: int) -> Fraction:
    """Minor units as what they are worth."""
    return Fraction(amount, 10 ** exchange.ledger.scales[asset])


def count_fill(exchange: Exchange, event: Filled, money: Money) -> None:
    """Move the money of one fill: price times quantity from what people read, fees to the venue."""
    instrument = exchange.books[event.symbol].instrument
    quantity = event.quantity * Fraction(instrument.lot_size)
    cost = event.price * Fraction(instrument.tick_size) * quantity
    taker_buys = event.taker_side is Side.BUY
    buyer = event.taker_account if taker_buys else event.maker_account
    seller = event.maker_account if taker_buys else event.taker_account
    money[buyer, instrument.base] += quantity
    money[seller, instrument.base] -= quantity
    money[buyer, instrument.quote] -= cost
    money[seller, instrument.quote] += cost
    for account, fee in ((event.maker_account, event.maker_fee), (event.taker_account, event.taker_fee)):
        money[account, instrument.quote] -= units(exchange, instrument.quote, fee)
        money[FEE_ACCOUNT, instrument.quote] += units(exchange, instrument.quote, fee)


def postings(client: Client) -> list[Any]:
    """Every posting of the account, from the pages of GET /account/ledger."""
    found: list[Any] = []
    before = ""
    while True:
        page = client.get(f"/account/ledger?limit={PAGE}{before}")["postings"]
        found += page
        if len(page) < PAGE:
            return found
        before = f"&before={page[-1]['posting_id']}"


def broken_promises(client: Client, person: Person, exchange: Exchange, money: Money) -> list[Any]:
    """What the server says otherwise than it did, or than the journal."""
    broken = list(person.wrong)
    balances = {row["asset"]: row for row in client.get("/account/balances")["balances"]}
    for asset, balance in exchange.ledger.accounts[person.account].items():  # type: ignore[index]
        row = {name: Fraction(balances[asset][name]) for name in ("available", "held", "total")}
        expected = {name: units(exchange, asset, getattr(balance, name)) for name in row}
        if row != expected or row["total"] != money[person.account, asset]:
            broken.append((asset, row, expected, money[person.account, asset]))
    entries = postings(client)
    booked = Counter((row["kind"], row["asset"], f"{abs(Fraction(row['amount']))}") for row in entries)
    broken += [("lost", posting) for posting in person.moved if booked[posting] != 1]
    moved = {posting for posting in booked if posting[0] in ("deposit", "withdrawal")}
    welcome = {("deposit", asset, amount) for asset in balances for amount in ("100", "100000")}
    broken += [("made up", posting) for posting in moved - person.tried - welcome]
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for row in entries:
        sums[row["asset"]] += Fraction(row["amount"])
    broken += [("sum", asset, sums[asset]) for asset in balances if sums[asset] != Fraction(balances[asset]["total"])]
    for name, promised in random.Random(len(person.orders)).sample(
        sorted(person.orders.items()), min(20, len(person.orders))
    ):
        answer = client.call("GET", f"/order/{promised['order_id']}")
        found = answer.body
        if answer.status != 200 or Fraction(found["filled"]) < Fraction(promised["filled_quantity"]):
            broken.append((name, promised, found))
    return broken


def test_kills_lose_no_money_and_make_none(tmp_path: Path) -> None:
    data, rng = tmp_path / "data", random.Random(SEED)
    appoint(data)
    people: list[Person] = []
    exchange, money = Exchange(), Money()
    for kill in range(KILLS + 1):
        with RunningServer(data, "--profile", "secured", "--login-rate", "off", "--snapshot-every", "200") as server:
            visitor = Client(server.port)
            boss = visitor.call("POST", "/auth/login", {"name": OPERATOR, "password": PASSWORD}).body["token"]
            operator = Client(server.port, boss)
            if kill == 0:
                people = [Person(visitor.call("POST", "/auth/guest").body) for _ in range(4)]
            else:
                health = operator.get("/health?digest=true")
                assert (health["seq"], health["digest"]) == (exchange.seq, state_digest(exchange)), f"kill {kill}"
            for person in people if kill else ():
                client = Client(server.port, person.token)
                assert broken_promises(client, person, exchange, money) == [], f"after kill {kill}"
                client.close()
            assert operator.get("/admin/check")["balanced"] is True
            operator.close()
            visitor.close()
            if kill == KILLS:
                break
            threads = [threading.Thread(target=trade, args=(server, person, f"k{kill}")) for person in people]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.2, 1.0))
            until_moved(people, LEAST * (kill + 1) // KILLS)
            server.kill()
            for thread in threads:
                thread.join(60)
        exchange, money = counted(journal_copy(data, tmp_path / "scratch"))
    assert sum(len(person.moved) for person in people) > LEAST
    assert sum(len(person.orders) for person in people) > 2 * LEAST
    assert any(order["trades"] for person in people for order in person.orders.values())
