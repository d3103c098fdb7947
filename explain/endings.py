"""How a command ended for an order: refused, filled, cancelled and why, or where it rests.

Layer: explain. Pure.
"""

from __future__ import annotations

import msgspec

from engine import events as ev
from engine.commands import EnterOrder
from engine.rejects import CancelReason, RejectReason
from engine.types import Lots, SelfTradePrevention, Side, Ticks, TradingStatus
from explain.answers import Place
from explain.chapter_draft import ChapterDraft
from explain.chapter_parts import book_met, met_sentence, opposite_of, place_sentence, within
from explain.checks import AMEND_RULES, CANCEL_RULES, SAID_BY_REFUSAL, checks_until
from explain.folded_book import RestingOrder
from explain.words import refusal, why_cancelled

_STOPS_AT_OWN = {  # what would have happened where the order met one of its own account
    SelfTradePrevention.CANCEL_NEWEST: "and ended there",
    SelfTradePrevention.CANCEL_BOTH: "and both would have ended there",
    SelfTradePrevention.DECREMENT: "and the smaller quantity would have been taken off both, so not all could be "
    "filled",
}


class EndingBuilder:
    """Adds to a chapter's draft how the order ended, that its command was refused, or where it rests."""

    def __init__(self, draft: ChapterDraft) -> None:
        self._draft = draft
        self._context, self._grid, self._book = draft.context, draft.grid, draft.book

    def on_rejected(self, event: ev.Rejected) -> None:
        """Add why the command was refused, with the rules up to the one that refused it."""
        rules = (
            self._context.entry_rules
            if self._context.own_entry
            else AMEND_RULES
            if self._context.own_amend
            else CANCEL_RULES
        )
        if event.reason is RejectReason.MAYBE_REPEATED:
            rules = rules[:1]
        self._draft.checks = checks_until(rules, event.reason, self._context.sentences)
        self._draft.say("rejected", refusal(event.reason))
        if (sentence := self._draft.checks[-1].sentence) is not None and event.reason not in SAID_BY_REFUSAL:
            self._draft.words.append(sentence)
        self._draft.stopped_because = event.reason
        if self._draft.side is None:
            return
        self._draft.book_met = book_met(self._book, self._draft.side, self._grid)
        if event.reason is RejectReason.POST_ONLY_WOULD_TAKE:
            self._draft.words.append(met_sentence(self._book, self._draft.side, self._grid))
            self._draft.protect("post_only", "rejected", "Post-only: its price reached the opposite side.")
        elif event.reason is RejectReason.PRICE_OUTSIDE_COLLAR:
            self._draft.protect("collar", "rejected", self._context.collar or "Collar: its price was beyond it.")
        elif event.reason is RejectReason.SELF_TRADE:
            self._draft.would_meet_own_order()

    def on_ended(self, event: ev.Ended) -> None:
        """Add how the order ended."""
        self._draft.ended = True
        self._draft.touched[event.order_id] = "it ended"
        left = self._grid.said(event.quantity - event.cum)
        filled = self._grid.said(event.cum)
        if isinstance(event, ev.Completed):
            self._draft.say("completed")
            self._draft.stopped_because = "filled"
            self._draft.end_words = ["It was filled in full.", *self._spent_in_full(event)]
        elif isinstance(event, ev.Expired):
            self._draft.say("expired", f"Its time was over: it expired with {left} left and {filled} filled.")
            self._draft.stopped_because = "expired"
        elif isinstance(event, ev.Cancelled):
            self._draft.stopped_because = event.reason
            self._on_cancelled(event, left, filled)

    def _on_cancelled(self, event: ev.Cancelled, left: str, filled: str) -> None:
        self._draft.say("cancelled")
        terms, why = event.terms, why_cancelled(event.reason)
        if event.reason is CancelReason.FILL_OR_KILL:
            self._note_kill(event)
        elif event.reason is CancelReason.PRICE_BAND:
            self._draft.protect("price_band", "prevented", "Price band: more was on offer, but only beyond the band.")
        elif event.reason is CancelReason.SELF_TRADE and self._draft.taking and not self._draft.prevented():
            self._draft.would_meet_own_order()
        elif event.reason is CancelReason.NO_LIQUIDITY:
            why = self._why_no_more(event.side) or why
        text = f"{left} was cancelled {why}; {filled} had been filled."
        if event.reason is CancelReason.ONE_CANCELS_OTHER and terms is not None and terms.linked_to is not None:
            what = self._draft.touched.get(terms.linked_to, "it triggered")
            text = f"{left} was cancelled because of its other leg, order {terms.linked_to}: {what}."
        elif (budget := self._budget()) is not None:
            text = self._unspent(event, budget, why)
        self._draft.end_words = [text]

    # -- an order by quote quantity

    def _budget(self) -> int | None:
        """What the order was to spend or receive, in minor units; None when it asked for a quantity."""
        command = self._context.command
        asked = command.quote_quantity if self._context.own_entry and isinstance(command, EnterOrder) else None
        return asked if isinstance(asked, int) else None

    def _unspent(self, event: ev.Cancelled, budget: int, why: str) -> str:
        """What an order by quote quantity that was cancelled made of it."""
        grid, verb = self._grid, "spent" if event.side is Side.BUY else "received"
        quote, left = grid.instrument.quote, budget - event.quote_cum
        best = self._book.best(opposite_of(event.side))
        within_reach = best is not None and not self._is_beyond(event.side, best)
        if best is not None and within_reach and left < grid.instrument.notional(best, Lots(1)):
            why = f"because that is less than one lot ({grid.said(1)}) costs at {grid.price(best)}"
        done = f"{grid.amount(event.quote_cum)} of {grid.amount(budget)} {quote} was {verb}"
        return f"{done}, for {grid.said(event.cum)}; {grid.amount(left)} {quote} was not, {why}."

    def _spent_in_full(self, event: ev.Completed) -> list[str]:
        """What an order by quote quantity that is done made of it; nothing of any other order."""
        budget = self._budget()
        if budget is None:
            return []
        grid, verb = self._grid, "spent" if event.side is Side.BUY else "received"
        quote, left = grid.instrument.quote, budget - event.quote_cum
        text = f"{grid.amount(event.quote_cum)} of {grid.amount(budget)} {quote} was {verb}, for {grid.said(event.cum)}"
        if left == 0:
            return [f"{text}."]
        return [f"{text}; the {grid.amount(left)} {quote} left is less than one more lot ({grid.said(1)}) costs."]

    # -- why no more was taken

    def _is_beyond(self, side: Side, price: Ticks) -> bool:
        """Whether an order without a limit may not trade at `price`."""
        if self._draft.bound is None:
            return False
        return price > self._draft.bound[0] if side is Side.BUY else price < self._draft.bound[0]

    def _why_no_more(self, side: Side) -> str | None:
        """Why an order without a limit took no more; None when the book gives no reason."""
        best, name = self._book.best(opposite_of(side)), "offer" if side is Side.BUY else "bid"
        if best is None:
            return f"because no {name} was left"
        if self._draft.bound is None or not self._is_beyond(side, best):
            return None
        bound, protection = self._draft.bound
        self._draft.protections = [
            msgspec.structs.replace(one, decision="stopped") if one.protection == protection else one
            for one in self._draft.protections
        ]
        what = {"hold": "the most that it held money for", "collar": "the collar", "price_band": "the price band"}
        return (
            f"because the next {name}, {self._grid.price(best)}, was beyond {self._grid.price(bound)}, "
            f"{what[protection]}"
        )

    # -- all or nothing

    def _note_kill(self, event: ev.Cancelled) -> None:
        """What stood there for an order that wanted all or nothing, and what self-trade prevention made of it."""
        grid, mode, viewer = self._grid, self._context.prevention, self._context.viewer
        limit = event.price if event.price is not None or self._draft.bound is None else self._draft.bound[0]
        queue = within(self._book, event.side, limit)
        own = [order for order in queue if order.account == viewer]
        others = [order for order in queue if order.account != viewer]
        wanted, shown = grid.said(event.quantity), grid.said(_shown(others))
        text = f"Fill or kill: {wanted} was wanted at once; within its limit others showed {shown}"
        hidden = "Hidden quantity counts too, and was not enough."
        if own and mode is SelfTradePrevention.NONE:
            text += f" and you yourself {grid.said(_shown(own))}"
        elif own and mode in _STOPS_AT_OWN:
            before = grid.said(_shown(queue[: queue.index(own[0])]))
            text += f", {before} of it before your own order {own[0].order_id}"
            hidden = "Nothing behind that counts; hidden quantity before it does, and was not enough."
        self._draft.protect("fill_or_kill", "killed", f"{text}. {hidden}")
        if own and mode is not SelfTradePrevention.NONE:
            self._draft.protect("self_trade_prevention", *self._own_in_the_way(own, mode))

    def _own_in_the_way(self, own: list[RestingOrder], mode: SelfTradePrevention) -> tuple[str, str]:
        """What self-trade prevention decided about a fill-or-kill order that was killed, and the sentence."""
        first, grid = own[0], self._grid
        if mode in _STOPS_AT_OWN:
            at = grid.price(first.price or Ticks(0))
            return "stopped", (
                f"Self-trade prevention ({mode}): it would have met your own order {first.order_id}, "
                f"{grid.said(first.shown)} at {at}, {_STOPS_AT_OWN[mode]}. Your own order stays as it was."
            )
        return "passed", (
            f"Self-trade prevention ({mode}): your own orders within its limit, showing {grid.said(_shown(own))}, did "
            "not count. They stay as they were."
        )

    # -- where it rests

    def outcome(self, place: Place | None) -> list[str]:
        """The sentences about the order after the command: its end, or where it rests and why it took no more."""
        if self._draft.end_words:
            return self._draft.end_words
        if place is None or "rejected" in self._draft.happened:
            return []
        left = self._grid.said(self._context.leaves)
        words = []
        if (
            self._draft.book_met is not None
            and self._book.status is TradingStatus.TRADING
            and self._draft.side is not None
        ):
            words.append(self._why_it_stopped(self._draft.side))
        if place != self._context.place_before:
            words.append(f"{left} rests, {place_sentence(place)}.")
        return words

    def _why_it_stopped(self, side: Side) -> str:
        best, name = self._book.best(opposite_of(side)), "offer" if side is Side.BUY else "bid"
        much = "no more" if any(level.taken for level in self._draft.walk) else "nothing"
        if best is None:
            self._draft.stopped_because = "book_empty"
            return f"It took {much} because no {name} was left."
        self._draft.stopped_because = "limit_reached"
        limit = self._grid.price(self._draft.limit or Ticks(0))
        return f"It took {much} because the next {name}, {self._grid.price(best)}, was beyond its limit {limit}."


def _shown(orders: list[RestingOrder]) -> Lots:
    return Lots(sum(order.shown for order in orders))
