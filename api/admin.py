"""What operators can do: list symbols and set their status, credit, configure and stop accounts, check the books.

Every change is journaled by the sequencer and noted, with who asked for it, in the audit trail.
Layer: api.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Literal

from flask import Blueprint, Response, request
from msgspec import Meta

from api import accounts, wire
from api.account_answers import AccountView, BalancesView
from api.activity import SECOND_NS
from api.admin_answers import AnyAccount, AuditTrail, BooksBalance, SymbolListed, SymbolStatus, audit_answer
from api.admin_cancels import AccountNumber, account_of, add_cancels
from api.admin_schedules import add_schedules, as_written
from api.answers import seconds
from api.auth import requesting_operator
from api.desk import Desk
from api.documented import Access, documented
from api.errors import ApiError, Malformed, rejected
from api.grid import amount_text
from api.listing import Listing, ListingError, ListingRequest, base_scale_of, instrument_of
from api.responses import answer, query
from api.teller import ConfigureRequest, Teller
from api.timetable import readable
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
    _add_symbols(routes, venue, desk, on_listed)
    add_schedules(routes, venue, desk, on_listed)
    _add_accounts(routes, venue, teller)
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
        base_scale = base_scale_of(listing, venue.exchange.ledger.scales)
        return instrument_of(listing, base_scale, scheduled=venue.sessions.has(listing.symbol))
    except ListingError as problem:
        raise Malformed("INVALID_VALUE", f"{problem}.") from problem


def _add_symbols(routes: Blueprint, venue: Venue, desk: Desk, on_listed: Callable[[int], None]) -> None:
    audit = venue.signing.record

    @routes.post("/symbols")
    @documented(Access.OPERATOR, SymbolListed, body=ListingRequest, errors=(409, 503))
    def list_symbol() -> Response:
        """List a symbol, or change limits, fees and schedule of a listed one. Fields as in the instruments file."""
        operator = requesting_operator()
        listing = wire.decoded(request.get_data(cache=False), ListingRequest)
        if listing.schedule is not None:
            readable(listing.schedule)  # before anything is listed
        with venue.timetable.one_at_a_time:
            is_new = venue.exchange.instrument(listing.symbol) is None
            seq = _submit(venue, ListInstrument(_instrument(venue, listing))).seq
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


def _add_accounts(routes: Blueprint, venue: Venue, teller: Teller) -> None:
    audit = venue.signing.record

    @routes.get("/accounts/<int:account>")
    @documented(Access.OPERATOR, AnyAccount)
    def account(account: AccountNumber) -> Response:
        """Tier, limits, status and balances of any account."""
        requesting_operator()
        number = account_of(account)
        return answer(AnyAccount(teller.account(number), teller.balances(number).balances))

    @routes.put("/accounts/<int:account>")
    @documented(Access.OPERATOR, AccountView, body=ConfigureRequest, errors=(422, 503))
    def configure(account: AccountNumber) -> Response:
        """Set fee tier and limits of an account."""
        operator = requesting_operator()
        wanted = wire.decoded(request.get_data(cache=False), ConfigureRequest)
        view = teller.configure(account_of(account), wanted)
        audit(operator, "configure", str(account), {"tier": wanted.tier}, view.seq)
        return answer(view)

    @routes.post("/accounts/<int:account>/<any(stop, start):action>")
    @documented(Access.OPERATOR, AccountView, errors=(503,))
    def stop(account: AccountNumber, action: Literal["stop", "start"]) -> Response:
        """The kill switch, and its undoing."""
        operator = requesting_operator()
        view = teller.stop(account_of(account), stopped=action == "stop")
        audit(operator, action, str(account), {}, view.seq)
        return answer(view)

    @routes.post("/accounts/<int:account>/deposit")
    @documented(Access.OPERATOR, BalancesView, body=accounts.TransferRequest, errors=(404, 422, 503))
    def credit(account: AccountNumber) -> Response:
        """Credit any account, without the on-ramp's limit."""
        operator = requesting_operator()
        wanted = wire.decoded(request.get_data(cache=False), accounts.TransferRequest)
        view = teller.deposit(account_of(account), wanted.asset, wanted.amount)
        audit(operator, "credit", str(account), {"asset": wanted.asset, "amount": str(wanted.amount)}, view.seq)
        return answer(view)


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
            raise ApiError(500, "BOOKS_DO_NOT_BALANCE", f"{violation}.", {"seq": exchange.seq}) from violation
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
