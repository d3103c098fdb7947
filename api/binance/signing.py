"""Who signed a request of the second wire, and whether they may do it.

Signed are the bytes as they were sent, query and form one behind the other, less `signature` wherever it stands:
HMAC-SHA256 in hex or Ed25519 in base64, by the accounts' own API keys, whose scopes and addresses hold here as well.
Method and path are not signed on this wire: what was sent for one thing is refused for another
(`Credentials.of_message`).
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from api.auth.authenticator import SAFE_METHODS, Authenticator, permitted
from api.auth.credentials import AHEAD_MS_MAX, WINDOW_MS_MAX, SignedMessage
from api.auth.principals import Principal
from api.binance.errors import SENT_BEFORE, BinanceError, malformed, missing
from api.binance.requests import parameters
from api.http.browsers import KEY_HEADER
from api.http.wsgi import Environ
from api.json.errors import ApiError
from identity.users import Scope
from listings.numbers import whole_number

KEY_LENGTH_MAX: Final = 128
PARAMETERS: Final = "openbell.binance.parameters"  # in the environ: what was read of a request that is signed

WINDOW_DIGITS_MAX: Final = 20  # that are read of a window: one of more is too wide
_WHOLE_RANGE: Final = "^[0-9]{1,15}$"
_WS_API: Final = "ws-api"
_ORDER_NAME: Final = ("newClientOrderId",)
_PAIR_NAME: Final = ("listClientOrderId",)
_ONE_ORDER: Final = ("orderId", "origClientOrderId")
_ONE_PAIR: Final = ("orderListId", "listClientOrderId")
# what changes something, and the parameters of which each makes its repetition do no more than the first did
_REPEATABLE: Final = {
    "POST /api/v3/order": _ORDER_NAME,
    "POST /api/v3/order/test": _ORDER_NAME,
    "POST /api/v3/order/cancelReplace": _ORDER_NAME,
    "POST /api/v3/order/oco": _PAIR_NAME,
    "POST /api/v3/orderList/oco": _PAIR_NAME,
    "DELETE /api/v3/order": _ONE_ORDER,
    "DELETE /api/v3/orderList": _ONE_PAIR,
    f"{_WS_API} order.place": _ORDER_NAME,
    f"{_WS_API} order.test": _ORDER_NAME,
    f"{_WS_API} order.cancelReplace": _ORDER_NAME,
    f"{_WS_API} orderList.place": _PAIR_NAME,
    f"{_WS_API} orderList.place.oco": _PAIR_NAME,
    f"{_WS_API} order.cancel": _ONE_ORDER,
    f"{_WS_API} orderList.cancel": _ONE_PAIR,
}
_REFUSED: Final = "Invalid API-key, IP, or permissions for action."


class Signing:
    """Checks the signatures of one venue's second wire. For the event loop's thread; only `claim` switches."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._credentials = authenticator.credentials

    def of(self, environ: Environ, body: Callable[[], bytes]) -> Principal:
        """Who signed a request, whatever the key is for. Raises BinanceError."""
        key_id = _key_of(environ)
        query, sent = environ.get("QUERY_STRING", ""), body()
        asked = environ[PARAMETERS] = parameters(query, sent)
        message = _less_signature(query.encode("latin-1")) + _less_signature(sent)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        changes = method not in SAFE_METHODS
        return self._judged(key_id, asked, message, environ.get("REMOTE_ADDR"), f"{method} {path}", changes=changes)

    def requesting(self, scope: Scope) -> Principal:
        """Who sent the current request of Flask, with a key of `scope`. Raises BinanceError."""
        return allowed(self._authenticator.of_request(), scope)

    def signed_params(
        self, asked: Mapping[str, str], scope: Scope, address: str | None, api_method: str, *, changes: bool
    ) -> Principal:
        """The same of a request of the ws-api: signed are its parameters, as texts, in the order of their names.

        What was signed for one method is not taken for another. Raises BinanceError.
        """
        key_id = asked.get("apiKey", "")
        if not key_id or len(key_id) > KEY_LENGTH_MAX:
            raise BinanceError(-2014, "API-key format invalid.", 401)
        message = "&".join(f"{name}={asked[name]}" for name in sorted(asked) if name != "signature").encode()
        return allowed(self._judged(key_id, asked, message, address, f"{_WS_API} {api_method}", changes=changes), scope)

    def claim(self) -> None:
        """As `Authenticator.claim`. Cooperative."""
        self._authenticator.claim()

    def keyed(self, environ: Environ, scope: Scope = Scope.READ) -> Principal:
        """Whose key the header names, where no signature is asked for. Raises BinanceError -2014, -2015."""
        key_id = _key_of(environ)
        try:
            return allowed(self._credentials.of_key(key_id, environ.get("REMOTE_ADDR")), scope)
        except ApiError as refusal:
            raise BinanceError(-2015, _REFUSED, 401) from refusal

    def _judged(
        self,
        key_id: str,
        asked: Mapping[str, str],
        message: bytes,
        address: str | None,
        use: str,
        *,
        changes: bool,
    ) -> Principal:
        timestamp, window = asked.get("timestamp"), asked.get("recvWindow")
        for name, value in (("timestamp", timestamp), ("signature", asked.get("signature"))):
            if not value:
                raise missing(name)
        try:
            return self._credentials.of_message(
                SignedMessage(
                    key_id=key_id,
                    timestamp=timestamp or "",
                    window=window,
                    signature=asked["signature"],
                    message=message,
                    address=address,
                    use=use,
                    changes=changes,
                    retries=any(name in asked for name in _REPEATABLE.get(use, ())),
                )
            )
        except ApiError as refusal:
            raise _refused(refusal, timestamp or "", window) from refusal


def allowed(principal: Principal, scope: Scope) -> Principal:
    """The same, where their key is for what needs `scope`. Raises BinanceError -2015."""
    try:
        return permitted(principal, scope)
    except ApiError as refusal:
        raise BinanceError(-2015, _REFUSED, 401) from refusal


def _key_of(environ: Environ) -> str:
    key_id: str = environ.get(KEY_HEADER, "")
    if not key_id or len(key_id) > KEY_LENGTH_MAX or not key_id.isascii():
        raise BinanceError(-2014, "API-key format invalid.", 401)
    return key_id


def _less_signature(sent: bytes) -> bytes:
    """What of a query or form is signed: all of it but its signature, which may stand anywhere."""
    if b"signature=" not in sent:
        return sent
    return b"&".join(part for part in sent.split(b"&") if not part.startswith(b"signature="))


def _refused(refusal: ApiError, timestamp: str, window: str | None) -> BinanceError:
    """A refusal of the credentials as the second wire says it."""
    match refusal.code:
        case "BAD_SIGNATURE":
            return BinanceError(-1022, "Signature for this request is not valid.")
        case "SIGNATURE_REPLAYED":
            return BinanceError(*SENT_BEFORE)
        case "BAD_SIGNATURE_TIME":
            return _unreadable_time(window)
        case "TIMESTAMP_OUTSIDE_WINDOW":
            if int(timestamp) > refusal.details["server_time_ms"] + AHEAD_MS_MAX:
                sentence = f"Timestamp for this request was {AHEAD_MS_MAX}ms ahead of the server's time."
                return BinanceError(-1021, sentence)
            return BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")
    return BinanceError(-2015, _REFUSED, 401)


def _unreadable_time(window: str | None) -> BinanceError:
    """What is wrong with a time of which timestamp or window is out of bounds, or no number."""
    if window is None or (whole := whole_number(window[:WINDOW_DIGITS_MAX])) in range(1, WINDOW_MS_MAX + 1):
        return malformed("timestamp", _WHOLE_RANGE)
    if whole is not None and whole > WINDOW_MS_MAX:
        return BinanceError(-1131, f"recvWindow must be less than {WINDOW_MS_MAX}.")
    return malformed("recvWindow", _WHOLE_RANGE)
