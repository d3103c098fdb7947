"""Scenarios: what stands in the book, what comes, what happens, and what stands then.

A file holds scenarios of one subject. Prices are ticks, quantities lots, amounts minor units.

    scenario: a market sell against bids 100 and 101 fills at 101
    given
      b1: buy 5 at 100
      b2: buy 5 at 101
    when
      s: sell 3 market
    then
      s accepted
      s takes 3 from b2 at 101
      s completed
    book
      buy 101: b2 2 | 100: b1 5

`given` and `when` hold commands (see `COMMANDS`), `then` the events that those under `when`
cause, `book` the sides that are not empty, best level first, each order with what it leaves.
Accounts 1, 2 and 3 have more than they can spend, all others what they deposit; `funds` holds what
these then own, and the venue's account 0, what is held in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine import events as ev
from engine.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    SetStatus,
    StopAccount,
    Withdraw,
)
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId, OrderType, Side, TimeInForce, TradingStatus

HERE = Path(__file__).parent
PARTS = ("given", "when", "then", "book", "funds")
SYMBOL = "X-USD"
PLAIN: dict[str, object] = {  # no fees, no collar, no limit within reach
    "symbol": SYMBOL,
    "base": "X",
    "quote": "USD",
    "tick_size": "1",
    "lot_size": "1",
    "quote_scale": 0,
    "lot_tick_amount": 1,
    "max_quantity": 1_000_000,
    "max_notional": 10**9,
    "max_open_orders": 1000,
}


RICH = [AccountId(1), AccountId(2), AccountId(3)]


@dataclass
class Scenario:
    """One scenario as written."""

    name: str
    file: str
    parts: dict[str, list[str]] = field(default_factory=lambda: {part: [] for part in PARTS})


def read_scenarios() -> list[Scenario]:
    """Every scenario of every file. Raises ValueError for a line that belongs nowhere."""
    scenarios: list[Scenario] = []
    for path in sorted(HERE.glob("*.txt")):
        part: list[str] | None = None
        for line in path.read_text().splitlines():
            if line.startswith("scenario: "):
                scenarios.append(Scenario(line.removeprefix("scenario: "), path.name))
                part = None
            elif line in PARTS:
                part = scenarios[-1].parts[line]
            elif line.strip() and part is not None:
                part.append(line.strip())
            elif line.strip() and not line.startswith("#"):
                raise ValueError(f"{path.name}: {line!r} belongs to no part of a scenario")
    return scenarios


# One command a line. `NAME:` lets later lines speak of the order; `id ID` is its client order id.
ORDER = (
    r"((?P<label>\w+): )?(?P<side>buy|sell)( (?P<quantity>-?\d[\d.]*))?( at (?P<price>-?\d[\d.]*))?(?P<market> market)?"
    r"( for (?P<quote_quantity>[\w.]+))?( (?P<tif>gtc|ioc|fok))?"
)
COMMANDS = {
    rf"{ORDER}( of (?P<symbol>\S+))?( id (?P<client>\S+))?( by (?P<account>\d))?": "enter",
    r"cancel all( (?P<side>buy|sell))?( of (?P<symbol>\S+))?( by (?P<account>\d))?": "cancel_all",
    r"cancel (?P<label>\w+)( of (?P<symbol>\S+))?( by (?P<account>\d))?": "cancel",
    r"cancel id (?P<client>\S+)( by (?P<account>\d))?": "cancel",
    r"amend (?P<label>\w+)( to (?P<quantity>-?\d[\d.]*))?( at (?P<price>-?\d[\d.]*))?( by (?P<account>\d))?": "amend",
    r"set (?P<status>trading|halted|closed)( of (?P<symbol>\S+))?": "set_status",
    r"deposit (?P<amount>\S+) (?P<asset>\w+)( limit (?P<limit>\S+))?( by (?P<account>\d))?": "deposit",
    r"withdraw (?P<amount>\S+) (?P<asset>\w+)( by (?P<account>\d))?": "withdraw",
    r"(?P<switch>stop|start)( by (?P<account>\d))?": "stop_account",
    r"configure (?P<changes>\w+=\S+(, \w+=\S+)*)( by (?P<account>\d))?": "configure",
    r"list (?P<changes>\w+=\S+(, \w+=\S+)*)": "list_instrument",
}


def number(text: str | None) -> int | str | None:
    """A count of ticks or lots; text that is none stays text, as it does in a command."""
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else text


def tell_of_account(event: ev.Event) -> str:
    """An event about an account as a line under `then`."""
    match event:
        case ev.Deposited():
            return f"{event.account} deposited {event.amount} {event.asset}"
        case ev.Withdrawn():
            return f"{event.account} withdrew {event.amount} {event.asset}"
        case ev.AccountConfigured():
            return f"{event.account} is {event.tier}"
        case ev.AccountStopped():
            return f"{event.account} stopped" if event.stopped else f"{event.account} may trade"
    raise ValueError(f"no words for {event}")


class Stage:
    """An exchange that takes commands as they are written, and writes down what happens."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.order_ids: dict[str, int] = {}
        self.labels: dict[int, str] = {}
        self.ts_ns = 0
        self.apply(ListInstrument(Instrument(**PLAIN)))
        for account in RICH:
            for asset in ("X", "USD"):
                self.apply(Deposit(account, asset, str(10**12)))

    def apply(self, command: Command) -> list[ev.Event]:
        self.ts_ns += 1
        return self.exchange.apply(command, self.exchange.seq + 1, self.ts_ns)

    def play(self, line: str) -> list[str]:
        """Carry out one line; return the events, one line each."""
        if line == "a second later":
            self.ts_ns += 10**9
            return []
        for pattern, name in COMMANDS.items():
            match = re.fullmatch(pattern, line)
            if match is not None:
                build: Callable[[dict[str, str | None]], Command] = getattr(self, name)
                command = build(match.groupdict())
                return [self.tell(event) for event in self.apply(command)]
        raise ValueError(f"not a command: {line!r}")

    # -- commands

    def enter(self, words: dict[str, str | None]) -> EnterOrder:
        if words["label"]:
            self.order_ids[words["label"]] = self.exchange.seq + 1
            self.labels[self.exchange.seq + 1] = words["label"]
        market = words["market"] is not None
        return EnterOrder(
            self.account(words),
            words["symbol"] or SYMBOL,
            Side(words["side"]),
            OrderType.MARKET if market else OrderType.LIMIT,
            TimeInForce(words["tif"] or ("ioc" if market else "gtc")),
            number(words["quantity"]),
            number(words["price"]),
            words["client"],
            number(words["quote_quantity"]),
        )

    def cancel(self, words: dict[str, str | None]) -> CancelOrder:
        order_id = self.order_ids.get(words["label"], 999) if "label" in words else None
        return CancelOrder(self.account(words), order_id, words.get("client"), words.get("symbol"))

    def cancel_all(self, words: dict[str, str | None]) -> CancelAll:
        return CancelAll(self.account(words), words["symbol"], Side(words["side"]) if words["side"] else None)

    def amend(self, words: dict[str, str | None]) -> AmendOrder:
        order_id = self.order_ids.get(words["label"], 999)
        return AmendOrder(self.account(words), order_id, number(words["price"]), number(words["quantity"]))

    def set_status(self, words: dict[str, str | None]) -> SetStatus:
        return SetStatus(words["symbol"] or SYMBOL, TradingStatus(words["status"]))

    def list_instrument(self, words: dict[str, str | None]) -> ListInstrument:
        changes = dict(change.split("=") for change in words["changes"].split(", "))
        typed = {key: value if isinstance(PLAIN.get(key), str) else int(value) for key, value in changes.items()}
        return ListInstrument(Instrument(**PLAIN | typed))

    def deposit(self, words: dict[str, str | None]) -> Deposit:
        return Deposit(self.account(words), words["asset"], words["amount"], words["limit"])

    def withdraw(self, words: dict[str, str | None]) -> Withdraw:
        return Withdraw(self.account(words), words["asset"], words["amount"])

    def stop_account(self, words: dict[str, str | None]) -> StopAccount:
        return StopAccount(self.account(words), words["switch"] == "stop")

    def configure(self, words: dict[str, str | None]) -> ConfigureAccount:
        changes = dict(change.split("=") for change in words["changes"].split(", "))
        typed = {key: value if key in ("tier", "max_notional") else int(value) for key, value in changes.items()}
        return ConfigureAccount(self.account(words), **{"tier": "special"} | typed)

    def account(self, words: dict[str, str | None]) -> AccountId:
        return AccountId(int(words["account"] or 1))

    # -- events

    def tell(self, event: ev.Event) -> str:
        """The event as a line under `then`."""
        match event:
            case ev.Accepted(order_type=OrderType.MARKET):
                return f"{self.labels[event.order_id]} accepted for {event.quantity}"
            case ev.Accepted():
                return f"{self.labels[event.order_id]} accepted"
            case ev.Repeated():
                return f"repeats {self.labels[event.order_id]}"
            case ev.Rejected():
                first = f", see {self.labels[event.order_id]}" if event.order_id in self.labels else ""
                return f"rejected: {event.reason}{first}"
            case ev.Filled():
                taker, maker = self.labels[event.taker_order_id], self.labels[event.maker_order_id]
                fees = ""
                if event.maker_fee or event.taker_fee:
                    fees = f", maker fee {event.maker_fee}, taker fee {event.taker_fee}"
                return f"{taker} takes {event.quantity} from {maker} at {event.price}{fees}"
            case ev.Amended():
                priority = "kept" if event.kept_priority else "lost"
                return (
                    f"{self.labels[event.order_id]} amended: {event.leaves} left at {event.price}, priority {priority}"
                )
            case ev.Cancelled():
                left = event.quantity - event.cum
                return f"{self.labels[event.order_id]} cancelled: {event.reason}, {left} left"
            case ev.Completed():
                return f"{self.labels[event.order_id]} completed"
            case ev.StatusChanged():
                return f"{event.symbol} is {event.status}"
            case ev.InstrumentListed():
                return f"{event.instrument.symbol} listed"
        return tell_of_account(event)

    def book(self) -> list[str]:
        """The sides that are not empty, as lines under `book`."""
        return list(self._book_lines())

    def funds(self) -> list[str]:
        """What the accounts own that are not rich, as lines under `funds`."""
        lines = []
        for account, assets in sorted(self.exchange.ledger.accounts.items()):
            owned = [
                f"{asset} {balance.total}" + (f" ({balance.held} held)" if balance.held else "")
                for asset, balance in sorted(assets.items())
                if balance.total and account not in RICH
            ]
            if owned:
                lines.append(f"{account}: " + ", ".join(owned))
        return lines

    def _book_lines(self) -> Iterator[str]:
        book = self.exchange.books[SYMBOL]
        for side in Side:
            levels = [
                f"{level.price}: " + ", ".join(f"{self.labels[order.order_id]} {order.leaves}" for order in level)
                for level in book.own_side(side)
            ]
            if levels:
                yield f"{side} " + " | ".join(levels)
