"""What one command meant for one order: a pure function over the book before, the command and its events.

`Look` takes the picture before the command is applied, `tell` goes through the events after.
The engine knows nothing of it.
Layer: explain. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine import events as ev
from engine.commands import AmendOrder, EnterOrder
from engine.rejects import CancelReason, RejectReason
from engine.types import LEG_UNIT, PostOnly, Side, Ticks, TradingStatus, entry_of
from explain.answers import Chapter
from explain.checks import AMEND_RULES, checks_until, funds_sentence
from explain.endings import Endings
from explain.looking import Look, account_of
from explain.pieces import (
    auction_rows,
    auction_words,
    book_met,
    fee_sentence,
    fill_told,
    met_sentence,
    opposite_of,
    place_of,
    place_sentence,
    trimmed,
)
from explain.words import cause, utc
from listings.texts import nanos_text

FEES_TOLD = 12  # sentences about fees in one chapter


def tell(before: Look, events: Iterable[ev.Event], only_trade: int | None = None) -> Chapter:
    """What the events of a command meant for the order; with `only_trade`, the fill of that trade alone. Once a look.

    O(events + orders pictured).
    """
    teller = _Teller(before, only_trade)
    for event in events:
        teller.hear(event)
    return teller.chapter()


class _Teller(Endings):
    """Follows the events of one command, and writes down what concerns the order."""

    # -- hearing

    def hear(self, event: ev.Event) -> None:
        """Take one event."""
        if getattr(event, "symbol", None) != self._b.symbol and not isinstance(event, ev.Rejected):
            return
        if isinstance(event, ev.Filled):
            self._on_fill(event)
        elif isinstance(event, ev.Uncrossed):
            self._picture.settle()
            self._on_uncross(event)
        elif isinstance(event, ev.Cancelled) and event.reason is CancelReason.SELF_TRADE:
            self._on_prevention(event)
        elif isinstance(event, ev.Amended) and event.order_id != self._id and self._taking:
            self._on_decrement(event)
        self._picture.fold(event)
        self._hear_in_the_new_book(event)

    def _hear_in_the_new_book(self, event: ev.Event) -> None:
        """What is told of the book with the event in it."""
        if isinstance(event, ev.Filled):
            self._trades.append(event)
            for order_id in (event.maker_order_id, event.taker_order_id):
                self._touched[order_id] = f"trade {event.trade_id} filled it"
        elif isinstance(event, ev.Accepted):
            self._on_accepted(event)
        elif isinstance(event, ev.Triggered):
            self._on_triggered(event)
        elif isinstance(event, ev.LimitStateChanged):
            self._on_limit_state(event)
        elif isinstance(event, ev.Rejected | ev.DuplicateRequest):
            self._on_no(event)
        elif getattr(event, "order_id", None) == self._id:
            self._on_own(event)
        elif isinstance(event, ev.Ended):
            self._touched[event.order_id] = "it ended"

    def _on_no(self, event: ev.Rejected | ev.DuplicateRequest) -> None:
        """The command was refused; or the exits that the order's end should have brought."""
        about = event.order_id
        if isinstance(event, ev.DuplicateRequest):
            self._on_repeated(event)
        elif about == self._id and event.reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID:
            self._say("id_used", "Another order was sent under its client_order_id, and refused: this one has it.")
        elif event.reason is RejectReason.INSUFFICIENT_FUNDS and (about or 0) >= LEG_UNIT and not self._b.own_amend:
            if entry_of(about or self._id) == entry_of(self._id):
                self._say("exits_refused", "Its exits were refused: too little was available to hold for them.")
        elif self._b.own_command or about == self._id:
            self._on_rejected(event)

    def _on_repeated(self, event: ev.DuplicateRequest) -> None:
        """An order came again under the client_order_id of the first."""
        first = event.order_id
        if self._b.own_entry:
            self._checks = checks_until(self._b.entry_rules[:1], None, self._b.sentences)
            self._say(
                "repeated",
                f"It is order {first} again, under the same client_order_id: nothing was entered. "
                f"GET /order/{first}/explain tells what became of that.",
            )
        elif first == self._id:
            self._say("repeated", "The same order was sent again under its client_order_id: nothing was entered.")

    def _on_own(self, event: ev.Event) -> None:
        grid = self._grid
        match event:
            case ev.Amended():
                self._on_amended(event)
            case ev.StopPriceMoved():
                self._say(
                    "trailed", f"The market moved, and its stop price followed to {grid.price(event.stop_price)}."
                )
            case ev.Replenished():
                self._say(
                    "replenished",
                    f"Its slice was used up: it showed the next {grid.said(event.shown)}, at the back of "
                    f"{grid.price(event.price)}.",
                )
            case ev.Ended():
                self._on_ended(event)

    # -- beginnings

    def _on_accepted(self, event: ev.Accepted) -> None:
        if not event.waiting:
            self._taking = event.order_id == self._id
        if event.order_id != self._id:
            if event.terms is not None and event.terms.parent == self._id:
                self._say("exits_entered", self._exit_sentence(event))
            return
        self._side, self._limit, self._b.terms = event.side, event.price, event.terms
        self._b.leaves = event.quantity
        self._say("accepted")
        if self._b.own_entry:
            self._checks = checks_until(self._b.entry_rules, None, self._b.sentences)
        if event.terms is not None and event.terms.parent is not None:
            filled = self._grid.said(event.quantity)
            self._words.append(
                f"This is an exit of order {event.terms.parent}, entered when that had ended with {filled} filled: "
                f"{self._exit(event)}."
            )
        if self._b.funds is not None and self._b.funds.needed != "0":
            self._words.append(funds_sentence(self._b.funds))
        if event.waiting:
            stop_price = None if event.terms is None else event.terms.stop_price
            waits_at = self._grid.price(stop_price or Ticks(0))
            self._words.append(f"It waits until the last price reaches {waits_at}.")
            self._book = book_met(self._picture, event.side, self._grid)
            return
        self._meet(event.side)
        self._tell_price(event)

    def _exit_sentence(self, event: ev.Accepted) -> str:
        exit_told = self._exit(event)
        return f"It had ended with something filled, so its exit was entered: {exit_told}, order {event.order_id}."

    def _exit(self, event: ev.Accepted) -> str:
        stop_price = None if event.terms is None else event.terms.stop_price
        at = event.price if stop_price is None else stop_price
        kind = "a take-profit" if stop_price is None else "a stop loss"
        return f"{kind} to {event.side} {self._grid.said(event.quantity)} at {self._grid.price(at or Ticks(0))}"

    def _meet(self, side: Side) -> None:
        """The order looks at the book."""
        self._taking = True
        self._book = book_met(self._picture, side, self._grid)
        if self._picture.status is TradingStatus.TRADING:
            self._words.append(met_sentence(self._picture, side, self._grid))
        else:
            session = self._picture.status.replace("_", "-")
            self._words.append(f"Orders were gathering ({session}): nothing matches before the auction.")

    def _tell_price(self, event: ev.Accepted) -> None:
        """What the collar, the band and post-only made of the price that was asked for."""
        command = self._b.command
        wanted = command.price if self._b.own_entry and isinstance(command, EnterOrder) else None
        self._tell_limits(event.side)
        post_only = None if event.terms is None else event.terms.post_only
        if self._tell_moved(wanted, event.price, post_only) or post_only is None:
            return
        self._protect("post_only", "kept", "Post-only: it would not take, so it rests at its price.")

    def _tell_moved(self, wanted: Ticks | str | None, price: Ticks | None, post_only: PostOnly | None) -> bool:
        """Whether the order has another price than was asked for; tells why."""
        if price is None or not isinstance(wanted, int) or wanted == price:
            return False
        moved = f"{self._grid.price(Ticks(wanted))} became {self._grid.price(price)}"
        if post_only is PostOnly.SLIDE and price not in (self._picture.band or ()):
            self._protect("post_only", "slid", f"Post-only: it would have taken, so its price {moved}, a tick behind.")
        else:
            self._protect("price_band", "clipped", f"Price band: its price {moved}, the edge of the band.")
        return True

    def _on_triggered(self, event: ev.Triggered) -> None:
        self._taking = event.order_id == self._id
        self._touched[event.order_id] = "it triggered"
        if not self._taking or self._side is None:
            return
        self._limit = event.price
        grid, stop = self._grid, event.stop_price
        hits = [t for t in self._trades if (t.price >= stop if self._side is Side.BUY else t.price <= stop)]
        by = f"trade {hits[0].trade_id} at {grid.price(hits[0].price)}" if hits else "the last price"
        kind = "a market order" if event.price is None else f"a limit order at {grid.price(event.price)}"
        self._say("triggered", f"The stop price {grid.price(stop)} was reached by {by}: it became {kind}.")
        self._meet(self._side)
        self._tell_limits(self._side, self._b.held_at(stop) if event.price is None else None)

    def _on_amended(self, event: ev.Amended) -> None:
        grid = self._grid
        if not self._b.own_amend:
            self._b.leaves, decremented = event.leaves, grid.said(event.quantity)
            self._say(
                "decremented",
                f"Self-trade prevention took quantity off it and off your other order: "
                f"it is for {decremented} now, {grid.said(event.leaves)} of it open.",
            )
            return
        price = "" if event.price is None else f" at {grid.price(event.price)}"
        self._checks = checks_until(AMEND_RULES, None, self._b.sentences)
        self._say("amended", f"It is for {grid.said(event.quantity)}{price} now.")
        self._limit, self._b.leaves = event.price, event.leaves
        command, terms = self._b.command, self._b.terms
        if isinstance(command, AmendOrder):
            self._tell_moved(command.price, event.price, None if terms is None else terms.post_only)
        if event.kept_priority:
            self._words.append("It kept its place: its price is as it was, and its quantity no higher.")
            return
        self._words.append("It lost its place: a new price or a higher quantity goes to the back.")
        if self._side is not None and not self._is_waiting():
            self._meet(self._side)
            self._tell_limits(self._side)

    def _is_waiting(self) -> bool:
        return self._b.place_before is None

    # -- the walk

    def _on_fill(self, event: ev.Filled) -> None:
        maker, taker = event.maker_order_id == self._id, event.taker_order_id == self._id
        if not (maker or taker):
            return
        if self._only_trade is not None and event.trade_id != self._only_trade:
            return
        rate = self._b.rates[0 if maker else 1]
        self._fills.append(fill_told(event, maker=maker, rate=rate, grid=self._grid))
        if len(self._fee_words) < FEES_TOLD:
            self._fee_words.append(fee_sentence(event, maker=maker, rate=rate, grid=self._grid))
        self._say("filled")
        self._b.leaves = event.maker_leaves if maker else event.taker_leaves
        if event.auction:
            verb, age = "bought" if self._side is Side.BUY else "sold", "older" if maker else "younger"
            self._words.append(
                f"It {verb} {self._grid.said(event.quantity)} at the auction's price "
                f"{self._grid.price(event.price)} in trade {event.trade_id}, as the {age} of the two orders."
            )
        elif maker:
            self._made(event)
        else:
            level = self._level(event.price)
            level.taken += event.quantity
            if self._only_trade is not None:
                self._tell_no_better(event)
            if (line := level.lines.get(event.maker_order_id)) is not None:
                line.taken += event.quantity

    def _tell_no_better(self, event: ev.Filled) -> None:
        """Why a trade happened at its price, to the taker."""
        best = self._picture.best(opposite_of(event.taker_side))
        if best == event.price:
            self._words.append(
                f"A trade is at the price of the order that rested, {self._grid.price(event.price)}: no better price "
                "stood then, and that order was first in its queue."
            )

    def _made(self, event: ev.Filled) -> None:
        grid, side = self._grid, event.taker_side
        verb, who = ("bought from", "A buyer") if side is Side.BUY else ("sold to", "A seller")
        best = self._picture.best(opposite_of(side))
        nobody = "no better price stood" if best == event.price else "the auction's price"
        self._words.append(
            f"{who} {verb} it {grid.said(event.quantity)} at its price {grid.price(event.price)} in trade "
            f"{event.trade_id}: {nobody}, and nobody was left before it in the queue."
        )

    def _on_prevention(self, event: ev.Cancelled) -> None:
        """One of the account's own orders is cancelled while the order walks: it may be the order itself."""
        if event.order_id == self._id or not self._taking or event.price is None:
            return
        self._met(event.order_id, event.price)
        left = self._grid.said(event.quantity - event.cum)
        self._protect(
            "self_trade_prevention",
            "cancelled_resting",
            f"Self-trade prevention: it met your own order "
            f"{event.order_id} with {left} at {self._grid.price(event.price)}, which was cancelled.",
        )

    def _on_decrement(self, event: ev.Amended) -> None:
        if event.account != self._b.viewer or event.price is None or self._b.own_amend:
            return
        self._met(event.order_id, event.price)
        self._protect(
            "self_trade_prevention",
            "decremented",
            f"Self-trade prevention: it met your own order {event.order_id}; the smaller quantity was taken off both.",
        )

    def _on_uncross(self, event: ev.Uncrossed) -> None:
        if self._picture.ahead(self._id) is None:
            return
        self._auction = auction_rows(self._picture, event, self._grid)
        self._say("auction", *auction_words(self._picture, event, self._grid))

    def _on_limit_state(self, event: ev.LimitStateChanged) -> None:
        if not self._taking:
            return
        if event.side is None:
            self._protect("limit_state", "ended", "Limit state: a trade within the band ended it.")
        elif event.price is not None:
            word, at = "up" if event.side is Side.BUY else "down", self._grid.price(event.price)
            sentence = f"Limit state: the band stopped it at {at}, so the symbol became limit-{word}."
            self._protect("limit_state", "began", sentence)

    # -- the chapter

    def chapter(self) -> Chapter:
        """What was heard."""
        b, grid = self._b, self._grid
        self._picture.settle()
        own = account_of(b.command) == b.viewer
        words = [f"Command {b.seq}, {utc(b.ts_ns)}."]
        if not (b.own_entry or b.own_amend):
            words.append(f"This came of {cause(b.command, own=own)}.")
        if b.place_before is not None and not b.own_entry:
            words.append(f"Before it the order stood {place_sentence(b.place_before)}.")
        words.extend(self._first_words)
        levels, cumulative = [], 0
        for level in self._walk:
            cumulative += level.taken
            levels.append(level.told(cumulative, b.viewer, grid))
            if level.taken:
                words.append(level.sentence(cumulative, b.viewer, grid))
        words.extend(protection.sentence for protection in self._protections)
        words.extend(self._last_words)
        place = None if self._ended else place_of(self._picture, self._id, grid)
        words.extend(self._outcome(place))
        words.extend(self._fee_words)
        worst = grid.price(self._walk[-1].price) if self._walk else None
        book = None
        if self._book is not None:
            book = msgspec.structs.replace(self._book, opposite=trimmed(self._book.opposite, worst))
        entered = not (b.own_entry and "accepted" not in self._happened)
        return Chapter(
            order_id=str(self._id) if entered else None,
            side=self._side,
            seq=b.seq,
            ts_ns=b.ts_ns,
            ts_ns_text=nanos_text(b.ts_ns),
            timestamp=b.ts_ns / 1e9,
            happened=self._happened,
            words=list(dict.fromkeys(words)),
            asked=self._asked,
            book=book,
            checks=self._checks,
            funds=b.funds if b.own_entry or b.own_amend else None,
            levels=levels,
            stopped_because=self._stopped,
            protections=self._protections,
            fills=self._fills,
            place_before=b.place_before,
            place_after=place,
            auction=self._auction,
        )
