"""The operators' routes of schedules: which a symbol has, another, none.

Layer: api.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from flask import Blueprint, Response, request

from api.orders import requests as wire
from api.operator.views import SymbolSchedule
from api.orders.views import seconds
from api.auth.access import requesting_operator
from api.orders.service import Desk
from api.http.documented import Access, documented
from api.http.responses import answer
from listings.schedule_file import ScheduleTable, table_of
from api.market.status_views import NextChange
from api.venue import Venue
from engine.types import Seq


def add_schedules(routes: Blueprint, venue: Venue, desk: Desk, on_listed: Callable[[int], None]) -> None:
    """Add them to the routes of operators. `on_listed` is told the seq of each change, for symbols tell it."""
    audit = venue.signing.record

    @routes.get("/symbols/<symbol>/schedule")
    @documented(Access.OPERATOR, SymbolSchedule, errors=(404,))
    def schedule_of_symbol(symbol: str) -> Response:
        """The schedule that opens and closes a symbol, and who gave it."""
        requesting_operator()
        desk.instrument(symbol)
        return answer(schedule_view(venue, symbol, venue.exchange.seq))

    @routes.put("/symbols/<symbol>/schedule")
    @documented(Access.OPERATOR, SymbolSchedule, body=ScheduleTable, errors=(404, 503))
    def put_schedule(symbol: str) -> Response:
        """Give a symbol a schedule in the place of any other. It counts from its next change on, over restarts too."""
        operator = requesting_operator()
        table = wire.decoded(request.get_data(cache=False), ScheduleTable)
        desk.instrument(symbol)
        seq = venue.timetable.put(symbol, table)
        on_listed(seq)
        audit(operator, "schedule", symbol, as_written(table), seq)
        return answer(schedule_view(venue, symbol, seq))

    @routes.delete("/symbols/<symbol>/schedule")
    @documented(Access.OPERATOR, SymbolSchedule, errors=(404, 503))
    def remove_schedule(symbol: str) -> Response:
        """Take the schedule of a symbol away, the instruments file's as well. Its status stays as it is."""
        operator = requesting_operator()
        desk.instrument(symbol)
        seq = venue.timetable.put(symbol, None)
        on_listed(seq)
        audit(operator, "unschedule", symbol, {}, seq)
        return answer(schedule_view(venue, symbol, seq))


def as_written(table: ScheduleTable) -> dict[str, str]:
    """A schedule for the audit trail, whose details are texts."""
    fields = msgspec.to_builtins(table)
    return {name: value if isinstance(value, str) else " ".join(value) for name, value in fields.items() if value}


def schedule_view(venue: Venue, symbol: str, seq: Seq | int) -> SymbolSchedule:
    """The schedule of a listed symbol, by whom it was given, and what it does next."""
    schedule = venue.sessions.schedule(symbol)
    change = venue.sessions.next_change(symbol)
    set_by: Literal["instruments_file", "operator"] | None = None if schedule is None else "instruments_file"
    if venue.timetable.is_operators(symbol):
        set_by = "operator"
    return SymbolSchedule(
        symbol,
        None if schedule is None else table_of(schedule),
        set_by,
        None if change is None else NextChange(change.status, seconds(change.at_ns)),
        seq,
    )
