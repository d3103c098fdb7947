"""What one command meant for one order: a pure function over the book before, the command and its events.

`CommandContext` copies the book before the command is applied; `ChapterBuilder` then goes through the events.
The engine knows nothing of it.
Layer: explain. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine import events as ev
from engine.commands import AmendOrder, EnterOrder
from engine.rejects import CancelReason, RejectReason
from engine.stops import rises_to_trigger
from engine.types import LEG_UNIT, PostOnly, Side, Ticks, TradingStatus, entry_of
from explain.answers import Chapter
from explain.chapter_draft import ChapterDraft
from explain.chapter_parts import (
    auction_rows,
    auction_words,
    book_met,
    fee_sentence,
    fill_view,
    met_sentence,
    opposite_of,
    place_of,
    place_sentence,
    trimmed,
)
from explain.checks import AMEND_RULES, checks_until, funds_sentence
from explain.command_context import CommandContext, account_of
from explain.endings import EndingBuilder
from explain.words import cause, utc
from listings.texts import nanos_text

FEE_SENTENCES_MAX = 12  # sentences about fees in one chapter


def build_chapter(context: CommandContext, events: Iterable[ev.Event], only_trade: int | None = None) -> Chapter:
    """What the events of a command meant for the order; with `only_trade`, the fill of that trade alone.

    A context is used up by this: its book follows the events. O(events + orders copied).
    """
    builder = ChapterBuilder(context, only_trade)
    for event in events:
        builder.add(event)
    return builder.build()


class ChapterBuilder:
    """Follows the events of one command in order, and collects what concerns one order in a draft."""

    def __init__(self, context: CommandContext, only_trade: int | None) -> None:
        """With `only_trade`, fills of other trades are left out."""
        self._draft = draft = ChapterDraft(context, only_trade)
        self._ending = EndingBuilder(draft)
        self._context, self._grid, self._book, self._order_id = context, draft.grid, draft.book, draft.order_id

    # -- events

    def add(self, event: ev.Event) -> None:
        """Take the next event of the command."""
        if getattr(event, "symbol", None) != self._context.symbol and not isinstance(event, ev.Rejected):
            return
        if isinstance(event, ev.Filled):
            self._on_fill(event)
        elif isinstance(event, ev.Uncrossed):
            self._book.settle()
            self._on_uncross(event)
        elif isinstance(event, ev.Cancelled) and event.reason is CancelReason.SELF_TRADE:
            self._on_prevention(event)
        elif isinstance(event, ev.Amended) and event.order_id != self._order_id and self._draft.taking:
            self._on_decrement(event)
        self._book.fold(event)
        self._add_after_folding(event)

    def _add_after_folding(self, event: ev.Event) -> None:
        """Take an event whose sentence needs the book as the event left it."""
        if isinstance(event, ev.Filled):
            self._draft.trades.append(event)
            for order_id in (event.maker_order_id, event.taker_order_id):
                self._draft.touched[order_id] = f"trade {event.trade_id} filled it"
        elif isinstance(event, ev.Accepted):
            self._on_accepted(event)
        elif isinstance(event, ev.Triggered):
            self._on_triggered(event)
        elif isinstance(event, ev.LimitStateChanged):
            self._on_limit_state(event)
        elif isinstance(event, ev.Rejected | ev.DuplicateRequest):
            self._on_refusal(event)
        elif getattr(event, "order_id", None) == self._order_id:
            self._on_own(event)
        elif isinstance(event, ev.Ended):
            self._draft.touched[event.order_id] = "it ended"

    def _on_refusal(self, event: ev.Rejected | ev.DuplicateRequest) -> None:
        """The command was refused, or the exits were that the order's end should have brought."""
        about = event.order_id
        if isinstance(event, ev.DuplicateRequest):
            self._on_repeated(event)
        elif about == self._order_id and event.reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID:
            self._draft.say(
                "id_used", "Another order was sent under its client_order_id, and refused: this one has it."
            )
        elif (
            event.reason is RejectReason.INSUFFICIENT_FUNDS and (about or 0) >= LEG_UNIT and not self._context.own_amend
        ):
            if entry_of(about or self._order_id) == entry_of(self._order_id):
                self._draft.say("exits_refused", "Its exits were refused: too little was available to hold for them.")
        elif self._context.own_command or about == self._order_id:
            self._ending.on_rejected(event)

    def _on_repeated(self, event: ev.DuplicateRequest) -> None:
        """An order came again under the client_order_id of the first."""
        first = event.order_id
        if self._context.own_entry:
            self._draft.checks = checks_until(self._context.entry_rules[:1], None, self._context.sentences)
            self._draft.say(
                "repeated",
                f"It is order {first} again, under the same client_order_id: nothing was entered. "
                f"GET /order/{first}/explain tells what became of that.",
            )
        elif first == self._order_id:
            self._draft.say("repeated", "The same order was sent again under its client_order_id: nothing was entered.")

    def _on_own(self, event: ev.Event) -> None:
        grid = self._grid
        match event:
            case ev.Amended():
                self._on_amended(event)
            case ev.StopPriceMoved():
                self._draft.say(
                    "trailed", f"The market moved, and its stop price followed to {grid.price(event.stop_price)}."
                )
            case ev.Replenished():
                self._draft.say(
                    "replenished",
                    f"Its slice was used up: it showed the next {grid.said(event.shown)}, at the back of "
                    f"{grid.price(event.price)}.",
                )
            case ev.Ended():
                self._ending.on_ended(event)

    # -- beginnings

    def _on_accepted(self, event: ev.Accepted) -> None:
        if not event.waiting:
            self._draft.taking = event.order_id == self._order_id
        if event.order_id != self._order_id:
            if event.terms is not None and event.terms.parent == self._order_id:
                self._draft.say("exits_entered", self._exit_sentence(event))
            return
        self._draft.side, self._draft.limit, self._context.terms = event.side, event.price, event.terms
        self._draft.order_type = event.order_type
        self._context.leaves = event.quantity
        self._draft.say("accepted")
        if self._context.own_entry:
            self._draft.checks = checks_until(self._context.entry_rules, None, self._context.sentences)
        if event.terms is not None and event.terms.parent is not None:
            filled = self._grid.said(event.quantity)
            self._draft.words.append(
                f"This is an exit of order {event.terms.parent}, entered when that had ended with {filled} filled: "
                f"{self._exit(event)}."
            )
        if self._context.funds is not None and self._context.funds.needed != "0":
            self._draft.words.append(funds_sentence(self._context.funds))
        if event.waiting:
            stop_price = None if event.terms is None else event.terms.stop_price
            waits_at = self._grid.price(stop_price or Ticks(0))
            self._draft.words.append(f"It waits until the last price reaches {waits_at}.")
            self._draft.book_met = book_met(self._book, event.side, self._grid)
            return
        self._meet_book(event.side)
        self._note_price(event)

    def _exit_sentence(self, event: ev.Accepted) -> str:
        exit_words = self._exit(event)
        return f"It had ended with something filled, so its exit was entered: {exit_words}, order {event.order_id}."

    def _exit(self, event: ev.Accepted) -> str:
        stop_price = None if event.terms is None else event.terms.stop_price
        at = event.price if stop_price is None else stop_price
        kind = "a take-profit" if stop_price is None else "a stop loss"
        return f"{kind} to {event.side} {self._grid.said(event.quantity)} at {self._grid.price(at or Ticks(0))}"

    def _meet_book(self, side: Side) -> None:
        """Note the book as the order meets it."""
        self._draft.taking = True
        self._draft.book_met = book_met(self._book, side, self._grid)
        if self._book.status is TradingStatus.TRADING:
            self._draft.words.append(met_sentence(self._book, side, self._grid))
        else:
            session = self._book.status.replace("_", "-")
            self._draft.words.append(f"Orders were gathering ({session}): nothing matches before the auction.")

    def _note_price(self, event: ev.Accepted) -> None:
        """Note what collar, band and post-only made of the price that was asked for."""
        command = self._context.command
        wanted = command.price if self._context.own_entry and isinstance(command, EnterOrder) else None
        self._draft.note_limits(event.side)
        post_only = None if event.terms is None else event.terms.post_only
        if self._note_moved_price(wanted, event.price, post_only) or post_only is None:
            return
        self._draft.protect("post_only", "kept", "Post-only: it would not take, so it rests at its price.")

    def _note_moved_price(self, wanted: Ticks | str | None, price: Ticks | None, post_only: PostOnly | None) -> bool:
        """Return whether the order has another price than was asked for; note why."""
        if price is None or not isinstance(wanted, int) or wanted == price:
            return False
        moved = f"{self._grid.price(Ticks(wanted))} became {self._grid.price(price)}"
        if post_only is PostOnly.SLIDE and price not in (self._book.band or ()):
            self._draft.protect(
                "post_only", "slid", f"Post-only: it would have taken, so its price {moved}, a tick behind."
            )
        else:
            self._draft.protect("price_band", "clipped", f"Price band: its price {moved}, the edge of the band.")
        return True

    def _on_triggered(self, event: ev.Triggered) -> None:
        self._draft.taking = event.order_id == self._order_id
        self._draft.touched[event.order_id] = "it triggered"
        side, order_type = self._draft.side, self._draft.order_type
        if not self._draft.taking or side is None or order_type is None:
            return
        self._draft.limit = event.price
        grid, stop, rises = self._grid, event.stop_price, rises_to_trigger(side, order_type)
        hits = [trade for trade in self._draft.trades if (trade.price >= stop if rises else trade.price <= stop)]
        by = f"trade {hits[0].trade_id} at {grid.price(hits[0].price)}" if hits else "the last price"
        kind = "a market order" if event.price is None else f"a limit order at {grid.price(event.price)}"
        self._draft.say("triggered", f"The stop price {grid.price(stop)} was reached by {by}: it became {kind}.")
        self._meet_book(side)
        self._draft.note_limits(side, self._context.held_at(stop) if event.price is None else None)

    def _on_amended(self, event: ev.Amended) -> None:
        grid = self._grid
        if not self._context.own_amend:
            self._context.leaves, decremented = event.leaves, grid.said(event.quantity)
            self._draft.say(
                "decremented",
                f"Self-trade prevention took quantity off it and off your other order: "
                f"it is for {decremented} now, {grid.said(event.leaves)} of it open.",
            )
            return
        price = "" if event.price is None else f" at {grid.price(event.price)}"
        self._draft.checks = checks_until(AMEND_RULES, None, self._context.sentences)
        self._draft.say("amended", f"It is for {grid.said(event.quantity)}{price} now.")
        self._draft.limit, self._context.leaves = event.price, event.leaves
        command, terms = self._context.command, self._context.terms
        if isinstance(command, AmendOrder):
            self._note_moved_price(command.price, event.price, None if terms is None else terms.post_only)
        if event.kept_priority:
            self._draft.words.append("It kept its place: its price is as it was, and its quantity no higher.")
            return
        self._draft.words.append("It lost its place: a new price or a higher quantity goes to the back.")
        if self._draft.side is not None and not self._is_waiting():
            self._meet_book(self._draft.side)
            self._draft.note_limits(self._draft.side)

    def _is_waiting(self) -> bool:
        return self._context.place_before is None

    # -- the walk

    def _on_fill(self, event: ev.Filled) -> None:
        maker, taker = event.maker_order_id == self._order_id, event.taker_order_id == self._order_id
        if not (maker or taker):
            return
        if self._draft.only_trade is not None and event.trade_id != self._draft.only_trade:
            return
        rate = self._context.rates[0 if maker else 1]
        self._draft.fills.append(fill_view(event, maker=maker, rate=rate, grid=self._grid))
        if len(self._draft.fee_words) < FEE_SENTENCES_MAX:
            self._draft.fee_words.append(fee_sentence(event, maker=maker, rate=rate, grid=self._grid))
        self._draft.say("filled")
        self._context.leaves = event.maker_leaves if maker else event.taker_leaves
        if event.auction:
            verb, age = "bought" if self._draft.side is Side.BUY else "sold", "older" if maker else "younger"
            self._draft.words.append(
                f"It {verb} {self._grid.said(event.quantity)} at the auction's price "
                f"{self._grid.price(event.price)} in trade {event.trade_id}, as the {age} of the two orders."
            )
        elif maker:
            self._on_maker_fill(event)
        else:
            level = self._draft.level(event.price)
            level.taken += event.quantity
            if self._draft.only_trade is not None:
                self._note_best_price(event)
            if (line := level.lines.get(event.maker_order_id)) is not None:
                line.taken += event.quantity

    def _note_best_price(self, event: ev.Filled) -> None:
        """Note for the taker why the trade happened at its price."""
        best = self._book.best(opposite_of(event.taker_side))
        if best == event.price:
            self._draft.words.append(
                f"A trade is at the price of the order that rested, {self._grid.price(event.price)}: no better price "
                "stood then, and that order was first in its queue."
            )

    def _on_maker_fill(self, event: ev.Filled) -> None:
        grid, side = self._grid, event.taker_side
        verb, who = ("bought from", "A buyer") if side is Side.BUY else ("sold to", "A seller")
        best = self._book.best(opposite_of(side))
        nobody = "no better price stood" if best == event.price else "the auction's price"
        self._draft.words.append(
            f"{who} {verb} it {grid.said(event.quantity)} at its price {grid.price(event.price)} in trade "
            f"{event.trade_id}: {nobody}, and nobody was left before it in the queue."
        )

    def _on_prevention(self, event: ev.Cancelled) -> None:
        """One of the account's own orders is cancelled while the order walks: it may be the order itself."""
        if event.order_id == self._order_id or not self._draft.taking or event.price is None:
            return
        self._draft.meet_own_order(event.order_id, event.price)
        left = self._grid.said(event.quantity - event.cum)
        self._draft.protect(
            "self_trade_prevention",
            "cancelled_resting",
            f"Self-trade prevention: it met your own order "
            f"{event.order_id} with {left} at {self._grid.price(event.price)}, which was cancelled.",
        )

    def _on_decrement(self, event: ev.Amended) -> None:
        if event.account != self._context.viewer or event.price is None or self._context.own_amend:
            return
        self._draft.meet_own_order(event.order_id, event.price)
        self._draft.protect(
            "self_trade_prevention",
            "decremented",
            f"Self-trade prevention: it met your own order {event.order_id}; the smaller quantity was taken off both.",
        )

    def _on_uncross(self, event: ev.Uncrossed) -> None:
        if self._book.ahead(self._order_id) is None:
            return
        self._draft.auction = auction_rows(self._book, event, self._grid)
        self._draft.say("auction", *auction_words(self._book, event, self._grid))

    def _on_limit_state(self, event: ev.LimitStateChanged) -> None:
        if not self._draft.taking:
            return
        if event.side is None:
            self._draft.protect("limit_state", "ended", "Limit state: a trade within the band ended it.")
        elif event.price is not None:
            word, at = "up" if event.side is Side.BUY else "down", self._grid.price(event.price)
            sentence = f"Limit state: the band stopped it at {at}, so the symbol became limit-{word}."
            self._draft.protect("limit_state", "began", sentence)

    # -- the chapter

    def build(self) -> Chapter:
        """The whole chapter, once all events are added. Call it once."""
        draft, context, grid = self._draft, self._context, self._grid
        self._book.settle()
        own = account_of(context.command) == context.viewer
        words = [f"Command {context.seq}, {utc(context.ts_ns)}."]
        if not (context.own_entry or context.own_amend):
            words.append(f"This came of {cause(context.command, own=own)}.")
        if context.place_before is not None and not context.own_entry:
            words.append(f"Before it the order stood {place_sentence(context.place_before)}.")
        words.extend(draft.first_words)
        levels, cumulative = [], 0
        for level in draft.walk:
            cumulative += level.taken
            levels.append(level.view(cumulative, context.viewer, grid))
            if level.taken:
                words.append(level.sentence(cumulative, context.viewer, grid))
        words.extend(protection.sentence for protection in draft.protections)
        words.extend(draft.last_words)
        place = None if draft.ended else place_of(self._book, self._order_id, grid)
        words.extend(self._ending.outcome(place))
        words.extend(draft.fee_words)
        worst = grid.price(draft.walk[-1].price) if draft.walk else None
        book = None
        if draft.book_met is not None:
            book = msgspec.structs.replace(draft.book_met, opposite=trimmed(draft.book_met.opposite, worst))
        entered = not (context.own_entry and "accepted" not in draft.happened)
        return Chapter(
            order_id=str(self._order_id) if entered else None,
            side=draft.side,
            seq=context.seq,
            ts_ns=context.ts_ns,
            ts_ns_text=nanos_text(context.ts_ns),
            timestamp=context.ts_ns / 1e9,
            happened=draft.happened,
            words=list(dict.fromkeys(words)),
            asked=draft.asked,
            book=book,
            checks=draft.checks,
            funds=context.funds if context.own_entry or context.own_amend else None,
            levels=levels,
            stopped_because=draft.stopped_because,
            protections=draft.protections,
            fills=draft.fills,
            place_before=context.place_before,
            place_after=place,
            auction=draft.auction,
        )
