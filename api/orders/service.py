"""What a trader can do: enter, test, cancel and amend orders. One service for REST and Socket.IO alike.

Every method is cooperative and raises `ApiError` for any answer but the one asked for.
Layer: api.orders.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from api.http.idempotency import RequestKey
from api.http.processing import Faults, Processing, Record
from api.json.encoded import Encoded, encoded
from api.json.errors import ApiError, as_error, internal_error, rejected
from api.orders.amend_views import AmendAnswer, amend_answer
from api.orders.answers import cancel_answer, order_answer, order_text
from api.orders.batch import BatchCommand, BatchResult, EncodedBatch, entered_result
from api.orders.duplicates import DuplicateLookup, EarlierOrder
from api.orders.everybodys_cancels import cancel_everybodys_once
from api.orders.field_combinations import amend_combination_sentence, combination_sentence
from api.orders.keyed import (
    Outcome,
    OutcomeForgotten,
    Outcomes,
    earlier_outcome,
    earlier_outcomes,
    submit_all_once,
    submit_once,
    was_refused,
)
from api.orders.lookup import OrderLookup
from api.orders.mass_cancels import MassCancels
from api.orders.preview_views import PreviewAnswer, preview_answer
from api.orders.reject_details import reject_details
from api.orders.repeated_batch import results_by_element
from api.orders.views import CancelAllAnswer, cancel_all_answer
from engine.commands import AmendOrder, CancelAll, CancelOrder, EnterOrder
from engine.events import Accepted, Cancelled, CommandResult, DuplicateRequest, Rejected
from engine.exchange import Exchange
from engine.preview import DuplicateOf, Preview, preview, refusal_figures
from engine.rejects import RejectReason
from engine.types import OrderId, Seq
from history.reader import PATIENCE_S
from logs.limit import limited
from loop.errors import StoreAway
from loop.turns import in_turns
from sequencer.port import Sequencing

log = limited(logging.getLogger(__name__))

_NOT_SEQUENCED = (ApiError, EarlierOrder)


class OrderService:
    """Enters, cancels and amends the orders of one venue, and answers with what became of them."""

    def __init__(
        self,
        exchange: Exchange,
        sequencer: Sequencing,
        lookup: OrderLookup,
        duplicates: DuplicateLookup,
        record_latency: Record,
    ) -> None:
        """`record_latency` is given the microseconds that the way of entered orders took, and how many they are."""
        self._exchange = exchange
        self._sequencer = sequencer
        self._lookup = lookup
        self._duplicates = duplicates
        self._record_latency = record_latency
        self._mass_cancels = MassCancels(exchange, sequencer)

    # -- entering, cancelling, amending

    def enter(self, command: EnterOrder, processing: Processing) -> Encoded:
        """Enter one order."""
        if processing.faults is not None:
            command = processing.faults.order(command)
        checked: EnterOrder | EarlierOrder | ApiError = command
        if command.client_order_id is not None:
            (checked,) = self._duplicates.check((command,), PATIENCE_S)
        if isinstance(checked, EnterOrder):
            return self._entered(self._sequencer.submit(checked), command, processing)
        return self._found(checked, command, processing, PATIENCE_S)

    def test(self, command: EnterOrder) -> PreviewAnswer:
        """What entering an order would do now. Nothing is entered. Raises ApiError when that is unknown just now."""
        (checked,) = self._duplicates.check((command,), PATIENCE_S)
        if isinstance(checked, ApiError):
            raise checked
        ts_ns = self._sequencer.now_ns()
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

    def repeated(self, key: RequestKey, processing: Processing) -> Encoded | None:
        """The answer to a cancel or an amend that came before under its key; None for one that did not."""
        applied = earlier_outcome(self._sequencer, key)
        if applied is None:
            return None
        command = applied.command
        if isinstance(command, CancelOrder):
            return self._cancelled(applied, command, processing, repeated=True)
        if isinstance(command, AmendOrder):
            return encoded(msgspec.structs.replace(self._amended(applied, command), repeated=True))
        raise TypeError(f"{type(command).__name__} is answered elsewhere")

    def cancel(self, command: CancelOrder, processing: Processing, key: RequestKey | None = None) -> Encoded:
        """Cancel one order by either id, or by both where both are its own; once under a `key`."""
        self._lookup.require_one_order(command)
        outcome = submit_once(self._sequencer, command, key)
        return self._cancelled(outcome.applied, command, processing, repeated=outcome.repeated)

    def cancel_all(self, command: CancelAll, key: RequestKey | None = None) -> CancelAllAnswer:
        """Cancel every open order of an account, of one symbol or side when given; many of them in parts.

        Once under a `key`: then only what was entered before it came first.
        """
        if key is None:
            return cancel_all_answer(self._mass_cancels.cancel_all(command))
        outcomes = self._mass_cancels.cancel_all_once(command, key)
        answer = cancel_all_answer(outcomes.applied)
        return msgspec.structs.replace(answer, repeated=True) if outcomes.repeated else answer

    def cancel_everybodys(self, symbol: str | None) -> Iterator[CommandResult]:
        """Cancel what is open now in a symbol, or in every one, whoever's: the results as they come."""
        return self._mass_cancels.cancel_everybodys(symbol)

    def cancel_everybodys_once(self, symbol: str | None, key: RequestKey) -> Iterator[Outcome]:
        """As `everybodys_cancels.cancel_everybodys_once`."""
        return cancel_everybodys_once(self._exchange, self._sequencer, symbol, key)

    def amend(self, command: AmendOrder, symbol: str | None = None, key: RequestKey | None = None) -> AmendAnswer:
        """Change an open order, in `symbol` when given; say whether it kept its priority, and what it traded.

        Once under a `key`.
        """
        order = self._exchange.order(command.order_id)
        if symbol is not None and (order is None or order.account != command.account or order.symbol != symbol):
            wanted = CancelOrder(command.account, command.order_id, None, symbol)
            unknown = Rejected(command.account, symbol, RejectReason.UNKNOWN_ORDER, None, None)
            self._lookup.raise_if_done(unknown, wanted, PATIENCE_S)
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        outcome = submit_once(self._sequencer, command, key)
        answer = self._amended(outcome.applied, command)
        return msgspec.structs.replace(answer, repeated=True) if outcome.repeated else answer

    def batch(
        self, asked: Sequence[BatchCommand | ApiError], processing: Processing, key: RequestKey | None = None
    ) -> EncodedBatch:
        """Sequence the commands one behind the other; answer each as its single call, or with the error in its place.

        All share one wait for the history, which amends and orders that are long done need. Once under a `key`.
        Raises NotAccepting, and ApiError 409 as `keyed.earlier_outcomes`.
        """
        if key is not None and (known := earlier_outcomes(self._sequencer, key)) is not None:
            return self._batch_again(asked, known, processing)
        commands = asked
        if processing.faults is not None:
            commands = [_touched(command, processing.faults) for command in asked]
        checked = self._checked(commands, time.monotonic() + PATIENCE_S)
        sequenced = [command for command in checked if not isinstance(command, _NOT_SEQUENCED)]
        outcomes = submit_all_once(self._sequencer, sequenced, key) if sequenced else Outcomes((), repeated=False)
        if outcomes.repeated:
            return self._batch_again(asked, outcomes.applied, processing)
        applied = iter(outcomes.applied)
        by_element = [None if isinstance(each, _NOT_SEQUENCED) else next(applied) for each in checked]
        return EncodedBatch(self._answers(commands, checked, by_element, processing))

    def _batch_again(
        self, asked: Sequence[BatchCommand | ApiError], known: Sequence[CommandResult], processing: Processing
    ) -> EncodedBatch:
        """The answer to a batch that came before under its key; nothing is sequenced. Raises ApiError 409.

        What was not sequenced then is refused as it would be now; where it would not, the answer says that it was.
        """
        by_element = results_by_element(asked, known)
        if by_element is None:  # what its body stands for has changed
            raise OutcomeForgotten(known[0].seq, len(known))
        left_out = [element for element, applied in zip(asked, by_element, strict=True) if applied is None]
        refused = iter(self._checked(left_out, time.monotonic() + PATIENCE_S))
        checked: list[BatchCommand | ApiError | EarlierOrder] = []
        for applied in by_element:
            # as it was sequenced: of an order that is done by now its values read otherwise
            now = next(refused) if applied is None else cast("BatchCommand", applied.command)
            is_new = applied is None and not isinstance(now, _NOT_SEQUENCED)
            checked.append(was_refused() if is_new else now)
        return EncodedBatch(self._answers(asked, checked, by_element, processing, repeated=True), repeated=True)

    def _answers(
        self,
        commands: Sequence[BatchCommand | ApiError],
        checked: Sequence[BatchCommand | ApiError | EarlierOrder],
        by_element: Sequence[CommandResult | None],
        processing: Processing,
        *,
        repeated: bool = False,
    ) -> list[Encoded]:
        """The result of each element of a batch; `by_element`: what it caused, where it was sequenced."""
        deadline = time.monotonic() + PATIENCE_S  # a new one: what is read of the history now comes after the commands
        elapsed = repr(processing.elapsed_ms)  # all of them are sent at once
        results: list[Encoded] = []
        for asked, command, applied in in_turns(zip(commands, checked, by_element, strict=True)):
            status, body = 200, None
            try:
                if isinstance(command, ApiError):
                    raise command
                if isinstance(command, EarlierOrder):
                    if isinstance(asked, EnterOrder):
                        body = self._found(command, asked, processing, max(0.0, deadline - time.monotonic()))
                elif applied is not None:
                    if not repeated and type(command) is EnterOrder and type(applied.events[0]) is Accepted:
                        processing.count_order(self._record_latency)
                        results.append(entered_result(order_text(applied, self._exchange, elapsed)))
                        continue
                    body = self._answer(applied, command, processing, deadline, repeated=repeated)
            except (ApiError, StoreAway) as refusal:
                error = as_error(refusal).without_frames()
                status, body = error.status, encoded(error.body())
            except Exception:  # the others were sequenced too, and must be answered
                mistake = internal_error()
                about = mistake.body()
                log.exception(
                    "the answer to %s in a batch failed, request %s",
                    type(command).__name__,
                    about.request_id,
                    extra={"request_id": about.request_id},
                )
                status, body = mistake.status, encoded(about)
            results.append(encoded(BatchResult(status, body)))
        return results

    # -- the same for who answers in words of their own

    def apply_entry(self, command: EnterOrder, processing: Processing) -> CommandResult | EarlierOrder:
        """Enter one order: what its command caused, or the earlier order that it is a repetition of."""
        if processing.faults is not None:
            command = processing.faults.order(command)
        checked: EnterOrder | EarlierOrder | ApiError = command
        if command.client_order_id is not None:
            (checked,) = self._duplicates.check((command,), PATIENCE_S)
        if isinstance(checked, ApiError):
            raise checked
        if isinstance(checked, EarlierOrder):
            if not checked.same:
                reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
                name = command.client_order_id
                raise self._rejected(Rejected(command.account, command.symbol, reason, checked.first, name))
            return checked
        applied = self._sequencer.submit(checked)
        first = applied.events[0]
        if type(first) is Rejected:
            raise self._rejected(first, legacy_status=True, seq=applied.seq, entered=command)
        processing.count_order(self._record_latency)
        return EarlierOrder(first.order_id, same=True) if type(first) is DuplicateRequest else applied

    def apply_cancel(self, command: CancelOrder) -> tuple[CommandResult, Cancelled]:
        """Cancel one order: what its command caused, the end of the order first. Both ids must be its own."""
        self._lookup.require_one_order(command)
        applied = self._sequencer.submit(command)
        event = applied.events[0]
        if isinstance(event, Cancelled):
            return applied, event
        if isinstance(event, Rejected):
            raise self._rejected(event)
        raise TypeError(f"a cancel caused {event}")

    def apply_cancel_all(self, command: CancelAll) -> list[CommandResult]:
        """As `cancel_all`."""
        return self._mass_cancels.cancel_all(command)

    def apply_amend(self, command: AmendOrder) -> CommandResult:
        """Change an open order: what its command caused."""
        applied = self._sequencer.submit(command)
        first = applied.events[0]
        if isinstance(first, Rejected):
            raise self._rejected(first, amend=command)
        return applied

    # -- steps

    def _checked(
        self, commands: Sequence[BatchCommand | ApiError], deadline: float
    ) -> list[BatchCommand | ApiError | EarlierOrder]:
        """Of each command what is to be sequenced, the earlier order that it repeats, or what is wrong with it."""
        checked: list[BatchCommand | ApiError | EarlierOrder] = [
            command if type(command) is EnterOrder else self._one_order_or_error(command, deadline)
            for command in commands
        ]
        named = [
            (place, command)
            for place, command in enumerate(checked)
            if type(command) is EnterOrder and command.client_order_id is not None
        ]
        if named:
            orders = [command for _, command in named]
            found = self._duplicates.check(orders, max(0.0, deadline - time.monotonic()))
            for (place, _), outcome in zip(named, found, strict=True):
                checked[place] = outcome
        return checked

    def _answer(
        self, applied: CommandResult, command: BatchCommand, processing: Processing, deadline: float, *, repeated: bool
    ) -> Encoded:
        """The answer to what was sequenced, now or, where it is `repeated`, before. Raises ApiError."""
        patience_s = max(0.0, deadline - time.monotonic())
        if isinstance(command, EnterOrder):
            return self._entered(applied, command, processing, patience_s, repeated=repeated)
        if isinstance(command, CancelOrder):
            return self._cancelled(applied, command, processing, patience_s, repeated=repeated)
        answer: CancelAllAnswer | AmendAnswer
        if isinstance(command, CancelAll):
            answer = cancel_all_answer([applied])
        else:
            answer = self._amended(applied, command, patience_s)
        return encoded(msgspec.structs.replace(answer, repeated=True) if repeated else answer)

    def _entered(
        self,
        applied: CommandResult,
        command: EnterOrder,
        processing: Processing,
        patience_s: float = PATIENCE_S,
        *,
        repeated: bool = False,
    ) -> Encoded:
        """The answer to an order. Raises ApiError."""
        first = applied.events[0]
        if type(first) is Rejected:
            raise self._rejected(first, legacy_status=True, seq=applied.seq, entered=command)
        if not repeated:
            processing.count_order(self._record_latency)
        elapsed_ms = processing.elapsed_ms
        if type(first) is DuplicateRequest:
            return encoded(self._lookup.repeated(first.order_id, first.account, applied.seq, elapsed_ms, patience_s))
        return order_answer(applied, self._exchange, elapsed_ms, repeated=repeated)

    def _found(
        self, found: EarlierOrder | ApiError, command: EnterOrder, processing: Processing, patience_s: float
    ) -> Encoded:
        """The answer to an order whose client order id the history knows; nothing is sequenced. Raises ApiError."""
        if isinstance(found, ApiError):
            raise found
        if found.same:
            elapsed_ms = processing.elapsed_ms
            seq = self._exchange.seq
            return encoded(self._lookup.repeated(found.first, command.account, seq, elapsed_ms, patience_s))
        reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
        raise self._rejected(
            Rejected(command.account, command.symbol, reason, found.first, command.client_order_id), legacy_status=True
        )

    def _cancelled(
        self,
        applied: CommandResult,
        command: CancelOrder,
        processing: Processing,
        patience_s: float = PATIENCE_S,
        *,
        repeated: bool = False,
    ) -> Encoded:
        """The answer to a cancel. Raises ApiError."""
        event = applied.events[0]
        if not isinstance(event, Cancelled):
            if isinstance(event, Rejected):
                self._lookup.raise_if_done(event, command, patience_s)
                raise self._rejected(event, legacy_status=True)
            raise TypeError(f"a cancel caused {event}")
        return cancel_answer(applied, event, self._exchange, processing.elapsed_ms, repeated=repeated)

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


def _touched(command: BatchCommand | ApiError, faults: Faults) -> BatchCommand | ApiError:
    """What faults make of one command of a batch."""
    if not isinstance(command, EnterOrder):
        return command
    try:
        return faults.order(command)
    except ApiError as refusal:
        return refusal.without_frames()
