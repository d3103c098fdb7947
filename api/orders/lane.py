"""The fast way in for orders: from the front straight to order entry, without Flask.

Only what is ordinary comes here: whatever is refused before its handler would run, or has a query, goes through Flask,
which knows every reason and its words. What does come here is judged as there and in the same order: the guard,
credentials, rate limits, the handler, and the answers to failures. What differs between wires is in a `LaneWire` of
each. `tests/api/orders/test_lane.py` sends
requests both ways and compares the bytes.
Layer: api.orders.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from api.auth.authenticator import Authenticator, WireRefusal, account_shown, permitted, rate_key_of
from api.auth.principals import Principal
from api.faults.injector import FaultInjector
from api.http.answer_headers import TRANSPORT_SECURITY, stays_on_tls
from api.http.bodies import HEADERS
from api.http.error_answers import error_answer
from api.http.errors import expected_error, unforeseen
from api.http.front.serving import ClientGone
from api.http.guard import Guard
from api.http.idempotency import IN_ENVIRON
from api.http.limits import Counted, RateLimits
from api.http.processing import Processing, processing_of
from api.http.refusals import log_refusal_of
from api.http.request_ids import GIVEN_ID, given_back
from api.http.wsgi import Answer, Environ, Headers
from api.json.errors import ApiError
from api.json.requests import PLAIN_BODY_BYTES
from api.orders.entry import OrderEntry
from engine.types import AccountId
from identity.users import Scope

Handler = Callable[[Environ, bytes, Principal, "Counted | None"], bytes]

_OF_ONE_ORDER: Final = re.compile(r"/order/([0-9]{1,19})").fullmatch
_ONE_ORDER: Final = "/order/<order_id>"
_ENTER: Final = "/order"
_BATCH: Final = "/orders/batch"
_HEADERS: Final = tuple(HEADERS.items())


class LaneWire(Protocol):
    """One wire as the lane needs it: which requests come this way, who sends them, and how they are answered."""

    def handler_of(self, environ: Environ, body: bytes) -> tuple[Handler, str] | None:
        """Who answers a request, and by which route of Flask's; None where that is left to Flask."""

    def principal(self, environ: Environ, body: Callable[[], bytes]) -> Principal:
        """Who sent a request. Raises what `failed` makes an answer of."""

    def failed(self, problem: Exception, environ: Environ, principal: Principal | None) -> Answer:
        """The answer to a request that raised."""

    def headers(self, environ: Environ, principal: Principal | None) -> Headers:
        """What every answer has besides, first of all that is added to it."""


class Lane:
    """Answers the requests of order entry that are ordinary. Cooperative."""

    def __init__(
        self,
        entry: OrderEntry,
        guard: Guard,
        authenticator: Authenticator,
        limits: RateLimits | None,
        sharing: Headers | None,
        injector: FaultInjector,
        others: Mapping[str, LaneWire] = MappingProxyType({}),
    ) -> None:
        """`sharing`: what Flask-CORS adds to an answer to a request without Origin; None where no page shares any.

        `others`: the wires besides the first, each by the paths that are its own.
        """
        self._first: LaneWire = _FirstWire(entry, authenticator)
        self._authenticator = authenticator
        self._others = others
        self._guard = guard
        self._limits = limits
        self._sharing = sharing
        self._injector = injector

    def answer(self, environ: Environ, body: bytes) -> Answer | None:
        """The answer to a request; None where it has to go through Flask: then nothing was done yet.

        Raises ClientGone where a fault that was asked for ends the connection.
        """
        wire = self._others.get(environ["PATH_INFO"], self._first)
        found = wire.handler_of(environ, body)
        if found is None or self._guard.refusal_of(environ) is not None:
            return None
        if "HTTP_ORIGIN" in environ and (self._sharing is not None or self._guard.is_shared(environ)):
            return None
        processing = processing_of(environ)
        handler, processing.route = found
        principal: Principal | None = None
        refusal: Exception | None = None
        counted: Counted | None = None
        try:
            try:
                principal = wire.principal(environ, lambda: body)
            except (ApiError, WireRefusal) as problem:
                refusal = problem
            if self._limits is not None:
                counted = self._limits.counted(environ, rate_key_of(principal))
            if counted is not None and counted.exceeded:
                raise counted.refusal()
            if principal is None:
                raise refusal or AssertionError("neither somebody nor a refusal")
            if self._injector.active:
                handler = self._faulty(handler, processing)
            content = handler(environ, body, principal, counted)
        except ClientGone:
            raise
        except Exception as problem:
            answer = wire.failed(problem, environ, principal)
            refusal = None  # whose frames refer to it in turn
        else:
            answer = Answer("200 OK", (*_HEADERS, ("Content-Length", str(len(content)))), content)
        finally:
            if principal is not None:
                self._authenticator.answered()
        further = [*wire.headers(environ, principal), *self._further(environ, answer, processing, counted)]
        return Answer(answer.status, answer.headers, answer.body, further) if further else answer

    def _further(
        self, environ: Environ, answer: Answer, processing: Processing, counted: Counted | None
    ) -> list[tuple[str, str]]:
        """The headers of an answer besides its own."""
        further = list(self._sharing or ())
        if processing.faults is not None and (touched := processing.faults.header) is not None:
            further.append(touched)
        if counted is not None:
            further += counted.headers()
        if GIVEN_ID in environ:
            further += given_back(environ, answer.headers)
        if stays_on_tls(environ):
            further.append(TRANSPORT_SECURITY)
        return further

    def _faulty(self, handler: Handler, processing: Processing) -> Handler:
        """A handler as the faults that were asked for leave it. Raises ClientGone where one ends the connection."""

        def touched(environ: Environ, body: bytes, principal: Principal, counted: Counted | None) -> bytes:
            faults = processing.faults = self._injector.of_request(environ, principal.account)
            if faults is None:
                return handler(environ, body, principal, counted)
            faults.before()
            content = handler(environ, body, principal, counted)
            faults.after()
            return content

        return touched


class _FirstWire:
    """The first wire: single orders, cancels and amends without a query, and batches."""

    def __init__(self, entry: OrderEntry, authenticator: Authenticator) -> None:
        self._entry = entry
        self._authenticator = authenticator
        handlers = {_ENTER: self._enter, "/cancel": self._cancel, _BATCH: self._batch}
        self._posts: dict[str, tuple[Handler, str]] = {path: (handler, path) for path, handler in handlers.items()}

    def handler_of(self, environ: Environ, body: bytes) -> tuple[Handler, str] | None:
        """As `LaneWire`."""
        if environ["QUERY_STRING"]:
            return None
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if method == "POST":
            found = self._posts.get(path)
            if path == _ENTER and IN_ENVIRON in environ:
                return None  # refused
            return found if len(body) <= PLAIN_BODY_BYTES or path == _BATCH else None
        if method not in ("DELETE", "PATCH"):
            return None
        named = _OF_ONE_ORDER(path)
        if named is None or len(body) > (PLAIN_BODY_BYTES if method == "PATCH" else 0):
            return None
        order_id = named[1]
        if method == "DELETE":
            return (
                lambda environ, _body, principal, _counted: self._entry.delete(
                    environ, order_id, None, _trader(principal)
                )
            ), _ONE_ORDER
        return (
            lambda environ, body, principal, _counted: self._entry.amend(
                environ, body, order_id, None, _trader(principal)
            )
        ), _ONE_ORDER

    def principal(self, environ: Environ, body: Callable[[], bytes]) -> Principal:
        """As `LaneWire`. Raises ApiError."""
        return self._authenticator.of(environ, body)

    def failed(self, problem: Exception, environ: Environ, principal: Principal | None) -> Answer:
        """As `LaneWire`."""
        error = expected_error(problem) or unforeseen(problem, environ)
        log_refusal_of(error, environ, account_shown(principal))
        return error_answer(error)

    def headers(self, _environ: Environ, _principal: Principal | None) -> Headers:
        """None."""
        return ()

    def _enter(self, environ: Environ, body: bytes, principal: Principal, _counted: Counted | None) -> bytes:
        return self._entry.enter(environ, body, _trader(principal))

    def _cancel(self, environ: Environ, body: bytes, principal: Principal, _counted: Counted | None) -> bytes:
        return self._entry.cancel(environ, body, _trader(principal))

    def _batch(self, environ: Environ, body: bytes, principal: Principal, counted: Counted | None) -> bytes:
        charge = _no_charge if counted is None else counted.charge
        return self._entry.batch(environ, body, _trader(principal), charge)


def _trader(principal: Principal) -> AccountId:
    """The account of who may trade. Raises ApiError 403."""
    return permitted(principal, Scope.TRADE).account


def _no_charge(_units: int) -> None:
    """Nothing is counted."""
