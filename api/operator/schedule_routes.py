"""The operators' routes of schedules: which a symbol has, another, none.

Layer: api.operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from flask import Blueprint, Response, request

from api.auth.authenticator import requesting_operator
from api.auth.service import AuthService
from api.http.documented import Access, documented
from api.http.responses import answer
from api.json.errors import ApiError, Malformed
from api.json.requests import decoded
from api.json.views import seconds
from api.market.service import MarketService
from api.market.status_views import NextChange
from api.operator.views import SymbolSchedule
from engine.exchange import Exchange
from engine.types import Seq
from listings.operator_schedules import OperatorSchedules, ScheduleNotSaved
from listings.schedule_file import ScheduleError, ScheduleTable, schedule_of, table_of
from listings.schedule_runner import ScheduleRunner


def add_schedules(
    routes: Blueprint,
    market: MarketService,
    auth: AuthService,
    schedules: OperatorSchedules,
    runner: ScheduleRunner,
    exchange: Exchange,
    on_listed: Callable[[int], None],
) -> None:
    """Add them to the routes of operators. `on_listed` is called with the seq of each change."""
    audit = auth.record

    def view(symbol: str, seq: int) -> SymbolSchedule:
        return schedule_view(runner, symbol, seq, by_operator=schedules.is_operators(symbol))

    @routes.get("/symbols/<symbol>/schedule")
    @documented(Access.OPERATOR, SymbolSchedule, errors=(404,))
    def schedule_of_symbol(symbol: str) -> Response:
        """The schedule that opens and closes a symbol, and who gave it."""
        requesting_operator()
        market.instrument(symbol)
        return answer(view(symbol, exchange.seq))

    @routes.put("/symbols/<symbol>/schedule")
    @documented(Access.OPERATOR, SymbolSchedule, body=ScheduleTable, errors=(404, 503))
    def put_schedule(symbol: str) -> Response:
        """Give a symbol a schedule in the place of any other. It counts from its next change on, over restarts too."""
        operator = requesting_operator()
        table = decoded(request.get_data(cache=False), ScheduleTable)
        market.instrument(symbol)
        seq = put_schedule_of(schedules, symbol, table)
        on_listed(seq)
        audit(operator, "schedule", symbol, as_written(table), seq)
        return answer(view(symbol, seq))

    @routes.delete("/symbols/<symbol>/schedule")
    @documented(Access.OPERATOR, SymbolSchedule, errors=(404, 503))
    def remove_schedule(symbol: str) -> Response:
        """Take the schedule of a symbol away, the instruments file's as well. Its status stays as it is."""
        operator = requesting_operator()
        market.instrument(symbol)
        seq = put_schedule_of(schedules, symbol, None)
        on_listed(seq)
        audit(operator, "unschedule", symbol, {}, seq)
        return answer(view(symbol, seq))


def require_usable(table: ScheduleTable) -> None:
    """Raise Malformed where no schedule can be made of a request's table."""
    try:
        schedule_of(table)
    except ScheduleError as problem:
        raise _unusable(problem) from problem


def put_schedule_of(
    schedules: OperatorSchedules, symbol: str, table: ScheduleTable | None, *, at_once: bool = False
) -> Seq:
    """`OperatorSchedules.put` for a request. Raises Malformed, NotAccepting, and ApiError 503 when it was not kept."""
    try:
        return schedules.put(symbol, table, at_once=at_once)
    except ScheduleError as problem:
        raise _unusable(problem) from problem
    except ScheduleNotSaved as problem:
        sentence = "The schedule could not be written to the data folder, so the one before still counts."
        raise ApiError(503, "NOT_KEPT", sentence, None, 1) from problem


def _unusable(problem: ScheduleError) -> Malformed:
    return Malformed("INVALID_VALUE", f"The schedule cannot be used: {problem}.", field="schedule")


def as_written(table: ScheduleTable) -> dict[str, str]:
    """A schedule for the audit trail, whose details are texts."""
    fields = msgspec.to_builtins(table)
    return {name: value if isinstance(value, str) else " ".join(value) for name, value in fields.items() if value}


def schedule_view(runner: ScheduleRunner, symbol: str, seq: int, *, by_operator: bool) -> SymbolSchedule:
    """The schedule of a listed symbol, by whom it was given, and what it does next."""
    schedule = runner.schedule(symbol)
    change = runner.next_change(symbol)
    set_by: Literal["instruments_file", "operator"] | None = None if schedule is None else "instruments_file"
    if by_operator:
        set_by = "operator"
    return SymbolSchedule(
        symbol,
        None if schedule is None else table_of(schedule),
        set_by,
        None if change is None else NextChange(change.status, seconds(change.at_ns)),
        seq,
    )
