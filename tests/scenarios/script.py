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
cause (`tests.scenarios.words` has their words), `book` the sides that are not empty, best level
first, each order with what it leaves; of an iceberg what it shows `+` what it hides. `waiting`
holds the orders that wait for their trigger, in order of entry, each with its stop price.
Accounts 1, 2 and 3 have more than they can spend, all others what they deposit; `funds` holds what
these then own, and the venue's account 0, what is held in brackets.

An order is a side and then, in any order, what is said of it (see `OPTION`):

    s: sell 5 stop 90                          a stop; with `at 89` too a stop-limit
    g: sell 5 target 110                       a take-profit; with `at 109` too a take-profit-limit
    t: sell 5 trailing 10                      a trailing stop; `trailing 5%` of the peak
    i: buy 10 at 100 show 2                    an iceberg
    p: buy 5 at 100 post-only                  or `post-only slide`
    o: sell 5 at 120 oco stop 90 limit 89      one cancels other: o is the limit leg, o.stop the other
    e: buy 5 at 100 take-profit 120 stop-loss 90   a bracket; its exits are e.take_profit and e.stop
    d: buy 5 at 100 gtd until 60s prevent decrement of X-USD id a-17 by 2
    r: buy 5 at 100 id a-17 looked d               it was looked for that id up to the entry of d, or `now`

The clock starts at 0 s and goes on by a nanosecond a command. `at 60s: COMMAND` carries one out at
just that time, and `clock at 60s` tells the exchange what time it is; what happens then is told with
the time before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from audit.auditor import Auditor
from audit.engine_side import EngineBalances
from engine import events as ev
from engine.commands import (
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    OrderOptions,
    SetStatus,
    StopAccount,
    Withdraw,
)
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.order import Order
from engine.rulebook import CURRENT_EDITION
from engine.types import (
    AccountId,
    OrderId,
    OrderStatus,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Seq,
    Side,
    TimeInForce,
    TradingStatus,
)
from tests.scenarios.words import EventFormatter

HERE = Path(__file__).parent
PARTS = ("given", "when", "then", "book", "waiting", "funds")
SYMBOL = "X-USD"
PLAIN: dict[str, object] = {  # no fees, no collar, no band, no limit within reach
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
TAKE_PROFITS = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
UNITS_NS = {"s": 10**9, "h": 3600 * 10**9}

Words = dict[str, str | None]


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
            elif line.strip() and not line.lstrip().startswith("#"):
                if part is None:
                    raise ValueError(f"{path.name}: {line!r} belongs to no part of a scenario")
                part.append(line.strip().split("  #")[0])
    return scenarios


# One command a line. `NAME:` lets later lines speak of the order; `id ID` is its client order id.
ORDER = r"((?P<label>\w+): )?(?P<side>buy|sell)(?P<options>( .+)?)"
NUMBER = r"-?\d[\d.]*"
OPTION = re.compile(
    rf"""\ (?:at\ (?P<price>{NUMBER})
    | (?P<market>market) | for\ (?P<quote_quantity>[\w.]+)
    | (?P<oco>oco) | stop\ (?P<stop_price>{NUMBER}) | limit\ (?P<stop_limit_price>{NUMBER})
    | target\ (?P<target>{NUMBER})
    | trailing\ (?P<trail_percent>{NUMBER})% | trailing\ (?P<trail_amount>{NUMBER})
    | take-profit\ (?P<take_profit>{NUMBER}) | stop-loss\ (?P<stop_loss>{NUMBER})
    | stop-loss-limit\ (?P<stop_loss_limit>{NUMBER})
    | show\ (?P<display_quantity>{NUMBER}) | post-only\ (?P<slide>slide) | (?P<post_only>post-only)
    | (?P<tif>gtc|ioc|fok|day|gtd) | until\ (?P<until>[\d.]+[sh]) | prevent\ (?P<prevent>\w+)
    | as\ (?P<type>\w+) | looked\ (?P<looked>\w+) | of\ (?P<symbol>\S+) | id\ (?P<client>\S+) | by\ (?P<account>\d)
    | (?P<quantity>{NUMBER})
    )(?=\ |$)""",
    re.VERBOSE,
)
LABEL = r"(?P<label>[\w.]+)"
OPERATOR = r"(?P<operator> as operator)?"
COMMANDS = {
    ORDER: "enter",
    rf"cancel all( (?P<side>buy|sell))?( of (?P<symbol>\S+))?( by (?P<account>\d))?{OPERATOR}": "cancel_all",
    rf"cancel {LABEL}( of (?P<symbol>\S+))?( by (?P<account>\d))?{OPERATOR}": "cancel",
    r"cancel id (?P<client>\S+)( by (?P<account>\d))?": "cancel",
    rf"amend {LABEL}( to (?P<quantity>{NUMBER}))?( at (?P<price>{NUMBER}))?( (stop|target) (?P<stop_price>{NUMBER}))?"
    r"( by (?P<account>\d))?": "amend",
    r"set (?P<status>pre_open|auction|trading|halted|closed)( of (?P<symbol>\S+))?"
    r"( until (?P<until>\S+))?": "set_status",
    r"deposit (?P<amount>\S+) (?P<asset>\w+)( limit (?P<limit>\S+))?( by (?P<account>\d))?": "deposit",
    r"withdraw (?P<amount>\S+) (?P<asset>\w+)( by (?P<account>\d))?": "withdraw",
    r"(?P<switch>stop|start)( by (?P<account>\d))?": "stop_account",
    r"configure (?P<changes>\w+=\S+(, \w+=\S+)*)( by (?P<account>\d))?": "configure",
    r"list (?P<changes>\w+=\S+(, \w+=\S+)*)": "list_instrument",
    r"clock": "advance_time",
}


def number(text: str | None) -> int | str | None:
    """A count of ticks or lots; text that is none stays text, as it does in a command."""
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else text


def millionths(percent: str | None) -> int | str | None:
    """A percentage as it travels in a command: text when it is no whole number of millionths."""
    if percent is None:
        return None
    scaled = Decimal(percent) * 10_000
    return int(scaled) if scaled == int(scaled) else percent


def nanoseconds(text: str) -> int:
    """A time such as `60s` or `24h`."""
    return int(Decimal(text[:-1]) * UNITS_NS[text[-1]])


def setting(key: str, value: str) -> object:
    """A value under `list`: a text, a duration, yes or no, or a number."""
    if isinstance(PLAIN.get(key), str):
        return value
    if key.endswith("_ns"):
        return nanoseconds(value)
    return value == "yes" if key == "scheduled" else int(value)


def order_type(words: Words) -> OrderType:
    """The type that the words of an order ask for; `as TYPE` says it outright."""
    if words["type"]:
        return OrderType(words["type"])
    if words["market"]:
        return OrderType.MARKET
    if words["oco"]:
        return OrderType.OCO
    if words["trail_amount"] or words["trail_percent"]:
        return OrderType.TRAILING_STOP
    if words["stop_price"]:
        return OrderType.STOP_LIMIT if words["price"] else OrderType.STOP
    if words["target"]:
        return OrderType.TAKE_PROFIT_LIMIT if words["price"] else OrderType.TAKE_PROFIT
    return OrderType.LIMIT


def read_options(text: str) -> Words:
    """What is said of an order after its side."""
    words: Words = dict.fromkeys(OPTION.groupindex)
    place = 0
    while place < len(text):
        match = OPTION.match(text, place)
        if match is None:
            raise ValueError(f"not of an order: {text[place:]!r}")
        words |= {name: said for name, said in match.groupdict().items() if said is not None}
        place = match.end()
    return words


def order_options(words: Words) -> OrderOptions:
    """What an order asks for beyond side, price and quantity."""
    return OrderOptions(
        PostOnly.SLIDE if words["slide"] else PostOnly.REJECT if words["post_only"] else None,
        number(words["display_quantity"]),
        number(words["stop_price"] or words["target"]),
        number(words["stop_limit_price"]),
        number(words["trail_amount"]),
        millionths(words["trail_percent"]),
        nanoseconds(words["until"]) if words["until"] else None,
        number(words["take_profit"]),
        number(words["stop_loss"]),
        number(words["stop_loss_limit"]),
    )


class Stage:
    """An exchange that takes commands as they are written, and writes down what happens; the auditor watches it."""

    def __init__(self) -> None:
        self.exchange = Exchange(CURRENT_EDITION)
        self.auditor = Auditor(EngineBalances(self.exchange), rulebook=CURRENT_EDITION)
        self.formatter = EventFormatter()
        self.ts_ns = 0
        self.apply(ListInstrument(Instrument(**PLAIN)))
        for account in RICH:
            for asset in ("X", "USD"):
                self.apply(Deposit(account, asset, str(10**12)))

    def apply(self, command: Command) -> list[ev.Event]:
        self.ts_ns += 1
        seq = Seq(self.exchange.seq + 1)
        events = self.exchange.apply(command, seq, self.ts_ns)
        self.auditor.observe(seq, self.ts_ns, command, events)
        assert self.auditor.findings == [], command
        return events

    def play(self, line: str) -> list[str]:
        """Carry out one line; return the events, one line each."""
        if line == "a second later":
            self.ts_ns += 10**9
            return []
        line = re.sub(r"clock at (\S+)", r"at \1: clock", line)
        timed = re.fullmatch(r"(?P<when>at (?P<time>[\d.]+[sh]): )(?P<line>.+)", line)
        if timed is not None:
            self.ts_ns = nanoseconds(timed["time"]) - 1
            return [timed["when"] + line_of_event for line_of_event in self.play(timed["line"])]
        for pattern, name in COMMANDS.items():
            match = re.fullmatch(pattern, line)
            if match is not None:
                build: Callable[[Words], Command] = getattr(self, name)
                command = build(match.groupdict())
                return [self.formatter.format_event(event) for event in self.apply(command)]
        raise ValueError(f"not a command: {line!r}")

    # -- commands

    def enter(self, words: Words) -> EnterOrder:
        words |= read_options(words["options"] or "")
        price = number(words["price"])
        if words["label"]:
            self.formatter.expect(words["label"], OrderId(self.exchange.seq + 1), price)
        market = words["market"] is not None
        options = order_options(words)
        return EnterOrder(
            self.account(words),
            words["symbol"] or SYMBOL,
            Side(words["side"]),
            order_type(words),
            TimeInForce(words["tif"] or ("ioc" if market else "gtc")),
            number(words["quantity"]),
            price,
            words["client"],
            number(words["quote_quantity"]),
            SelfTradePrevention(words["prevent"]) if words["prevent"] else None,
            None if options == OrderOptions() else options,
            self.exchange.seq if words["looked"] == "now" else self.formatter.entered(words["looked"]),
        )

    def cancel(self, words: Words) -> CancelOrder:
        order_id = self.formatter.order_id(words["label"]) if "label" in words else None
        by_operator = bool(words.get("operator"))
        return CancelOrder(self.account(words), order_id, words.get("client"), words.get("symbol"), by_operator)

    def cancel_all(self, words: Words) -> CancelAll:
        side = Side(words["side"]) if words["side"] else None
        return CancelAll(self.account(words), words["symbol"], side, bool(words["operator"]))

    def amend(self, words: Words) -> AmendOrder:
        return AmendOrder(
            self.account(words),
            self.formatter.order_id(words["label"]),
            number(words["price"]),
            number(words["quantity"]),
            number(words["stop_price"]),
        )

    def set_status(self, words: Words) -> SetStatus:
        until_ns = nanoseconds(words["until"]) if words["until"] else None
        return SetStatus(words["symbol"] or SYMBOL, TradingStatus(words["status"]), until_ns)

    def advance_time(self, words: Words) -> AdvanceTime:
        return AdvanceTime()

    def list_instrument(self, words: Words) -> ListInstrument:
        changes = dict(change.split("=") for change in words["changes"].split(", "))
        return ListInstrument(Instrument(**PLAIN | {key: setting(key, value) for key, value in changes.items()}))

    def deposit(self, words: Words) -> Deposit:
        return Deposit(self.account(words), words["asset"], words["amount"], words["limit"])

    def withdraw(self, words: Words) -> Withdraw:
        return Withdraw(self.account(words), words["asset"], words["amount"])

    def stop_account(self, words: Words) -> StopAccount:
        return StopAccount(self.account(words), words["switch"] == "stop")

    def configure(self, words: Words) -> ConfigureAccount:
        typed: dict[str, object] = {"tier": "special"}
        for key, value in (change.split("=") for change in words["changes"].split(", ")):
            if key == "self_trade_prevention":
                typed[key] = SelfTradePrevention(value)
            else:
                typed[key] = value if key in ("tier", "max_notional") else int(value)
        return ConfigureAccount(self.account(words), **typed)

    def account(self, words: Words) -> AccountId:
        return AccountId(int(words["account"] or 1))

    # -- what stands

    def book(self) -> list[str]:
        """The sides that are not empty, as lines under `book`."""
        return list(self._book_lines())

    def waiting(self) -> list[str]:
        """The orders that wait for their trigger, as lines under `waiting`."""
        orders = [o for o in self.exchange.orders.values() if o.status is OrderStatus.PENDING_TRIGGER]
        return [self._waits(order) for order in sorted(orders, key=lambda o: (o.order_id % 10**15, o.order_id))]

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
                f"{level.price}: " + ", ".join(self._rests(order) for order in level) for level in book.own_side(side)
            ]
            if levels:
                yield f"{side} " + " | ".join(levels)

    def _rests(self, order: Order) -> str:
        hidden = order.leaves - order.shown
        return f"{self.formatter.labels[order.order_id]} {order.shown}" + (f"+{hidden}" if hidden else "")

    def _waits(self, order: Order) -> str:
        limit = "" if order.price is None else f" limit {order.price}"
        waits_for = f"{'target' if order.order_type in TAKE_PROFITS else 'stop'} {order.terms.stop_price}"
        return f"{self.formatter.labels[order.order_id]}: {order.side} {order.leaves} {waits_for}{limit}"
