"""Who asks, and whether they may: for REST by the headers of each request, for the feed since connecting.

In the sandbox profile a request without credentials is the built-in account; one with bad credentials is
refused in every profile, and never taken for it. In the secured profile every route that is not known to be
public needs credentials.
Layer: api.auth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from flask import Flask, current_app, g, request
from msgspec import Meta
from werkzeug.exceptions import RequestEntityTooLarge

from api.auth.credentials import Credentials, SignedRequest
from api.auth.principals import Principal
from api.http.front.environ import TARGET
from api.http.wsgi import Environ
from api.json.errors import ApiError, as_error
from api.json.requests import Request, converted
from engine.types import SANDBOX_ACCOUNT, AccountId
from identity.users import Role, Scope
from sequencer.port import NotAccepting, OutcomeUnknown

SANDBOX: Final = Principal(user_id=0, name="sandbox", account=SANDBOX_ACCOUNT, role=Role.TRADER)
FEED_METHOD: Final = "CONNECT"  # what a Socket.IO client signs as its method
FEED_TARGET: Final = "/market"  # and as its path
SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
# Public for safe methods only. Who reads the figures of `metrics` it judges by itself: by a token that is no user's.
PUBLIC_BLUEPRINTS: Final = ("market", "candles", "pages", "docs", "metrics", "binance_market")
# whose changes are commands alone: the first of them says by which signature it came, and nothing is done before it
SUBMITTING_BLUEPRINTS: Final = ("orders", "accounts")
PUBLIC_ENDPOINTS: Final = ("auth.signup", "auth.login", "auth.guest", "auth.refresh", "nodes.node")
_SIGNED: Final = ("HTTP_X_OPENBELL_SIGNATURE", "HTTP_X_OPENBELL_TIMESTAMP", "HTTP_X_OPENBELL_WINDOW")
_EXTENSION: Final = "openbell-authenticator"


Wire = Callable[[Environ, Callable[[], bytes]], Principal]  # the environ and what gives the body -> who asks


class WireRefusal(Exception):
    """The base of what a wire other than the first raises where it refuses a request."""


class FeedAuth(Request, frozen=True, kw_only=True):
    """Socket.IO's `auth`: who connects, and what else is said at connect, which the feed reads."""

    token: str | None = None
    key: str | None = None
    timestamp: str | int | None = None
    window: str | int | None = None
    signature: str | None = None
    flow: Literal["simulated", "replay"] | None = None  # the kind of flow that the client is a source of
    seed: Annotated[int, Meta(ge=0, le=2**53)] | None = None  # of that flow, and what makes it: with `flow` alone
    strategy: Annotated[str, Meta(pattern=r"\A[\w.:*, -]{1,100}\Z")] | None = None
    cancel_on_disconnect: bool | None = None


class Authenticator:
    """Knows who sends each request and feed message, by its credentials."""

    def __init__(self, credentials: Credentials, *, sandbox: bool) -> None:
        """`sandbox`: whoever shows no credentials is the built-in account."""
        self.credentials = credentials
        self._nobody = SANDBOX if sandbox else None
        self._connected: dict[str, Principal] = {}  # feed clients that showed credentials, by session id
        self._disconnect: Callable[[str], None] | None = None
        self._wires: dict[str | None, Wire] = {}
        credentials.listen(self._end_connections)

    @property
    def anonymous_account(self) -> AccountId | None:
        """Whose requests those are that show no credentials; None where they are refused."""
        return None if self._nobody is None else self._nobody.account

    def on_revoked(self, disconnect: Callable[[str], None]) -> None:
        """Have `disconnect(sid)` called for each feed client whose session or key has ended."""
        self._disconnect = disconnect

    def on_wire(self, blueprint: str, of: Wire) -> None:
        """Have `of` know who sends the requests of a blueprint, whose clients show credentials in a way of their own.

        It raises whatever the answer to a refusal is made of.
        """
        self._wires[blueprint] = of

    def has_wire(self, blueprint: str | None) -> bool:
        """Whether a blueprint's requests are signed for another wire, and each of them must be."""
        return blueprint in self._wires

    def of(self, environ: Environ, body: Callable[[], bytes]) -> Principal:
        """Who sent a request; `body` gives its body, which a signature is over. Raises ApiError 401 or 403.

        To be asked once: a signature that comes again is refused.
        """
        bearer, key = environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_X_OPENBELL_KEY")
        if bearer is None and key is None:
            if not environ.keys().isdisjoint(_SIGNED):
                raise _keyless()
            return self._anonymous()
        return self._shown(environ, bearer, key, body)

    def of_request(self) -> Principal:
        """Who sent the current request of Flask. Raises ApiError 401 or 403."""
        if "openbell_principal" not in g:
            known_by = self._wires.get(request.blueprint, self.of)
            g.openbell_principal = known_by(request.environ, request.get_data)
            g.openbell_account = account_shown(g.openbell_principal)  # for the log
        principal: Principal = g.openbell_principal
        return principal

    def shown(self) -> Principal | None:
        """Who sent the current request by good credentials; None for anybody else."""
        try:
            principal = self.of_request()
        except (ApiError, WireRefusal, RequestEntityTooLarge):  # of what is signed, the body is read
            return None
        return None if principal is SANDBOX else principal

    def rate_key(self) -> str | None:
        """Whose requests the rate limits count together: the account of good credentials; None of anybody else."""
        return rate_key_of(self.shown())

    def rate_key_of_client(self, sid: str) -> str | None:
        """As `rate_key`, of a feed client."""
        try:
            return rate_key_of(self.of_client(sid))
        except ApiError:
            return None

    def account_of_client(self, sid: str) -> AccountId | None:
        """The account of a feed client; None of one that has none."""
        try:
            return self.of_client(sid).account
        except ApiError:
            return None

    def connect(self, sid: str, auth: Any, address: str | None) -> FeedAuth:
        """Remember who a feed client is, by the `auth` that it connects with, and return what it said there.

        Raises ApiError when that is bad.

        Everybody sees the label of a source of flow, so that only operators give it to a venue that knows who they are.
        """
        shown = converted({} if auth is None else auth, FeedAuth)
        if shown.flow is None and (shown.seed is not None or shown.strategy is not None):
            raise ApiError(400, "INVALID_VALUE", "seed and strategy are of a flow: say which kind.", {"field": "flow"})
        principal = self._connecting(shown, address)
        if shown.flow is not None and self._nobody is None and (principal or self._anonymous()).role != Role.OPERATOR:
            raise ApiError(403, "OPERATOR_NEEDED", "Only operators may declare a source of flow here.")
        if principal is not None:
            self._connected[sid] = principal
        return shown

    def _connecting(self, shown: FeedAuth, address: str | None) -> Principal | None:
        """Who connects; None without credentials. Raises ApiError."""
        if shown.token is not None and shown.key is not None:
            raise _ambiguous()
        if shown.token is not None:
            return self.credentials.of_token(shown.token)
        if shown.key is not None:
            asked = SignedRequest(
                key_id=shown.key,
                timestamp=str(shown.timestamp),
                window=None if shown.window is None else str(shown.window),
                signature=shown.signature or "",
                method=FEED_METHOD,
                target=FEED_TARGET,
                body=bytes,
                address=address,
            )
            try:
                principal = self.credentials.of_signature(asked)
                self.claim()  # who is connected may enter orders for as long as that lasts
            finally:
                self.answered()
            return principal
        if (shown.timestamp, shown.window, shown.signature) != (None, None, None):
            raise _keyless()
        return None

    def claim(self) -> None:
        """Have the signature of what is carried out just now known wherever it may come again. Cooperative.

        Raises ApiError 401 where it came before, and 503 or 504 where nobody can say so.
        """
        if self.credentials.elsewhere is not None:
            try:
                self.credentials.elsewhere.claim()
            except (NotAccepting, OutcomeUnknown) as problem:
                raise as_error(problem) from problem

    def answered(self) -> None:
        """What this greenlet does from now on is of no signed request any more."""
        if self.credentials.elsewhere is not None:
            self.credentials.elsewhere.end()

    def forget(self, sid: str) -> None:
        """Forget a feed client that has disconnected."""
        self._connected.pop(sid, None)

    def of_client(self, sid: str) -> Principal:
        """Who a feed client is. Raises ApiError 401."""
        principal = self._connected.get(sid)
        if principal is None:
            return self._anonymous()
        current = self.credentials.current(principal)
        if current is None:
            raise ApiError(401, "SESSION_ENDED", "The session or key is over; connect again.")
        return current

    def _anonymous(self) -> Principal:
        if self._nobody is None:
            raise ApiError(401, "UNAUTHENTICATED", "Sign in, or sign the request with an API key.")
        return self._nobody

    def _shown(self, environ: Environ, bearer: str | None, key: str | None, body: Callable[[], bytes]) -> Principal:
        if bearer is None:
            return self.credentials.of_signature(
                SignedRequest(
                    key_id=key or "",
                    timestamp=environ.get("HTTP_X_OPENBELL_TIMESTAMP", ""),
                    window=environ.get("HTTP_X_OPENBELL_WINDOW"),
                    signature=environ.get("HTTP_X_OPENBELL_SIGNATURE", ""),
                    method=environ["REQUEST_METHOD"],
                    target=_target(environ),
                    body=body,
                    address=environ.get("REMOTE_ADDR"),
                    changes=environ["REQUEST_METHOD"] not in SAFE_METHODS,
                )
            )
        if key is not None:
            raise _ambiguous()
        scheme, _, token = bearer.partition(" ")
        if scheme.lower() != "bearer":
            raise ApiError(401, "BAD_TOKEN", "Write the token as: Authorization: Bearer TOKEN.")
        return self.credentials.of_token(token.strip())

    def _end_connections(self) -> None:
        for sid, principal in list(self._connected.items()):
            if self.credentials.current(principal) is None and self._disconnect is not None:
                self._disconnect(sid)


def install(app: Flask, authenticator: Authenticator, *, secured: bool) -> None:
    """Have the handlers of `app` know who asks; `secured`: what is not public needs credentials."""
    app.extensions[_EXTENSION] = authenticator

    @app.before_request
    def judge_credentials() -> None:
        """Before any handler reads the body, which a signature is over."""
        environ = request.environ
        shown = "HTTP_AUTHORIZATION" in environ or "HTTP_X_OPENBELL_KEY" in environ
        if not (secured or shown or authenticator.has_wire(request.blueprint)):
            return
        if environ["REQUEST_METHOD"] != "OPTIONS" and request.endpoint is not None and not _is_public():
            authenticator.of_request()

    @app.teardown_request
    def forget_the_signature(_problem: BaseException | None) -> None:
        authenticator.answered()


def requesting_principal(scope: Scope | None = None) -> Principal:
    """Who sent the current request, and may do so. Raises ApiError 401 or 403.

    Without `scope` a request that cannot change anything needs `read`, and others need `trade`. Of one that is signed
    and changes what is not in the records, the records are to know first. Cooperative where that is so.
    """
    authenticator: Authenticator = current_app.extensions[_EXTENSION]
    changes = request.method not in SAFE_METHODS
    principal = permitted(authenticator.of_request(), scope or (Scope.TRADE if changes else Scope.READ))
    if changes and request.blueprint not in SUBMITTING_BLUEPRINTS:
        authenticator.claim()
    return principal


def permitted(principal: Principal, scope: Scope) -> Principal:
    """The same, where they may do what needs `scope`. Raises ApiError 403."""
    if principal.key_id is not None and scope not in principal.scopes:
        raise ApiError(403, "SCOPE_MISSING", f"This needs a key with the scope {scope}.", {"scope": scope.value})
    return principal


def account_shown(principal: Principal | None) -> AccountId | None:
    """The account of good credentials; None for anybody else."""
    return None if principal is None or principal is SANDBOX else principal.account


def rate_key_of(principal: Principal | None) -> str | None:
    """Whose requests the rate limits count together, where credentials were good; else they are counted by address."""
    account = account_shown(principal)
    return None if account is None else f"account {account}"


def requesting_account(scope: Scope | None = None) -> AccountId:
    """The account of the current request. Raises as `requesting_principal`."""
    return requesting_principal(scope).account


def signed_in() -> Principal:
    """Who sent the current request, with the token of a session. Raises ApiError 401 or 403."""
    authenticator: Authenticator = current_app.extensions[_EXTENSION]
    principal = authenticator.of_request()
    if principal.key_id is not None:
        raise ApiError(403, "SESSION_NEEDED", "An API key may not do this; sign in.")
    if principal.session_id is None:
        raise ApiError(401, "UNAUTHENTICATED", "Sign in first.")
    return principal


def requesting_operator() -> Principal:
    """Who sent the current request, an operator. Raises ApiError 401 or 403."""
    return _operator(requesting_principal())


def signed_in_operator() -> Principal:
    """Who sent the current request, an operator with the token of a session. Raises ApiError 401 or 403."""
    return _operator(signed_in())


def _operator(principal: Principal) -> Principal:
    if principal.role is not Role.OPERATOR:
        raise ApiError(403, "OPERATOR_NEEDED", "Only operators may do this.")
    return principal


def _is_public() -> bool:
    if request.blueprint in PUBLIC_BLUEPRINTS:
        return request.method in SAFE_METHODS
    return request.endpoint in PUBLIC_ENDPOINTS


def _target(environ: Environ) -> str:
    """Path and query exactly as they came."""
    sent: str = environ[TARGET]
    return sent


def _ambiguous() -> ApiError:
    return ApiError(401, "AMBIGUOUS_CREDENTIALS", "Show a token or a signature, not both.")


def _keyless() -> ApiError:
    return ApiError(401, "UNKNOWN_KEY", "The request is signed, but does not say with which API key.")
