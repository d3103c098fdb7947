"""What an audit went through: counts of orders, trades, auctions and protections, notional and fees by asset.

Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from collections import Counter

from audit.shadow import Shadow
from engine import events as ev
from engine.commands import Command, EnterOrder
from engine.rejects import CancelReason, RejectReason
from engine.types import TradingStatus


class Tally:
    """Counts, added to command by command."""

    def __init__(self) -> None:
        self.commands = 0
        self.counts: Counter[str] = Counter()  # by what is counted, in words
        self.events: Counter[str] = Counter()  # by the event's name
        self.reasons: Counter[str] = Counter()  # why commands were refused and orders ended
        self.notional: Counter[str] = Counter()  # by quote asset, minor units
        self.fees: Counter[str] = Counter()  # collected, less rebates, by asset, minor units

    def count(self, command: Command, events: list[ev.Event], shadow: Shadow) -> None:
        """Add one command."""
        self.commands += 1
        counts = self.counts
        if isinstance(command, EnterOrder):
            counts["orders asked for"] += 1
        for event in events:
            self.events[type(event).__name__] += 1
            match event:
                case ev.Filled():
                    counts["trades"] += 1
                    asset = shadow.symbols[event.symbol].instrument.quote
                    self.notional[asset] += event.notional
                    self.fees[asset] += event.maker_fee + event.taker_fee
                case ev.Accepted():
                    counts["orders accepted"] += 1
                case ev.Uncrossed():
                    counts["auctions"] += 1
                case ev.Replenished():
                    counts["icebergs refilled"] += 1
                case ev.Triggered():
                    counts["stops triggered"] += 1
                case ev.StatusChanged() if event.status is TradingStatus.HALTED:
                    counts["halts"] += 1
                case ev.LimitStateChanged() if event.side is not None:
                    counts["limit states"] += 1
                case ev.Cancelled() | ev.Rejected():
                    self.reasons[event.reason] += 1
                    if event.reason in (CancelReason.SELF_TRADE, RejectReason.SELF_TRADE):
                        counts["self-trades prevented"] += 1
