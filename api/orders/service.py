"""What a trader can do: enter, cancel, amend, look up. One for REST and Socket.IO alike.

Every method is cooperative and raises `ApiError` for any answer but the one asked for.
Layer: api.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from api.orders import views as answers

from api.orders import requests as wire
from api.accounts.views import PostingView, posting_view
from api.orders.amend_views import AmendAnswer, amend_answer
from api.orders.batch import BatchAnswer, BatchCommand, BatchResult
from api.json.errors import ApiError, Malformed, as_error, history_behind, internal_error, rejected
from listings.grid import grid_of
from api.orders.mismatch import sentence_about, sentence_about_amend
from api.orders.options import OrderOptions
from api.orders.preview_views import PreviewAnswer, preview_answer
from api.orders.refusals import told_of
from api.orders.repetition import Found
from api.orders.entered import status_of
from api.venue import Venue
from engine.commands import AmendOrder, CancelAll, CancelOrder, EnterOrder
from engine.events import Applied, Cancelled, Ended, Rejected, Repeated
from engine.instrument import Instrument
from engine.order import Order
from engine.preview import Preview, Repeats, preview, why
from engine.rejects import RejectReason
from engine.types import LEG_UNIT, AccountId, OrderId, OrderStatus, Seq, TradeId, entry_of
from history.store import DoneOrder, StoreAway, Trade, place
from history.postings import Posting

log = logging.getLogger(__name__)

HISTORY_PATIENCE_S = 5.0  # how long a look-up waits for the history to catch up with it

_WAYS_TO_END = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)


class Desk:
    """The trading desk of one venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._exchange = venue.exchange

    # -- entering, cancelling, amending

    def enter(self, command: EnterOrder, started: float) -> answers.OrderAnswer:
        """Enter one order. `started` is the `perf_counter` reading when the request came."""
        (looked,) = self._venue.repetitions.look((command,), HISTORY_PATIENCE_S)
        if isinstance(looked, EnterOrder):
            applied = self._venue.sequencer.submit(looked)
            return self._entered(applied, command, time.perf_counter() - started)
        return self._found(looked, command, time.perf_counter() - started, HISTORY_PATIENCE_S)

    def test(self, command: EnterOrder) -> PreviewAnswer:
        """What entering an order would do now. Nothing is entered."""
        (looked,) = self._venue.repetitions.look((command,), HISTORY_PATIENCE_S)
        if isinstance(looked, ApiError):
            raise looked
        ts_ns = max(time.time_ns(), self._exchange.ts_ns)
        told: Preview | Repeats | RejectReason
        if isinstance(looked, Found):
            told = Repeats(looked.first) if looked.same else RejectReason.DUPLICATE_CLIENT_ORDER_ID
            first: OrderId | None = looked.first
        else:
            told = preview(self._exchange, looked, ts_ns)
            name = command.client_order_id
            first = None if name is None else self._exchange.order_id_of(command.account, name)
        book = self._exchange.books.get(command.symbol)
        if isinstance(told, RejectReason):
            figures = why(self._exchange, command, told, ts_ns)
            event = Rejected(command.account, command.symbol, told, first, command.client_order_id, figures)
            refusal = self._rejected(event, entered=command)
            return preview_answer(command, refusal, book, self._exchange.seq, ts_ns)
        return preview_answer(command, told, book, self._exchange.seq, ts_ns)

    def cancel(self, command: CancelOrder, started: float) -> answers.CancelAnswer:
        """Cancel one order by either id, or by both where both are its own."""
        self._require_one_order(command)
        applied = self._venue.sequencer.submit(command)
        return self._cancelled(applied, command, time.perf_counter() - started)

    def cancel_all(self, command: CancelAll) -> answers.CancelAllAnswer:
        """Cancel every open order of an account, of one symbol or side when given."""
        return answers.cancel_all_answer(self._venue.sequencer.submit(command))

    def amend(self, command: AmendOrder, symbol: str | None = None) -> AmendAnswer:
        """Change an open order, in `symbol` when given; say whether it kept its priority, and what it traded."""
        order = self._exchange.order(command.order_id)
        if symbol is not None and (order is None or order.account != command.account or order.symbol != symbol):
            wanted = CancelOrder(command.account, command.order_id, None, symbol)
            unknown = Rejected(command.account, symbol, RejectReason.UNKNOWN_ORDER, None, None)
            self._too_late_if_done(unknown, wanted, HISTORY_PATIENCE_S)
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        return self._amended(self._venue.sequencer.submit(command), command)

    def batch(self, commands: Sequence[BatchCommand | ApiError], started: float) -> BatchAnswer:
        """Sequence the commands one behind the other; answer each as its single call, or with the error in its place.

        All share one wait for the history, which amends and orders that are long done need. Raises NotAccepting.
        """
        deadline = time.monotonic() + HISTORY_PATIENCE_S
        commands = [self._one_order_or_error(command, deadline) for command in commands]
        entered = [command for command in commands if isinstance(command, EnterOrder)]
        looks = iter(self._venue.repetitions.look(entered, max(0.0, deadline - time.monotonic())))
        looked = [next(looks) if isinstance(command, EnterOrder) else command for command in commands]
        sequenced = [command for command in looked if not isinstance(command, ApiError | Found)]
        applied = iter(self._venue.sequencer.submit_all(sequenced) if sequenced else ())
        elapsed_s = time.perf_counter() - started
        deadline = time.monotonic() + HISTORY_PATIENCE_S  # anew: what is told of the history is behind the commands
        results: list[BatchResult] = []
        for asked, command in zip(commands, looked, strict=True):
            try:
                if isinstance(command, ApiError):
                    raise command
                patience_s = max(0.0, deadline - time.monotonic())
                if isinstance(command, Found) and isinstance(asked, EnterOrder):
                    results.append(BatchResult(200, self._found(command, asked, elapsed_s, patience_s)))
                elif not isinstance(command, Found):
                    results.append(BatchResult(200, self._told(next(applied), command, elapsed_s, patience_s)))
            except (ApiError, StoreAway) as refusal:
                error = as_error(refusal)
                results.append(BatchResult(error.status, error.body()))
            except Exception:  # the others were sequenced too, and must be told
                mistake = internal_error()
                body = mistake.body()
                log.exception("the answer to %s in a batch failed, request %s", type(command).__name__, body.request_id)
                results.append(BatchResult(mistake.status, body))
        return BatchAnswer(results)

    # -- looking up

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of a listed symbol. Raises ApiError 404."""
        instrument = self._exchange.instrument(symbol)
        if instrument is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
        return instrument

    def order(
        self,
        order_id: str,
        account: AccountId,
        symbol: str | None = None,
        *,
        patience_s: float = HISTORY_PATIENCE_S,
    ) -> answers.OrderView:
        """One order of `account`, open or done, with its fills; it must be in `symbol` when given.

        An open one is told without fills when the history stays behind for `patience_s`.
        """
        number = wire.order_id_of(order_id)
        order = self._exchange.order(number)
        if order is not None and order.account == account and symbol in (None, order.symbol):
            view = self._open_view(order, fills=[])  # as of now: it may trade on while we wait
            if not order.cum:  # it has none, whatever becomes of the history
                return view
            known = self._fills_if_known(number, Seq(view.seq), patience_s)
            if known is None:
                return msgspec.structs.replace(view, fills=None)  # the order is known, its fills are not
            known = [fill for fill in known if fill.seq <= view.seq]
            return msgspec.structs.replace(view, fills=self._fill_views(number, known))
        self._caught_up(self._exchange.seq, patience_s)
        done = self._venue.history_writer.query(self._venue.history.order, number)
        if done is None or done.account != account or symbol not in (None, done.symbol):
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        fills = self._fills(number)
        return self._done_view(done, fills=self._fill_views(number, fills))

    def orders(self, query: wire.OrdersQuery, account: AccountId) -> answers.OrdersPage:
        """A page of the orders of `account`, newest first; `next_cursor` asks for the page behind it."""
        if query.symbol is not None:
            self.instrument(query.symbol)
        seq = self._exchange.seq
        before = OrderId(seq + 1)
        if query.cursor is not None:
            before = min(before, OrderId(query.cursor), key=place)
        # those open now are taken before we wait: what ends meanwhile is found in the history as well,
        # and what is entered meanwhile (an order's id is its seq) is not part of this page
        views: dict[OrderId, answers.OrderView] = {}
        if query.status not in ("done", *_WAYS_TO_END):
            views = {order.order_id: self._open_view(order) for order in self._open_page(query, account, before)}
        if query.status in (None, "done", *_WAYS_TO_END):
            self._caught_up(seq)
            status = OrderStatus(query.status) if query.status in _WAYS_TO_END else None
            done: list[DoneOrder] = self._venue.history_writer.query(
                self._venue.history.orders, account, query.symbol, before, query.limit, status
            )
            views.update((row.order_id, self._done_view(row)) for row in done)
        newest = sorted(views, key=place, reverse=True)[: query.limit]
        full = len(newest) == query.limit
        cursor = str(newest[-1]) if full else None
        return answers.OrdersPage([views[order_id] for order_id in newest], cursor, seq)

    def trades(self, symbol: str, query: wire.TradesQuery) -> list[answers.TradeView]:
        """Recent trades of `symbol`, newest first."""
        instrument = self.instrument(symbol)
        recent = self._venue.activity.of(symbol).recent
        if query.before is None and (len(recent) >= query.limit or len(recent) < (recent.maxlen or 0)):
            return list(islice(reversed(recent), query.limit))
        self._caught_up(self._exchange.seq)
        before = None if query.before is None else TradeId(query.before)
        rows: list[Trade] = self._venue.history_writer.query(self._venue.history.trades, symbol, before, query.limit)
        return [answers.trade_view(row, instrument, row.ts_ns, row.seq) for row in rows]

    def account_fills(
        self, account: AccountId, symbol: str | None, before: int | None, limit: int
    ) -> list[answers.AccountFillView]:
        """The fills of all orders of `account`, newest first; of a trade with itself the taker's comes first."""
        if symbol is not None:
            self.instrument(symbol)
        self._caught_up(self._exchange.seq)
        trades: list[Trade] = self._venue.history_writer.query(
            self._venue.history.account_fills, account, symbol, None if before is None else TradeId(before), limit
        )
        views: list[answers.AccountFillView] = []
        for trade in trades:
            grid = grid_of(self._exchange.books[trade.symbol].instrument)
            if trade.taker_account == account:
                views.append(answers.account_fill_view(trade, maker=False, grid=grid))
            if trade.maker_account == account:
                views.append(answers.account_fill_view(trade, maker=True, grid=grid))
        return views

    def postings(self, account: AccountId, asset: str | None, before: int | None, limit: int) -> list[PostingView]:
        """Every change of the balances of `account`, newest first. Raises ApiError 404 for an unknown asset."""
        if asset is not None and asset not in self._exchange.ledger.scales:
            raise rejected(RejectReason.UNKNOWN_ASSET, None, asset=asset)
        self._caught_up(self._exchange.seq)
        rows: list[Posting] = self._venue.history_writer.query(
            self._venue.history.postings, account, asset, before, limit
        )
        return [posting_view(row, self._exchange) for row in rows]

    # -- steps

    def _told(
        self, applied: Applied, command: BatchCommand, elapsed_s: float, patience_s: float
    ) -> answers.OrderAnswer | answers.CancelAnswer | answers.CancelAllAnswer | AmendAnswer:
        """The answer to what was sequenced. Raises ApiError."""
        if isinstance(command, EnterOrder):
            return self._entered(applied, command, elapsed_s, patience_s)
        if isinstance(command, CancelOrder):
            return self._cancelled(applied, command, elapsed_s, patience_s)
        if isinstance(command, CancelAll):
            return answers.cancel_all_answer(applied)
        return self._amended(applied, command, patience_s)

    def _entered(
        self, applied: Applied, command: EnterOrder, elapsed_s: float, patience_s: float = HISTORY_PATIENCE_S
    ) -> answers.OrderAnswer:
        """The answer to an order. Raises ApiError."""
        first = applied.events[0]
        if isinstance(first, Rejected):
            raise self._rejected(first, old_style=True, seq=applied.seq, entered=command)
        self._venue.activity.record_latency(int(elapsed_s * 1e6))
        elapsed_ms = round(elapsed_s * 1e3, 3)
        if isinstance(first, Repeated):
            return self._repeated(first.order_id, first.account, applied.seq, elapsed_ms, patience_s)
        return answers.order_answer(applied, self._exchange, elapsed_ms)

    def _found(
        self, found: Found | ApiError, command: EnterOrder, elapsed_s: float, patience_s: float
    ) -> answers.OrderAnswer:
        """The answer to an order whose client order id the history knows; nothing is sequenced. Raises ApiError."""
        if isinstance(found, ApiError):
            raise found
        if found.same:
            elapsed_ms = round(elapsed_s * 1e3, 3)
            return self._repeated(found.first, command.account, self._exchange.seq, elapsed_ms, patience_s)
        reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
        raise self._rejected(
            Rejected(command.account, command.symbol, reason, found.first, command.client_order_id), old_style=True
        )

    def _cancelled(
        self, applied: Applied, command: CancelOrder, elapsed_s: float, patience_s: float = HISTORY_PATIENCE_S
    ) -> answers.CancelAnswer:
        """The answer to a cancel. Raises ApiError."""
        event = applied.events[0]
        if not isinstance(event, Cancelled):
            if isinstance(event, Rejected):
                self._too_late_if_done(event, command, patience_s)
                raise self._rejected(event, old_style=True)
            raise TypeError(f"a cancel caused {event}")
        return answers.cancel_answer(applied, event, self._exchange, round(elapsed_s * 1e3, 3))

    def _amended(self, applied: Applied, command: AmendOrder, patience_s: float = HISTORY_PATIENCE_S) -> AmendAnswer:
        """The answer to an amend. Raises ApiError."""
        first = applied.events[0]
        if isinstance(first, Rejected):
            self._too_late_if_done(first, CancelOrder(command.account, command.order_id), patience_s)
            raise self._rejected(first, amend=command)
        view = self._view_after(applied, command.order_id, command.account, patience_s)
        return amend_answer(view, applied, command.order_id, self._exchange)

    def _view_after(
        self, applied: Applied, order_id: OrderId, account: AccountId, patience_s: float
    ) -> answers.OrderView:
        """An order after the command that changed it; without fills when the history stays behind."""
        for event in reversed(applied.events):
            if isinstance(event, Ended) and event.order_id == order_id:
                trades = self._fills_if_known(order_id, applied.seq, patience_s)
                fills = None if trades is None else self._fill_views(order_id, trades)
                return answers.order_view(
                    event, self.instrument(event.symbol), applied.seq, *status_of(event), fills=fills
                )
        return self.order(str(order_id), account, patience_s=patience_s)

    def _open_page(self, query: wire.OrdersQuery, account: AccountId, before: OrderId) -> list[Order]:
        known = self._exchange.accounts.get(account)
        if known is None:
            return []
        wanted = (
            order
            for order in _newest_first(known.open_orders)
            if place(order.order_id) < place(before)
            and query.symbol in (None, order.symbol)
            and query.status in (None, "open", order.status)
        )
        return list(islice(wanted, query.limit))

    def _open_view(self, order: Order, **further: object) -> answers.OrderView:
        instrument = self._exchange.books[order.symbol].instrument
        if order.level is not None:  # it rests
            if "fills" in further:
                further["queue_position"] = answers.queue_view(order, grid_of(instrument))
            if order.terms is not None and order.terms.display_quantity is not None:
                further["shown_quantity"] = grid_of(instrument).quantity(order.shown)
        return answers.order_view(order, instrument, self._exchange.seq, order.status, None, **further)

    def _done_view(self, done: DoneOrder, **further: object) -> answers.OrderView:
        instrument = self._exchange.books[done.symbol].instrument
        return answers.order_view(done, instrument, self._exchange.seq, done.status, done.reason, **further)

    def _fills(self, order_id: OrderId) -> list[Trade]:
        return self._venue.history_writer.query(self._venue.history.fills, order_id)

    def _fills_if_known(self, order_id: OrderId, seq: Seq, patience_s: float) -> list[Trade] | None:
        """The fills up to `seq`, and maybe later ones; None where the history stays behind it, or does not answer."""
        try:
            return self._fills(order_id) if self._venue.history_writer.wait(seq, patience_s) else None
        except StoreAway:
            return None

    def _fill_views(self, order_id: OrderId, trades: list[Trade]) -> list[answers.FillView]:
        if not trades:
            return []
        grid = grid_of(self._exchange.books[trades[0].symbol].instrument)
        return [
            answers.fill_view(trade, maker=trade.maker_order_id == order_id, grid=grid, ts_ns=trade.ts_ns)
            for trade in trades
        ]

    def _repeated(
        self, first: OrderId, account: AccountId, seq: Seq, elapsed_ms: float, patience_s: float
    ) -> answers.OrderAnswer:
        """The first order as the answer to its repetition. Raises ApiError 503 while its trades are not known."""
        view = self.order(str(first), account, patience_s=patience_s)
        if view.fills is None:
            raise history_behind()
        book = self._exchange.books[view.symbol]
        entered = Seq(entry_of(first))
        traded = self._fills(first) if view.fills else []
        fills = [trade for trade in traded if trade.taker_order_id == first or trade.seq == entered]
        grid = grid_of(book.instrument)
        return answers.OrderAnswer(
            order_id=view.order_id,
            client_order_id=view.client_order_id,
            symbol=view.symbol,
            side=view.side,
            order_type=view.order_type,
            time_in_force=view.time_in_force,
            price=view.price,
            quantity=view.quantity,
            self_trade_prevention=view.self_trade_prevention,
            status=view.status,
            reason=view.reason,
            filled_quantity=view.filled,
            remaining_quantity=view.remaining,
            average_price=view.average_price,
            trades=[answers.trade_view(trade, book.instrument, trade.ts_ns, trade.seq) for trade in fills],
            total_maker_fees=grid.amount(sum(trade.maker_fee for trade in fills)),
            total_taker_fees=grid.amount(sum(trade.taker_fee for trade in fills)),
            bbo=answers.bbo_view(book, self._exchange.seq, self._exchange.ts_ns),
            processing_time_ms=elapsed_ms,
            timestamp=view.timestamp,
            ts_ns=view.ts_ns,
            ts_ns_text=view.ts_ns_text,
            seq=seq,
            repeated=True,
            **{name: getattr(view, name) for name in OrderOptions.__struct_fields__},
        )

    def _one_order_or_error(self, command: BatchCommand | ApiError, deadline: float) -> BatchCommand | ApiError:
        try:
            if isinstance(command, CancelOrder):
                self._require_one_order(command, max(0.0, deadline - time.monotonic()))
        except (ApiError, StoreAway) as refusal:
            return as_error(refusal)
        return command

    def _require_one_order(self, command: CancelOrder, patience_s: float = HISTORY_PATIENCE_S) -> None:
        """Raise Malformed where two ids of a cancel name different orders, and 404 where neither names one."""
        number, name, account = command.order_id, command.client_order_id, command.account
        if number is None or name is None:
            return
        order: Order | DoneOrder | None = self._exchange.order(number)
        if order is None or order.account != account:
            self._caught_up(self._exchange.seq, patience_s)
            order = self._venue.history_writer.query(self._venue.history.order, number)
        if order is not None and order.account == account:
            if order.client_order_id == name:
                return  # what they name for good, so that nothing can come between this look and the cancel
        elif self._exchange.order_id_of(account, name) is None and not self._venue.history_writer.query(
            self._venue.history.order_by_client_id, account, name
        ):
            raise rejected(RejectReason.UNKNOWN_ORDER, None, client_order_id=name)
        raise Malformed(
            "CONTRADICTION",
            "order_id and client_order_id name different orders, so neither is cancelled: give one of them.",
            field="client_order_id",
            fields=["order_id", "client_order_id"],
        )

    def _too_late_if_done(self, event: Rejected, command: CancelOrder, patience_s: float) -> None:
        """Raise `too_late` for an order that ended longer ago than the engine remembers."""
        if event.reason is not RejectReason.UNKNOWN_ORDER:
            return
        self._caught_up(self._exchange.seq, patience_s)
        history, query = self._venue.history, self._venue.history_writer.query
        done: DoneOrder | None = None
        if command.order_id is not None:
            done = query(history.order, command.order_id)
        elif command.client_order_id is not None:
            done = query(history.order_by_client_id, command.account, command.client_order_id)
        if done is not None and done.account == command.account and command.symbol in (None, done.symbol):
            raise rejected(RejectReason.TOO_LATE, None, old_style=True, order_id=str(done.order_id))

    def _rejected(
        self,
        event: Rejected,
        *,
        old_style: bool = False,
        seq: Seq | None = None,
        entered: EnterOrder | None = None,
        amend: AmendOrder | None = None,
    ) -> ApiError:
        instrument = self._exchange.instrument(event.symbol) if event.symbol else None
        details: dict[str, object] = {
            name: value
            for name, value in (
                ("order_id", str(event.order_id) if event.order_id is not None else None),
                ("client_order_id", event.client_order_id),
                ("seq", seq),  # of a refused order: by it GET /command/{seq}/explain tells why
            )
            if value is not None
        }
        told = None if entered is None else sentence_about(entered, event.reason)
        if amend is not None and event.reason is RejectReason.UNSUPPORTED_COMBINATION:
            order = self._exchange.order(amend.order_id)
            told = None if order is None else sentence_about_amend(order, amend)
        sentence, figures = told_of(event, entered or amend, instrument)
        details |= figures
        told = told or sentence
        return rejected(event.reason, instrument, symbol=event.symbol, old_style=old_style, told=told, **details)

    def _caught_up(self, seq: Seq, patience_s: float = HISTORY_PATIENCE_S) -> None:
        """Wait until the history knows everything up to `seq`. Raises ApiError 503 when it does not."""
        if not self._venue.history_writer.wait(seq, patience_s):
            raise history_behind()


def _newest_first(open_orders: dict[OrderId, Order]) -> Iterator[Order]:
    """Open orders, oldest entered first, as they are listed: newest first, legs beside the order they came from.

    O(orders) for a look at every id; the orders themselves are taken one by one.
    """
    legs = sorted((order_id for order_id in open_orders if order_id >= LEG_UNIT), key=place, reverse=True)
    others = (order_id for order_id in reversed(open_orders) if order_id < LEG_UNIT)
    return (open_orders[order_id] for order_id in heapq.merge(others, legs, key=place, reverse=True))
