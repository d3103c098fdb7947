"""What a trader can do: enter, test, cancel and amend orders. One service for REST and Socket.IO alike.

Every method is cooperative and raises `ApiError` for any answer but the one asked for.
Layer: api.orders.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from api.json.errors import ApiError, as_error, internal_error, rejected
from api.orders.amend_views import AmendAnswer, amend_answer
from api.orders.batch import BatchAnswer, BatchCommand, BatchResult
from api.orders.duplicates import DuplicateLookup, EarlierOrder
from api.orders.field_combinations import amend_combination_sentence, combination_sentence
from api.orders.lookup import OrderLookup
from api.orders.mass_cancels import MassCancels
from api.orders.preview_views import PreviewAnswer, preview_answer
from api.orders.reject_details import reject_details
from api.orders.views import (
    CancelAllAnswer,
    CancelAnswer,
    OrderAnswer,
    cancel_all_answer,
    cancel_answer,
    order_answer,
)
from engine.commands import AmendOrder, CancelAll, CancelOrder, EnterOrder
from engine.events import Cancelled, CommandResult, DuplicateRequest, Rejected
from engine.exchange import Exchange
from engine.preview import DuplicateOf, Preview, preview, refusal_figures
from engine.rejects import RejectReason
from engine.types import OrderId, Seq
from history.reader import PATIENCE_S
from logs.limit import limited
from loop.errors import StoreAway
from loop.turns import in_turns
from sequencer.sequencer import Sequencer

log = limited(logging.getLogger(__name__))


class OrderService:
    """Enters, cancels and amends the orders of one venue, and answers with what became of them."""

    def __init__(
        self,
        exchange: Exchange,
        sequencer: Sequencer,
        lookup: OrderLookup,
        duplicates: DuplicateLookup,
        record_latency: Callable[[int], None],
    ) -> None:
        """`record_latency` is given the microseconds that the way of an entered order took."""
        self._exchange = exchange
        self._sequencer = sequencer
        self._lookup = lookup
        self._duplicates = duplicates
        self._record_latency = record_latency
        self._mass_cancels = MassCancels(exchange, sequencer)

    # -- entering, cancelling, amending

    def enter(self, command: EnterOrder, started: float) -> OrderAnswer:
        """Enter one order. `started`: the `perf_counter` seconds at which the request came."""
        (checked,) = self._duplicates.check((command,), PATIENCE_S)
        if isinstance(checked, EnterOrder):
            applied = self._sequencer.submit(checked)
            return self._entered(applied, command, time.perf_counter() - started)
        return self._found(checked, command, time.perf_counter() - started, PATIENCE_S)

    def test(self, command: EnterOrder) -> PreviewAnswer:
        """What entering an order would do now. Nothing is entered. Raises ApiError when that is unknown just now."""
        (checked,) = self._duplicates.check((command,), PATIENCE_S)
        if isinstance(checked, ApiError):
            raise checked
        ts_ns = max(time.time_ns(), self._exchange.ts_ns)
        outcome: Preview | DuplicateOf | RejectReason
        if isinstance(checked, EarlierOrder):
            outcome = DuplicateOf(checked.first) if checked.same else RejectReason.DUPLICATE_CLIENT_ORDER_ID
            first: OrderId | None = checked.first
        else:
            outcome = preview(self._exchange, checked, ts_ns)
            name = command.client_order_id
            first = None if name is None else self._exchange.order_id_of(command.account, name)
        book = self._exchange.books.get(command.symbol)
        if isinstance(outcome, RejectReason):
            figures = refusal_figures(self._exchange, command, outcome, ts_ns)
            event = Rejected(command.account, command.symbol, outcome, first, command.client_order_id, figures)
            refusal = self._rejected(event, entered=command)
            return preview_answer(command, refusal, book, self._exchange.seq, ts_ns)
        return preview_answer(command, outcome, book, self._exchange.seq, ts_ns)

    def cancel(self, command: CancelOrder, started: float) -> CancelAnswer:
        """Cancel one order by either id, or by both where both are its own."""
        self._lookup.require_one_order(command)
        applied = self._sequencer.submit(command)
        return self._cancelled(applied, command, time.perf_counter() - started)

    def cancel_all(self, command: CancelAll) -> CancelAllAnswer:
        """Cancel every open order of an account, of one symbol or side when given; many of them in parts."""
        return cancel_all_answer(self._mass_cancels.cancel_all(command))

    def cancel_everybodys(self, symbol: str | None) -> Iterator[CommandResult]:
        """Cancel what is open now in a symbol, or in every one, whoever's: the results as they come."""
        return self._mass_cancels.cancel_everybodys(symbol)

    def amend(self, command: AmendOrder, symbol: str | None = None) -> AmendAnswer:
        """Change an open order, in `symbol` when given; say whether it kept its priority, and what it traded."""
        order = self._exchange.order(command.order_id)
        if symbol is not None and (order is None or order.account != command.account or order.symbol != symbol):
            wanted = CancelOrder(command.account, command.order_id, None, symbol)
            unknown = Rejected(command.account, symbol, RejectReason.UNKNOWN_ORDER, None, None)
            self._lookup.raise_if_done(unknown, wanted, PATIENCE_S)
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        return self._amended(self._sequencer.submit(command), command)

    def batch(self, commands: Sequence[BatchCommand | ApiError], started: float) -> BatchAnswer:
        """Sequence the commands one behind the other; answer each as its single call, or with the error in its place.

        All share one wait for the history, which amends and orders that are long done need. Raises NotAccepting.
        """
        deadline = time.monotonic() + PATIENCE_S
        commands = [self._one_order_or_error(command, deadline) for command in commands]
        entered = [command for command in commands if isinstance(command, EnterOrder)]
        checks = iter(self._duplicates.check(entered, max(0.0, deadline - time.monotonic())))
        checked = [next(checks) if isinstance(command, EnterOrder) else command for command in commands]
        sequenced = [command for command in checked if not isinstance(command, ApiError | EarlierOrder)]
        applied = iter(self._sequencer.submit_all(sequenced) if sequenced else ())
        elapsed_s = time.perf_counter() - started
        deadline = time.monotonic() + PATIENCE_S  # a new one: what is read of the history now comes after the commands
        results: list[BatchResult] = []
        for asked, command in in_turns(zip(commands, checked, strict=True)):
            try:
                if isinstance(command, ApiError):
                    raise command
                patience_s = max(0.0, deadline - time.monotonic())
                if isinstance(command, EarlierOrder) and isinstance(asked, EnterOrder):
                    results.append(BatchResult(200, self._found(command, asked, elapsed_s, patience_s)))
                elif not isinstance(command, EarlierOrder):
                    results.append(BatchResult(200, self._answer(next(applied), command, elapsed_s, patience_s)))
            except (ApiError, StoreAway) as refusal:
                error = as_error(refusal).without_frames()
                results.append(BatchResult(error.status, error.body()))
            except Exception:  # the others were sequenced too, and must be answered
                mistake = internal_error()
                body = mistake.body()
                log.exception("the answer to %s in a batch failed, request %s", type(command).__name__, body.request_id)
                results.append(BatchResult(mistake.status, body))
        return BatchAnswer(results)

    # -- steps

    def _answer(
        self, applied: CommandResult, command: BatchCommand, elapsed_s: float, patience_s: float
    ) -> OrderAnswer | CancelAnswer | CancelAllAnswer | AmendAnswer:
        """The answer to what was sequenced. Raises ApiError."""
        if isinstance(command, EnterOrder):
            return self._entered(applied, command, elapsed_s, patience_s)
        if isinstance(command, CancelOrder):
            return self._cancelled(applied, command, elapsed_s, patience_s)
        if isinstance(command, CancelAll):
            return cancel_all_answer([applied])
        return self._amended(applied, command, patience_s)

    def _entered(
        self, applied: CommandResult, command: EnterOrder, elapsed_s: float, patience_s: float = PATIENCE_S
    ) -> OrderAnswer:
        """The answer to an order. Raises ApiError."""
        first = applied.events[0]
        if isinstance(first, Rejected):
            raise self._rejected(first, legacy_status=True, seq=applied.seq, entered=command)
        self._record_latency(int(elapsed_s * 1e6))
        elapsed_ms = round(elapsed_s * 1e3, 3)
        if isinstance(first, DuplicateRequest):
            return self._lookup.repeated(first.order_id, first.account, applied.seq, elapsed_ms, patience_s)
        return order_answer(applied, self._exchange, elapsed_ms)

    def _found(
        self, found: EarlierOrder | ApiError, command: EnterOrder, elapsed_s: float, patience_s: float
    ) -> OrderAnswer:
        """The answer to an order whose client order id the history knows; nothing is sequenced. Raises ApiError."""
        if isinstance(found, ApiError):
            raise found
        if found.same:
            elapsed_ms = round(elapsed_s * 1e3, 3)
            return self._lookup.repeated(found.first, command.account, self._exchange.seq, elapsed_ms, patience_s)
        reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
        raise self._rejected(
            Rejected(command.account, command.symbol, reason, found.first, command.client_order_id), legacy_status=True
        )

    def _cancelled(
        self, applied: CommandResult, command: CancelOrder, elapsed_s: float, patience_s: float = PATIENCE_S
    ) -> CancelAnswer:
        """The answer to a cancel. Raises ApiError."""
        event = applied.events[0]
        if not isinstance(event, Cancelled):
            if isinstance(event, Rejected):
                self._lookup.raise_if_done(event, command, patience_s)
                raise self._rejected(event, legacy_status=True)
            raise TypeError(f"a cancel caused {event}")
        return cancel_answer(applied, event, self._exchange, round(elapsed_s * 1e3, 3))

    def _amended(self, applied: CommandResult, command: AmendOrder, patience_s: float = PATIENCE_S) -> AmendAnswer:
        """The answer to an amend. Raises ApiError."""
        first = applied.events[0]
        if isinstance(first, Rejected):
            self._lookup.raise_if_done(first, CancelOrder(command.account, command.order_id), patience_s)
            raise self._rejected(first, amend=command)
        view = self._lookup.after(applied, command.order_id, command.account, patience_s)
        return amend_answer(view, applied, command.order_id, self._exchange)

    def _one_order_or_error(self, command: BatchCommand | ApiError, deadline: float) -> BatchCommand | ApiError:
        try:
            if isinstance(command, CancelOrder):
                self._lookup.require_one_order(command, max(0.0, deadline - time.monotonic()))
            elif isinstance(command, CancelAll):
                self._mass_cancels.require_few(command)
        except (ApiError, StoreAway) as refusal:
            return as_error(refusal)
        return command

    def _rejected(
        self,
        event: Rejected,
        *,
        legacy_status: bool = False,
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
        message = None if entered is None else combination_sentence(entered, event.reason)
        if amend is not None and event.reason is RejectReason.UNSUPPORTED_COMBINATION:
            order = self._exchange.order(amend.order_id)
            message = None if order is None else amend_combination_sentence(order, amend)
        sentence, figures = reject_details(event, entered or amend, instrument)
        details |= figures
        message = message or sentence
        return rejected(
            event.reason, instrument, symbol=event.symbol, legacy_status=legacy_status, message=message, **details
        )
