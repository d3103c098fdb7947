"""What operators can do: list symbols and set their status, credit, configure and stop accounts, check the books.

Every change is journaled by the sequencer and noted, with who asked for it, in the audit trail.
Layer: api.operator.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import msgspec
from flask import Blueprint, Response, request

from api.accounts.service import AccountService
from api.auth.authenticator import requesting_operator
from api.auth.service import AuthService
from api.faults.injector import FaultInjector
from api.http.documented import Access, documented
from api.http.responses import answer, query
from api.http.symbols import symbol_as_listed
from api.json.errors import ApiError, Malformed, rejected
from api.json.requests import decoded
from api.json.views import seconds
from api.market.service import MarketService
from api.operator.account_routes import add_accounts
from api.operator.cancel_routes import add_cancels
from api.operator.class_accounts import ClassAccounts
from api.operator.clock_routes import add_clock
from api.operator.fault_routes import add_faults
from api.operator.ranking_routes import add_ranking
from api.operator.requests import AuctionQuery, AuditQuery
from api.operator.schedule_routes import add_schedules, as_written, put_schedule_of, require_usable
from api.operator.user_routes import add_users
from api.operator.user_service import UserService
from api.operator.views import AuditTrail, BooksBalance, SymbolListed, SymbolStatus, audit_answer
from api.orders.service import OrderService
from engine.commands import Command, ListInstrument, SetStatus
from engine.events import CommandResult, Rejected
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rejects import InvariantViolation
from engine.types import TradingStatus
from listings.grid import amount_text
from listings.instruments_file import (
    Listing,
    ListingError,
    ListingRequest,
    base_scale_of,
    instrument_of,
    require_apart,
    require_no_twins,
)
from listings.operator_schedules import OperatorSchedules
from listings.schedule_runner import ScheduleRunner
from projections.activity import SECOND_NS
from sequencer.clock_watch import ClockWatch
from sequencer.port import Sequencing
from sequencer.venue_clock import VenueClock

STATUS_OF = {
    "halt": TradingStatus.HALTED,
    "resume": TradingStatus.TRADING,
    "close": TradingStatus.CLOSED,
    "pre_open": TradingStatus.PRE_OPEN,
}

log = logging.getLogger(__name__)


def blueprint(
    *,
    exchange: Exchange,
    sequencer: Sequencing,
    market: MarketService,
    orders: OrderService,
    accounts: AccountService,
    auth: AuthService,
    users: UserService,
    schedules: OperatorSchedules,
    runner: ScheduleRunner,
    clock: VenueClock,
    clock_watch: ClockWatch,
    sandbox: bool,
    on_listed: Callable[[int], None],
    faults: FaultInjector,
) -> Blueprint:
    """The routes of operators. `on_listed` is called with the seq of each command that changed what is listed."""
    routes = Blueprint("admin", __name__, url_prefix="/admin")
    _add_listing(routes, exchange, sequencer, accounts, auth, schedules, runner, on_listed)
    _add_statuses(routes, exchange, sequencer, market, auth)
    add_schedules(routes, market, auth, schedules, runner, exchange, on_listed)
    add_accounts(routes, exchange, accounts, auth, sandbox=sandbox)
    add_cancels(routes, exchange, sequencer, market, orders, auth)
    add_users(routes, users, ClassAccounts(users, auth, exchange, sequencer))
    add_ranking(routes, accounts)
    add_clock(routes, clock, clock_watch, auth)
    add_faults(routes, faults, exchange, auth)
    _add_oversight(routes, exchange, sequencer, auth)
    return routes


def _submit(sequencer: Sequencing, command: Command) -> CommandResult:
    applied = sequencer.submit(command)
    first = applied.events[0]
    if isinstance(first, Rejected):
        raise rejected(first.reason, None, symbol=first.symbol)
    return applied


def _instrument(exchange: Exchange, listing: Listing, *, scheduled: bool) -> Instrument:
    """What a request lists, which has a schedule when it had one. Raises Malformed."""
    try:
        assets = {*exchange.ledger.scales, listing.base, listing.quote}
        if listing.symbol not in exchange.books:  # a symbol listed before this rule keeps its name
            require_no_twins(assets, "assets")
            require_apart([listing.symbol], exchange.books)
        base_scale = base_scale_of(listing, exchange.ledger.scales)
        return instrument_of(listing, base_scale, scheduled=scheduled)
    except ListingError as problem:
        raise Malformed("INVALID_VALUE", f"{problem}.") from problem


def _add_listing(
    routes: Blueprint,
    exchange: Exchange,
    sequencer: Sequencing,
    accounts: AccountService,
    auth: AuthService,
    schedules: OperatorSchedules,
    runner: ScheduleRunner,
    on_listed: Callable[[int], None],
) -> None:
    audit = auth.record

    @routes.post("/symbols")
    @documented(Access.OPERATOR, SymbolListed, body=ListingRequest, errors=(409, 503))
    def list_symbol() -> Response:
        """List a symbol, or change limits, fees and schedule of a listed one. Fields as in the instruments file."""
        operator = requesting_operator()
        asked = decoded(request.get_data(cache=False), ListingRequest)
        listing = msgspec.structs.replace(asked, symbol=symbol_as_listed(asked.symbol))
        if listing.schedule is not None:
            require_usable(listing.schedule)  # before anything is listed
        with schedules.one_at_a_time:
            is_new = exchange.instrument(listing.symbol) is None
            seq = _submit(
                sequencer, ListInstrument(_instrument(exchange, listing, scheduled=runner.has(listing.symbol)))
            ).seq
            accounts.fund_sandbox()  # it trades every asset, a new one as well
        if listing.schedule is not None:
            seq = put_schedule_of(schedules, listing.symbol, listing.schedule, at_once=is_new)
        on_listed(seq)
        audit(operator, "list", listing.symbol, as_written(listing.schedule) if listing.schedule else {}, seq)
        return answer(SymbolListed(listing.symbol, seq))


def _add_statuses(
    routes: Blueprint, exchange: Exchange, sequencer: Sequencing, market: MarketService, auth: AuthService
) -> None:
    audit = auth.record

    @routes.post("/symbols/<symbol>/<any(halt, resume, close, pre_open):action>")
    @documented(Access.OPERATOR, SymbolStatus, errors=(404, 503))
    def set_status(symbol: str, action: Literal["halt", "resume", "close", "pre_open"]) -> Response:
        """Halt, resume or close trading in a symbol, or let orders gather. It holds until the next scheduled change."""
        operator = requesting_operator()
        market.instrument(symbol)
        seq = _submit(sequencer, SetStatus(symbol, STATUS_OF[action])).seq
        audit(operator, action, symbol, {}, seq)
        return answer(SymbolStatus(symbol, STATUS_OF[action], seq))

    @routes.post("/symbols/<symbol>/auction")
    @documented(Access.OPERATOR, SymbolStatus, query=AuctionQuery, errors=(404, 503))
    def call_auction(symbol: str) -> Response:
        """Let orders gather for an auction. With `seconds` trading begins after them, else with `resume`."""
        operator, wanted = requesting_operator(), query(AuctionQuery)
        market.instrument(symbol)
        opens_ns = None if wanted.seconds is None else sequencer.now_ns() + wanted.seconds * SECOND_NS
        applied = _submit(sequencer, SetStatus(symbol, TradingStatus.AUCTION, opens_ns))
        details = {} if wanted.seconds is None else {"seconds": str(wanted.seconds)}
        audit(operator, "auction", symbol, details, applied.seq)
        opens_at = None if opens_ns is None else seconds(opens_ns)
        return answer(SymbolStatus(symbol, TradingStatus.AUCTION, applied.seq, opens_at))


def _add_oversight(routes: Blueprint, exchange: Exchange, sequencer: Sequencing, auth: AuthService) -> None:
    @routes.get("/check")
    @documented(Access.OPERATOR, BooksBalance)
    def check() -> Response:
        """Add up every balance, hold and book now. O(open orders): orders wait meanwhile, and what reads goes on."""
        requesting_operator()
        try:
            sequencer.read_in_turns(exchange.invariant_steps)
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
        return answer(audit_answer(auth.audit_trail(wanted.limit, wanted.before)))
