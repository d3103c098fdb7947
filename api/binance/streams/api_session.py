"""One socket of the ws-api: requests and answers, who is logged on, and the user data streams that were opened over it.

A request is `{"id", "method", "params"}`, its answer `{"id", "status", "result"}` or `{"id", "status", "error"}`, with
`rateLimits` unless they are not wanted. At most `IN_FLIGHT_MAX` are worked on at once; the next is not read before one
is answered, and each is answered when it is done.
Layer: api.binance.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import eventlet
import msgspec
from eventlet.semaphore import Semaphore

from api.auth.authenticator import rate_key_of
from api.auth.credentials import Credentials
from api.auth.principals import Principal
from api.binance.errors import BinanceError, of_failure
from api.binance.market_info import RateLimit
from api.binance.numbers import milliseconds
from api.binance.requests import PARAMETERS_MAX
from api.binance.signing import Signing, allowed
from api.binance.streams.api_methods import ApiCall, Handler
from api.binance.streams.faults import USER_DATA
from api.binance.streams.sockets import StreamSocket
from api.binance.streams.trade_methods import Signed
from api.binance.streams.users import UserStream, UserStreams
from api.binance.surface import note_refusal
from api.faults.injector import FaultInjector
from api.faults.plan import Area
from api.http.bodies import long_body, long_list_body
from api.http.front.serving import ClientGone
from api.http.front.websocket import frame_of
from api.http.limits import RateLimits, reading
from api.http.processing import Processing
from api.http.wsgi import Environ
from identity.users import Scope
from logs.limit import limited

log = limited(logging.getLogger(__name__))

IN_FLIGHT_MAX: Final = 32
SUBSCRIPTIONS_MAX: Final = 32
ID_MAX: Final = 64  # characters
NOT_LOGGED_ON: Final = "Invalid API-key, IP, or permissions for action."

_encode: Final = msgspec.json.Encoder().encode


class _Identified(msgspec.Struct):
    """Of a request what its answer repeats."""

    id: str


_decode: Final = msgspec.json.Decoder(float_hook=str).decode  # a number as it was written: it was signed as text
_decode_id: Final = msgspec.json.Decoder(_Identified).decode


class ApiSurface(NamedTuple):
    """What all sockets of the ws-api share."""

    open_methods: dict[str, Handler]
    signed_methods: dict[str, Signed]
    signing: Signing
    credentials: Credentials
    limits: RateLimits | None
    rate_limits: list[RateLimit]
    users: UserStreams
    injector: FaultInjector
    clock: Callable[[], int]


class _Request(NamedTuple):
    """One request that could be read."""

    request_id: Any
    method: str
    params: dict[str, str]
    received_at: float
    with_limits: bool


class ApiSession:
    """One socket, from its handshake to its end."""

    def __init__(self, socket: StreamSocket, surface: ApiSurface) -> None:
        self._socket = socket
        self._surface = surface
        self._free = Semaphore(IN_FLIGHT_MAX)
        self._connected_ms = self._now_ms()
        self._principal: Principal | None = None  # who is logged on
        self._logged_on_ms: int | None = None
        self._streams: dict[int, UserStream] = {}  # by subscription id
        self._next_stream = 0
        self._of_session: set[int] = set()  # subscriptions that end with the log-on
        socket.on_ended.append(self._close_streams)

    def receive(self, text: str) -> None:
        """Begin one request; wait where as many are worked on as may be. Cooperative."""
        self._free.acquire()
        received_at = time.perf_counter()
        eventlet.spawn(self._work_on, text, received_at)

    def _work_on(self, text: str, received_at: float) -> None:
        try:
            self._answer(text, received_at)
        except Exception:
            log.exception("a request of the ws-api could not be answered")
        finally:
            self._free.release()

    def _answer(self, text: str, received_at: float) -> None:
        request_id: Any = None
        principal: Principal | None = None
        with_limits = True
        processing = Processing(received_at)
        try:
            try:
                request_id, asked = _read(text, received_at)
            except _Unreadable as problem:
                request_id = problem.request_id
                self._charge(self._principal, 1)  # as every other request
                raise problem.error from None
            with_limits = asked.with_limits
            result, principal = self._result(asked, processing)
            body: dict[str, Any] = {"id": request_id, "status": 200, "result": _encoded(result)}
        except ClientGone:
            self._socket.drop()
            return
        except Exception as problem:
            error = of_failure(problem, self._environ())
            note_refusal(error, self._environ(), principal)
            body = _failed(request_id, error, self._now_ms())
        if with_limits:
            body["rateLimits"] = self._rate_limits(principal)
        self._socket.send(_encode(body))
        processing.end()

    def _result(self, asked: _Request, processing: Processing) -> tuple[Any, Principal | None]:
        """What a method returns, and who called it. Raises BinanceError, ApiError."""
        surface = self._surface
        opened = surface.open_methods.get(asked.method)
        if opened is not None:
            self._charge(None, 1)
            with reading(self._charge_read):
                return opened(ApiCall(asked.params, None, processing, self._charge_read)), None
        signed = surface.signed_methods.get(asked.method)
        if signed is not None:
            principal = self._caller(asked, signed.scope, changes=signed.scope is Scope.TRADE)
            self._charge(principal, 1)
            call = ApiCall(asked.params, principal, processing, partial(self._charge, principal))
            return self._handled(signed, call, asked.method, principal), principal
        own_methods: dict[str, Callable[[_Request], Any]] = {
            "session.logon": self._log_on,
            "session.status": lambda _: self._session_view(),
            "session.logout": self._log_out,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
            "session.subscriptions": lambda _: [{"subscriptionId": number} for number in self._streams],
        }
        own = own_methods.get(asked.method)
        self._charge(self._principal, 1)
        if own is None:
            raise BinanceError(-1020, f"Unsupported operation: there is no method {asked.method[:ID_MAX]}.")
        return own(asked), self._principal

    def _handled(self, signed: Signed, call: ApiCall, method: str, principal: Principal) -> Any:
        """What a signed method returns, as the faults that were asked for leave it. Raises ClientGone as well."""
        injector = self._surface.injector
        if not injector.active:
            return signed.handle(call)
        area: Area = "orders" if signed.scope is Scope.TRADE else "account"
        faults = call.processing.faults = injector.of_call(principal.account, method, area)
        if faults is None:
            return signed.handle(call)
        faults.before()
        result = signed.handle(call)
        faults.after()
        return result

    def _caller(self, asked: _Request, scope: Scope, *, changes: bool) -> Principal:
        """Who calls a method: by a signature, or logged on. Raises BinanceError; the attempt is counted by address."""
        try:
            if "signature" not in asked.params and "apiKey" not in asked.params and self._principal is not None:
                return allowed(self._logged_on(), scope)
            return self._surface.signing.signed_params(
                asked.params, scope, self._socket.address, asked.method, changes=changes
            )
        except BinanceError:
            self._charge(None, 1)
            raise

    def _logged_on(self) -> Principal:
        """Who is logged on, as they are now. Raises BinanceError -2015."""
        principal = None if self._principal is None else self._surface.credentials.current(self._principal)
        if principal is None:
            self._principal = self._logged_on_ms = None
            raise BinanceError(-2015, NOT_LOGGED_ON, 401)
        return principal

    def _charge(self, principal: Principal | None, units: int) -> None:
        """Count units for who calls. Raises ApiError 429."""
        if self._surface.limits is not None:
            self._surface.limits.charge_for(rate_key_of(principal), self._socket.address, units)

    def _charge_read(self, units: int) -> None:
        """Count what anybody may read. Raises ApiError 429."""
        if self._surface.limits is not None:
            self._surface.limits.charge_read_for(None, self._socket.address, units)

    def _rate_limits(self, principal: Principal | None) -> list[dict[str, Any]]:
        limits, key = self._surface.limits, rate_key_of(principal)
        found = []
        for limit in self._surface.rate_limits:
            row = msgspec.to_builtins(limit)
            if limits is not None and key is not None:
                row["count"] = max(0, limits.rate.amount - limits.window(key)[0])
            found.append(row)
        return found

    # -- the session

    def _log_on(self, asked: _Request) -> Any:
        principal = self._caller(asked, Scope.READ, changes=True)
        self._surface.signing.claim()  # who is logged on may enter orders for as long as that lasts
        if principal is not self._principal:
            self._close_streams_of_session()
        self._principal, self._logged_on_ms = principal, self._now_ms()
        return self._session_view()

    def _log_out(self, _asked: _Request) -> Any:
        self._close_streams_of_session()
        self._principal = self._logged_on_ms = None
        return self._session_view()

    def _session_view(self) -> Any:
        return {
            "apiKey": None if self._principal is None else self._principal.key_id,
            "authorizedSince": self._logged_on_ms,
            "connectedSince": self._connected_ms,
            "returnRateLimits": True,
            "serverTime": self._now_ms(),
            "userDataStream": bool(self._streams),
        }

    # -- user data

    def _subscribe(self, _asked: _Request) -> Any:
        number = self._open_stream(allowed(self._logged_on(), Scope.READ))
        self._of_session.add(number)
        return {"subscriptionId": number}

    def _subscribe_signed(self, asked: _Request) -> Any:
        principal = self._surface.signing.signed_params(
            asked.params, Scope.READ, self._socket.address, asked.method, changes=False
        )
        return {"subscriptionId": self._open_stream(principal)}

    def _open_stream(self, principal: Principal) -> int:
        if len(self._streams) >= SUBSCRIPTIONS_MAX:
            raise BinanceError(-1130, f"At most {SUBSCRIPTIONS_MAX} subscriptions on one connection.")
        number = self._next_stream
        self._next_stream += 1

        def send(event: bytes) -> None:
            frame = frame_of(b'{"subscriptionId":%d,"event":%b}' % (number, event))
            self._socket.publish(USER_DATA, frame)

        def end() -> None:
            self._streams.pop(number, None)
            self._of_session.discard(number)

        stream = self._streams[number] = UserStream(principal, send, end)
        self._surface.users.open(stream)
        self._socket.identify(principal.account)
        return number

    def _unsubscribe(self, asked: _Request) -> Any:
        written = asked.params.get("subscriptionId")
        if written is None:
            self._close_streams()
            return {}
        number = int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else -1
        if number not in self._streams:
            raise BinanceError(-1130, "Data sent for parameter 'subscriptionId' is not valid.")
        self._close_stream(number)
        return {}

    def _close_stream(self, number: int) -> None:
        stream = self._streams.pop(number, None)
        self._of_session.discard(number)
        if stream is not None:
            self._surface.users.close(stream)

    def _close_streams(self) -> None:
        for number in list(self._streams):
            self._close_stream(number)

    def _close_streams_of_session(self) -> None:
        for number in list(self._of_session):
            self._close_stream(number)

    def _now_ms(self) -> int:
        return milliseconds(self._surface.clock())

    def _environ(self) -> Environ:
        """What is logged of a request that failed."""
        return {"REQUEST_METHOD": "WS", "PATH_INFO": "/ws-api/v3", "REMOTE_ADDR": self._socket.address}


class _Unreadable(Exception):
    """A request that is none."""

    def __init__(self, request_id: Any, error: BinanceError) -> None:
        super().__init__(error.message)
        self.request_id = request_id
        self.error = error


def _read(text: str, received_at: float) -> tuple[Any, _Request]:
    """The id that the answer repeats, and the request. Raises _Unreadable."""
    try:
        body = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise _Unreadable(None, BinanceError(-1135, "Invalid JSON Request")) from None
    request_id = body.get("id") if isinstance(body, dict) else None
    if isinstance(request_id, bool) or not (
        request_id is None
        or (isinstance(request_id, int) and abs(request_id) < 2**63)
        or (isinstance(request_id, str) and len(request_id) <= ID_MAX and _is_written_as_text(text))
    ):
        raise _Unreadable(None, BinanceError(-1135, "JSON Request error: 'id' is not valid"))
    if not isinstance(body, dict) or not isinstance(body.get("method"), str):
        raise _Unreadable(request_id, BinanceError(-1135, "JSON Request error: 'method' is not valid"))
    given = body.get("params")
    if not isinstance(given, dict | None) or len(given or {}) > PARAMETERS_MAX:
        raise _Unreadable(request_id, BinanceError(-1135, "JSON Request error: 'params' is not valid"))
    params = {name: _text(value) for name, value in (given or {}).items() if value is not None}
    with_limits = params.get("returnRateLimits") != "false"
    return request_id, _Request(request_id, body["method"], params, received_at, with_limits)


def _is_written_as_text(text: str) -> bool:
    """Whether the id of a request, which was read as a text, is one, and not a number with decimals."""
    try:
        _decode_id(text)
    except msgspec.ValidationError:
        return False
    return True


def _text(value: Any) -> str:
    """A parameter as it is signed, and as a query would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _encode(value).decode() if isinstance(value, list | dict) else str(value)


def _encoded(result: Any) -> Any:
    """What a method returned, as it is put into an answer: what may be long is encoded in turns. Cooperative."""
    if isinstance(result, list):
        return msgspec.Raw(long_list_body(result))
    return msgspec.Raw(long_body(result)) if isinstance(result, msgspec.Struct) else result


def _failed(request_id: Any, error: BinanceError, now_ms: int) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.code, "msg": error.message}
    if error.data is not msgspec.UNSET:
        body["data"] = error.data
    if error.retry_after_s is not None:
        body["data"] = {"serverTime": now_ms, "retryAfter": now_ms + error.retry_after_s * 1_000}
    return {"id": request_id, "status": error.status, "error": body}
