"""What a command did that is about no one order: money moved, a symbol listed or halted, many orders cancelled.

Layer: explain. Pure: reads the exchange as it was before the command, and the command's events.
"""

from __future__ import annotations

from collections import Counter

from engine import events as ev
from engine.commands import (
    AdoptRulebook,
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
    WriterChanged,
)
from engine.exchange import Exchange
from explain.answers import Chapter
from explain.words import orders, refusal, utc
from listings.grid import Grid, amount_text, grid_of, percent
from listings.texts import nanos_text
from projections.profits import begin_of_reset, is_mark_of_reset


class CommandSummary:
    """One command about no one order; made before it is applied."""

    def __init__(self, exchange: Exchange, command: Command, seq: int, ts_ns: int) -> None:
        self._exchange, self._command, self._seq, self._ts_ns = exchange, command, seq, ts_ns
        listed = command.instrument.symbol in exchange.books if isinstance(command, ListInstrument) else False
        self._verb = "changed" if listed else "listed"

    def chapter(self, events: list[ev.Event]) -> Chapter:
        """What was asked for and what came of it. O(events)."""
        rejected = [event for event in events if isinstance(event, ev.Rejected)]
        words = [f"Command {self._seq}, {utc(self._ts_ns)}.", *self._asked()]
        if rejected:
            words += [refusal(rejected[0].reason)]
        else:
            words += self._done(events) or ["It was carried out: there was nothing to change."]
        return Chapter(
            order_id=None,
            side=None,
            seq=self._seq,
            ts_ns=self._ts_ns,
            ts_ns_text=nanos_text(self._ts_ns),
            timestamp=self._ts_ns / 1e9,
            happened=["rejected" if rejected else "done"],
            words=words,
            asked=None,
            book=None,
            checks=[],
            funds=None,
            levels=[],
            stopped_because=rejected[0].reason if rejected else None,
            protections=[],
            fills=[],
            place_before=None,
            place_after=None,
            auction=[],
        )

    # -- what was asked for

    def _asked(self) -> list[str]:
        match self._command:
            case EnterOrder() as command:
                return [f"You asked to {command.side} {command.symbol}."]
            case AmendOrder() as command:
                return [f"You asked to change order {command.order_id}."]
            case CancelOrder() as command:
                which = f"order {command.order_id}"
                if command.order_id is None:
                    which = f"the order with the client_order_id {command.client_order_id}"
                place = "" if command.symbol is None else f" in {command.symbol}"
                return [f"{_asker(command)} asked to cancel {which}{place}."]
            case CancelAll() as command:
                side = "" if command.side is None else f" to {command.side}"
                place = "" if command.symbol is None else f" in {command.symbol}"
                of_all = "" if command.among is None else f", and this is a part of that: {orders(len(command.among))}"
                return [f"{_asker(command)} asked to cancel every open order of the account{side}{place}{of_all}."]
            case Deposit() as command:
                return [f"A deposit of {command.amount} {command.asset} to account {command.account} was asked for."]
            case Withdraw() as command:
                text = f"A withdrawal of {command.amount} {command.asset} from account {command.account} was asked for."
                return [text]
        return [self._asked_of_the_venue()]

    def _asked_of_the_venue(self) -> str:
        """What was asked for where no trader asked."""
        match self._command:
            case ListInstrument() as command:
                return f"{command.instrument.symbol} was to be {self._verb}."
            case SetStatus() as command:
                return f"The session of {command.symbol} was to be {_status(command.status)}{_until(command.until_ns)}."
            case ConfigureAccount() as command:
                return f"Fees and limits of account {command.account} were to be set."
            case StopAccount() as command:
                what = "to be stopped" if command.stopped else "to trade again"
                if command == begin_of_reset(command.account) or is_mark_of_reset(command):
                    return f"Account {command.account} was being reset: for that it was {what}."
                return f"An operator wanted account {command.account} {what}."
            case AdoptRulebook() as command:
                return f"Edition {command.edition} of the matching rules was to count from here on."
            case WriterChanged() as command:
                return f"Node {command.node} took over and sequences from here on."
        return "The clock went on: what was due by then was to happen."

    # -- what came of it

    def _done(self, events: list[ev.Event]) -> list[str]:
        words: list[str] = []
        for event in events:
            match event:
                case ev.Deposited():
                    words.append(f"{self._amount(event.asset, event.amount)} was deposited.{self._now(event)}")
                case ev.Withdrawn():
                    words.append(f"{self._amount(event.asset, event.amount)} was withdrawn.{self._now(event)}")
                case ev.InstrumentListed():
                    words += self._listed(event)
                case ev.AccountConfigured() if isinstance(self._command, ConfigureAccount):
                    words.append(_configured(self._command))
                case ev.AccountStopped():
                    words.append(
                        "The account was stopped: it may enter, deposit and withdraw nothing."
                        if event.stopped
                        else "The account may trade again."
                    )
                case ev.StatusChanged():
                    words.append(f"The session of {event.symbol} is {_status(event.status)} now.")
                case ev.Uncrossed():
                    grid = self._grid(event.symbol)
                    at, much = grid.price(event.price), grid.said(event.quantity)
                    words.append(f"The auction in {event.symbol} traded {much} at the one price {at}.")
        return words + self._ends(events)

    def _ends(self, events: list[ev.Event]) -> list[str]:
        """How many orders were cancelled, expired, triggered and filled, and where."""
        words: list[str] = []
        for event in events:
            if isinstance(self._command, CancelOrder) and isinstance(event, ev.Cancelled):
                left = self._grid(event.symbol).said(event.quantity - event.cum)
                words.append(f"Order {event.order_id} in {event.symbol} was cancelled with {left} left.")
        for kind, done in (
            (ev.Cancelled, ("was cancelled", "were cancelled")),
            (ev.Expired, ("expired", "expired")),
            (ev.Triggered, ("triggered", "triggered")),
            (ev.Completed, ("was filled in full", "were filled in full")),
        ):
            counted = Counter(event.symbol for event in events if isinstance(event, kind))
            if counted and not (words and kind is ev.Cancelled):
                places = ", ".join(f"{number} in {symbol}" for symbol, number in counted.items())
                words.append(f"{orders(counted.total())} {done[counted.total() > 1]}: {places}.")
        if isinstance(self._command, CancelAll) or (isinstance(self._command, StopAccount) and self._command.stopped):
            return words or ["No order was open."]
        return words

    def _listed(self, event: ev.InstrumentListed) -> list[str]:
        instrument = event.instrument
        fees = f"maker {percent(instrument.maker_fee)} %, taker {percent(instrument.taker_fee)} %"
        collar = "none" if instrument.collar is None else f"{percent(instrument.collar)} %"
        band = "none" if instrument.band is None else f"{percent(instrument.band)} %"
        return [
            f"{instrument.symbol} was {self._verb}: {instrument.base} for {instrument.quote}, in ticks of "
            f"{instrument.tick_size} and lots of {instrument.lot_size}; fees: {fees}; collar: {collar}; price band: "
            f"{band}; at most {orders(instrument.max_open_orders)} of an account open."
        ]

    def _grid(self, symbol: str) -> Grid:
        return grid_of(self._exchange.books[symbol].instrument)

    def _amount(self, asset: str, amount: int) -> str:
        return f"{amount_text(amount, self._exchange.ledger.scales[asset])} {asset}"

    def _now(self, event: ev.Deposited | ev.Withdrawn) -> str:
        balance = self._exchange.ledger.accounts.get(event.account, {}).get(event.asset)
        return "" if balance is None else f" {self._amount(event.asset, balance.available)} is available now."


def _asker(command: CancelOrder | CancelAll) -> str:
    if command.by_operator is None:
        return "You, or the venue's operator for you,"
    return "The venue's operator" if command.by_operator else "You"


def _status(status: str) -> str:
    return status.replace("_", "-")


def _until(until_ns: int | None) -> str:
    return "" if until_ns is None else f" until {utc(until_ns)}, when trading begins by itself"


def _configured(command: ConfigureAccount) -> str:
    """The tier, and what is set for the account alone."""
    own = {
        "maker fee": None if command.maker_fee is None else f"{percent(command.maker_fee)} %",
        "taker fee": None if command.taker_fee is None else f"{percent(command.taker_fee)} %",
        "open orders at most": command.max_open_orders,
        "orders a second at most": command.max_orders_per_second,
        "notional of one order at most": command.max_notional,
        "self-trade prevention": command.self_trade_prevention,
    }
    settings = ", ".join(f"{name} {value}" for name, value in own.items() if value is not None)
    return f"The tier is {command.tier}: {settings or 'nothing of its own'}; all else is as each symbol says."
