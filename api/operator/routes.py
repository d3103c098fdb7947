"""What operators can do: list symbols and set their status, credit, configure and stop accounts, check the books.

Every change is journaled by the sequencer and noted, with who asked for it, in the audit trail.
Layer: api.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from api.orders import requests as wire
from api.market.activity import SECOND_NS
from api.operator.account_routes import add_accounts
from api.operator.views import AuditTrail, BooksBalance, SymbolListed, SymbolStatus, audit_answer
from api.operator.cancel_routes import add_cancels
from api.operator.schedule_routes import add_schedules, as_written
from api.orders.views import seconds
from api.auth.access import requesting_operator
from api.orders.service import Desk
from api.http.documented import Access, documented
from api.json.errors import ApiError, Malformed, rejected
from listings.grid import amount_text
from listings.instruments_file import Listing, ListingError, ListingRequest, base_scale_of, instrument_of, require_no_twins
from api.http.responses import answer, query
from api.http.symbols import meant
from api.accounts.service import Teller
from listings.timetable import readable
from api.venue import Venue
from engine.commands import Command, ListInstrument, SetStatus
from engine.events import Applied, Rejected
from engine.instrument import Instrument
from engine.rejects import InvariantViolation
from engine.types import TradingStatus

STATUS_OF = {
    "halt": TradingStatus.HALTED,
    "resume": TradingStatus.TRADING,
    "close": TradingStatus.CLOSED,
    "pre_open": TradingStatus.PRE_OPEN,
}
MAX_AUCTION_S = 86_400

log = logging.getLogger(__name__)


class AuditQuery(wire.Request, frozen=True):
    """GET /admin/audit."""

    limit: Annotated[int, Meta(ge=1, le=wire.MAX_PAGE)] = 100
    before: Annotated[int, Meta(ge=1, le=wire.MAX_ORDER_ID)] = wire.MAX_ORDER_ID  # epoch nanoseconds


class AuctionQuery(wire.Request, frozen=True):
    """POST /admin/symbols/{symbol}/auction."""

    seconds: Annotated[int, Meta(ge=1, le=MAX_AUCTION_S)] | None = None  # after which trading begins by itself


def blueprint(venue: Venue, desk: Desk, teller: Teller, *, on_listed: Callable[[int], None]) -> Blueprint:
    """The routes of operators. `on_listed` is told the seq of each command that changed what is listed."""
    routes = Blueprint("admin", __name__, url_prefix="/admin")
    _add_symbols(routes, venue, desk, teller, on_listed)
    add_schedules(routes, venue, desk, on_listed)
    add_accounts(routes, venue, teller)
    add_cancels(routes, venue, desk)
    _add_oversight(routes, venue)
    return routes


def _submit(venue: Venue, command: Command) -> Applied:
    applied = venue.sequencer.submit(command)
    first = applied.events[0]
    if isinstance(first, Rejected):
        raise rejected(first.reason, None, symbol=first.symbol)
    return applied


def _instrument(venue: Venue, listing: Listing) -> Instrument:
    """What a request lists, which has a schedule when it had one. Raises Malformed."""
    try:
        assets = {*venue.exchange.ledger.scales, listing.base, listing.quote}
        if listing.symbol not in venue.exchange.books:  # a listed one may be older than this rule
            require_no_twins(assets, "assets")
        base_scale = base_scale_of(listing, venue.exchange.ledger.scales)
        return instrument_of(listing, base_scale, scheduled=venue.sessions.has(listing.symbol))
    except ListingError as problem:
        raise Malformed("INVALID_VALUE", f"{problem}.") from problem


def _add_symbols(routes: Blueprint, venue: Venue, desk: Desk, teller: Teller, on_listed: Callable[[int], None]) -> None:
    audit = venue.signing.record

    @routes.post("/symbols")
    @documented(Access.OPERATOR, SymbolListed, body=ListingRequest, errors=(409, 503))
    def list_symbol() -> Response:
        """List a symbol, or change limits, fees and schedule of a listed one. Fields as in the instruments file."""
        operator = requesting_operator()
        asked = wire.decoded(request.get_data(cache=False), ListingRequest)
        listing = msgspec.structs.replace(asked, symbol=meant(asked.symbol))
        if listing.schedule is not None:
            readable(listing.schedule)  # before anything is listed
        with venue.timetable.one_at_a_time:
            is_new = venue.exchange.instrument(listing.symbol) is None
            seq = _submit(venue, ListInstrument(_instrument(venue, listing))).seq
            teller.fund_sandbox()  # it trades every asset, a new one as well
        if listing.schedule is not None:
            seq = venue.timetable.put(listing.symbol, listing.schedule, at_once=is_new)
        on_listed(seq)
        audit(operator, "list", listing.symbol, as_written(listing.schedule) if listing.schedule else {}, seq)
        return answer(SymbolListed(listing.symbol, seq))

    @routes.post("/symbols/<symbol>/<any(halt, resume, close, pre_open):action>")
    @documented(Access.OPERATOR, SymbolStatus, errors=(404, 503))
    def set_status(symbol: str, action: Literal["halt", "resume", "close", "pre_open"]) -> Response:
        """Halt, resume or close trading in a symbol, or let orders gather. It holds until the next scheduled change."""
        operator = requesting_operator()
        desk.instrument(symbol)
        seq = _submit(venue, SetStatus(symbol, STATUS_OF[action])).seq
        audit(operator, action, symbol, {}, seq)
        return answer(SymbolStatus(symbol, STATUS_OF[action], seq))

    @routes.post("/symbols/<symbol>/auction")
    @documented(Access.OPERATOR, SymbolStatus, query=AuctionQuery, errors=(404, 503))
    def call_auction(symbol: str) -> Response:
        """Let orders gather for an auction. With `seconds` trading begins after them, else with `resume`."""
        operator, wanted = requesting_operator(), query(AuctionQuery)
        desk.instrument(symbol)
        opens_ns = (
            None if wanted.seconds is None else max(time.time_ns(), venue.exchange.ts_ns) + wanted.seconds * SECOND_NS
        )
        applied = _submit(venue, SetStatus(symbol, TradingStatus.AUCTION, opens_ns))
        details = {} if wanted.seconds is None else {"seconds": str(wanted.seconds)}
        audit(operator, "auction", symbol, details, applied.seq)
        opens_at = None if opens_ns is None else seconds(opens_ns)
        return answer(SymbolStatus(symbol, TradingStatus.AUCTION, applied.seq, opens_at))


def _add_oversight(routes: Blueprint, venue: Venue) -> None:
    exchange = venue.exchange

    @routes.get("/check")
    @documented(Access.OPERATOR, BooksBalance)
    def check() -> Response:
        """Add up every balance, hold and book now. O(open orders): orders wait meanwhile."""
        requesting_operator()
        try:
            exchange.check_invariants()
        except InvariantViolation as violation:
            log.critical("the books do not balance at seq %d: %s", exchange.seq, violation)
            sentence = "The books do not balance; the log says what differs. Stop the venue, and keep its data."
            raise ApiError(500, "BOOKS_DO_NOT_BALANCE", sentence, {"seq": exchange.seq}) from violation
        ledger = exchange.ledger
        issued = {asset: amount_text(amount, ledger.scales[asset]) for asset, amount in ledger.issued.items()}
        return answer(BooksBalance(True, issued, len(exchange.orders), exchange.seq))

    @routes.get("/audit")
    @documented(Access.OPERATOR, AuditTrail, query=AuditQuery, errors=(503,))
    def audit_trail() -> Response:
        """What operators did, newest first; `before` an entry's ts_ns pages back."""
        requesting_operator()
        wanted = query(AuditQuery)
        return answer(audit_answer(venue.signing.audit_trail(wanted.limit, wanted.before)))
