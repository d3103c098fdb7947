"""Who a request comes from: session tokens and signed requests, checked against forgery.

Sessions and keys that are good are held in memory, so that one that is revoked is refused at once
and a request costs no database. No I/O here: `api/auth/service.py` fills and empties it.
Layer: api.auth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol

import jwt
import msgspec

from api.auth.mirrored import Identities, received_key, sent_key
from api.auth.principals import LiveKey, LiveSession, Principal
from api.auth.signatures import Seen, SeenSignatures, good_mark, verifier_of
from api.http.addresses import Network, address_of, network_of
from api.json.errors import ApiError, signature_replayed
from engine.types import AccountId
from identity.users import ALL_SCOPES, ApiKey, Scope, Session, User

ISSUER: Final = "openbell"
WINDOW_MS_DEFAULT: Final = 5_000
WINDOW_MS_MAX: Final = 60_000
AHEAD_MS_MAX: Final = 1_000  # how far a client's clock may be ahead of ours
SEEN_MS: Final = WINDOW_MS_MAX + AHEAD_MS_MAX  # the window is not signed: each is kept for the widest
TOKEN_LENGTH_MAX: Final = 2_000
READ_TOKENS_MAX: Final = 20_000  # about 600 bytes each
ABSENT_NS: Final = 5 * 10**9  # for which a session that was not found is not looked up again
NUMBER_DIGITS_MAX: Final = 15
SECOND_NS: Final = 10**9
MS_NS: Final = 10**6
MOMENT_MS: Final = 10  # within which requests come that were signed in one millisecond
FIRST_WIRE: Final = "first wire"  # what a signature was for that covers its method and path


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client signed with an API key, as it came. `body` is asked for once, when all else is good."""

    key_id: str
    timestamp: str
    window: str | None
    signature: str
    method: str
    target: str  # path?query
    body: Callable[[], bytes]
    address: str | None
    changes: bool = True  # whether it may change something


class SignedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose bytes are signed without its method and path, as on the second wire; as it came."""

    key_id: str
    timestamp: str
    window: str | None
    signature: str
    message: bytes
    address: str | None
    use: str  # method and path: what the bytes were for
    changes: bool  # whether it may change something
    retries: bool  # whether the same request once more does what it did, and no more


class SignedElsewhere(Protocol):
    """What knows which signatures came to any server of the same records, where there are several."""

    def begin(self, signed_ms: int, signature: bytes) -> bool:
        """This greenlet carries out a signed request that changes something; whether that is new, as far as is known.

        `signature`: what tells it from all others. It goes with what the greenlet submits, where that is judged.
        """

    def end(self) -> None:
        """It does so no more. O(1)."""

    def claim(self) -> None:
        """Have it known before anything is done. Cooperative. Raises NotAccepting and OutcomeUnknown."""


class _Claims(msgspec.Struct, frozen=True):
    """What of a token's claims is used; who its user is now is known by the session."""

    session_id: str = msgspec.field(name="sid")
    user_id: str = msgspec.field(name="sub")
    expires: int = msgspec.field(name="exp")


class Good(NamedTuple):
    """The sessions and keys that are good, by their ids."""

    sessions: dict[str, LiveSession]
    keys: dict[str, LiveKey]


def good_ones(sessions: Iterable[Session], keys: Iterable[tuple[ApiKey, bytes]]) -> Good:
    """All of these, for `Credentials.admit_only`. O(all), about 10 us each: in a thread where others wait."""
    return Good(
        {session.session_id: _live_session(session) for session in sessions},
        {key.key_id: _live_key(key, secret) for key, secret in keys},
    )


class Credentials:
    """The sessions and keys that are good now. For the event loop's thread.

    Nothing here switches, but for `of_token` where sessions are looked up elsewhere.
    """

    def __init__(
        self,
        token_key: bytes,
        token_seconds: int,
        clock: Callable[[], int] = time.time_ns,
        seen: Seen | None = None,
        not_before_ms: int | None = None,
    ) -> None:
        """`token_key` signs tokens that are good for `token_seconds`.

        `seen`: the signatures that came before, of all processes, where there are several; it began at `not_before_ms`.
        """
        self._token_key = token_key
        self._token_seconds = token_seconds
        self._clock = clock
        self._sessions: dict[str, LiveSession] = {}
        self._keys: dict[str, LiveKey] = {}
        self._read_tokens: dict[str, _Claims] = {}  # tokens whose seal was good: checking one again costs 50 us
        self._listeners: list[Callable[[], None]] = []
        self._mirrors: list[Callable[[Identities], object]] = []
        self._find_session: Callable[[str], Session | None] | None = None
        self._absent: dict[str, int] = {}  # sessions that were not found, and until when that is believed, epoch ns
        self._seen = seen or SeenSignatures(SEEN_MS)
        self.elsewhere: SignedElsewhere | None = None  # None: no server besides this one has the same records
        # signatures seen before the start are unknown, so requests that may be that old are refused
        self.not_before_ms = clock() // MS_NS + AHEAD_MS_MAX if not_before_ms is None else not_before_ms

    @property
    def session_count(self) -> int:
        """How many sessions have not ended, as far as is known."""
        return len(self._sessions)

    def listen(self, revoked: Callable[[], None]) -> None:
        """Have `revoked()` called whenever sessions or keys have ended."""
        self._listeners.append(revoked)

    def find_elsewhere(self, find: Callable[[str], Session | None]) -> None:
        """Have a session that is not known, or is over as far as is known, looked up by `find`, which may switch.

        For servers that share their users: another may have opened or prolonged it. Only who has a token of ours
        causes it, and for each session at most once in `ABSENT_NS` in vain.
        """
        self._find_session = find

    def mirror(self, on_change: Callable[[Identities], object]) -> None:
        """Have `on_change` called with each change, for others who hold the same; it must not wait."""
        self._mirrors.append(on_change)

    def all_good(self) -> Identities:
        """Everything that is good now. O(sessions + keys)."""
        return Identities(True, list(self._sessions.values()), list(map(sent_key, self._keys.values())))

    def owner_of(self, key_id: str) -> Principal | None:
        """Who signs with a key that is good; None for another."""
        live = self._keys.get(key_id)
        return None if live is None else live.principal

    def take(self, change: Identities) -> None:
        """Go by a change of whoever is mirrored here. O(changes), of all of them O(feed clients)."""
        sessions = {live.principal.session_id or "": live for live in change.sessions}
        keys = {sent.principal.key_id or "": received_key(sent) for sent in change.keys}
        if change.only:
            self.admit_only(Good(sessions, keys))
            return
        self._sessions.update(sessions)
        self._keys.update(keys)
        self.drop(change.ended_sessions, change.ended_keys)

    def _changed(self, change: Identities) -> None:
        for on_change in self._mirrors:
            on_change(change)

    # -- what is good

    def admit_session(self, session: Session) -> None:
        """A session is good from now on, or has changed."""
        live = self._sessions[session.session_id] = _live_session(session)
        self._changed(Identities(sessions=[live]))

    def admit_key(self, key: ApiKey, secret: bytes) -> None:
        """A key is good from now on."""
        live = self._keys[key.key_id] = _live_key(key, secret)
        self._changed(Identities(keys=[sent_key(live)]))

    def admit_only(self, good: Good) -> None:
        """These sessions and keys, with their users as they are now, are good and no others. O(feed clients)."""
        self._sessions, self._keys = good
        if self._mirrors:
            self._changed(self.all_good())
        self._call_revoked()

    def user_of(self, account: AccountId) -> User | None:
        """Who has this account, if they are signed in or have a key. O(sessions + keys)."""
        principals = [live.principal for live in self._sessions.values()]
        principals += [live.principal for live in self._keys.values()]
        return next((principal.user for principal in principals if principal.account == account), None)

    def drop_session(self, session_id: str) -> None:
        """A session is over, and with it every token of it."""
        self._changed(Identities(ended_sessions=[session_id]))
        if self._sessions.pop(session_id, None) is not None:
            self._call_revoked()

    def drop_key(self, key_id: str) -> None:
        """A key is revoked."""
        self._changed(Identities(ended_keys=[key_id]))
        if self._keys.pop(key_id, None) is not None:
            self._call_revoked()

    def drop(self, session_ids: Iterable[str], key_ids: Iterable[str]) -> None:
        """All these sessions and keys are over at once."""
        ended_sessions, ended_keys = list(session_ids), list(key_ids)
        self._changed(Identities(ended_sessions=ended_sessions, ended_keys=ended_keys))
        dropped = [self._sessions.pop(session_id, None) for session_id in ended_sessions]
        revoked = [self._keys.pop(key_id, None) for key_id in ended_keys]
        if any(dropped) or any(revoked):
            self._call_revoked()

    def drop_expired(self) -> None:
        """Forget the sessions whose time is up. O(sessions)."""
        now = self._clock()
        over = [session_id for session_id, live in self._sessions.items() if live.expires_ns <= now]
        for session_id in over:
            del self._sessions[session_id]
        if over:
            self._call_revoked()

    def current(self, principal: Principal) -> Principal | None:
        """`principal` as they are now; None when their session or key has ended meanwhile."""
        if principal.key_id is not None:
            key = self._keys.get(principal.key_id)
            return None if key is None else key.principal
        if principal.session_id is not None:
            live = self._sessions.get(principal.session_id)
            return None if live is None or live.expires_ns <= self._clock() else live.principal
        return principal

    def _call_revoked(self) -> None:
        for listener in self._listeners:
            listener()

    # -- tokens

    def issue(self, session_id: str) -> tuple[str, int]:
        """A token of a good session, and the epoch second from which it is bad. Raises KeyError."""
        principal = self._sessions[session_id].principal
        now = self._clock() // SECOND_NS
        expires = now + self._token_seconds
        claims = {
            "iss": ISSUER,
            "sub": str(principal.user_id),
            "sid": session_id,
            "account": str(principal.account),
            "role": principal.role.value,
            "iat": now,
            "exp": expires,
        }
        return jwt.encode(claims, self._token_key, algorithm="HS256"), expires

    def of_token(self, token: str) -> Principal:
        """Whose token it is. Raises ApiError 401."""
        claims = self._read_tokens.get(token) or self._read(token)
        now = self._clock()
        if claims.expires * SECOND_NS <= now:
            raise ApiError(401, "TOKEN_EXPIRED", "The token has expired; POST /auth/refresh gives a new one.")
        live = self._sessions.get(claims.session_id)
        if self._find_session is not None and (live is None or live.expires_ns <= now):
            live = self._found(claims.session_id, now, self._find_session)
        if live is None or live.expires_ns <= now or str(live.principal.user_id) != claims.user_id:
            raise ApiError(401, "SESSION_ENDED", "The session is over; sign in again.")
        return live.principal

    def _found(self, session_id: str, now_ns: int, find: Callable[[str], Session | None]) -> LiveSession | None:
        """A session that another server has opened or prolonged; None: there is none."""
        if self._absent.get(session_id, 0) > now_ns:
            return None
        session = find(session_id)
        if session is not None:
            self.admit_session(session)
            return self._sessions.get(session_id)
        if len(self._absent) >= READ_TOKENS_MAX:
            self._absent.clear()
        self._absent[session_id] = now_ns + ABSENT_NS
        return None

    def _read(self, token: str) -> _Claims:
        """What a token says, once its seal is found good; the next time it is looked up."""
        # the time is compared with our own clock, which tests can set
        options: Any = {"require": ["exp", "iat", "iss", "sid", "sub"], "verify_exp": False, "verify_iat": False}
        try:
            if len(token) > TOKEN_LENGTH_MAX:
                raise jwt.InvalidTokenError("too long")
            claims = msgspec.convert(
                jwt.decode(token, self._token_key, algorithms=["HS256"], issuer=ISSUER, options=options), _Claims
            )
        except (jwt.InvalidTokenError, ValueError) as problem:
            raise ApiError(401, "BAD_TOKEN", "The token is not one of ours.") from problem
        if len(self._read_tokens) >= READ_TOKENS_MAX:
            self._read_tokens.clear()
        self._read_tokens[token] = claims
        return claims

    # -- signatures

    def of_signature(self, asked: SignedRequest) -> Principal:
        """Whose key signed it: once, in time, from an address it may come from. Raises ApiError 401 or 403."""
        live = self._keys.get(asked.key_id)
        if live is None:
            raise ApiError(401, "UNKNOWN_KEY", "There is no such API key, or it is revoked.")
        now_ms = self._require_in_time(asked.timestamp, asked.window)
        signed = "\n".join((asked.timestamp, asked.method, asked.target, "")).encode("utf-8", "surrogateescape")
        mark = good_mark(live.verifier, signed + asked.body(), asked.signature)
        if mark is None:
            raise ApiError(
                401,
                "BAD_SIGNATURE",
                "The signature does not fit. Sign timestamp, method, path with query, and the body as sent, "
                "separated by newlines, with HMAC-SHA256, in hex, or with Ed25519, in base64, as the key was made.",
            )
        _require_address(live, asked.address)
        if self._seen.note(mark, FIRST_WIRE, now_ms) is not None:
            raise signature_replayed()
        if asked.changes and self._came_elsewhere(asked.timestamp, mark):
            raise signature_replayed()
        return live.principal

    def of_message(self, asked: SignedMessage) -> Principal:
        """Whose key signed it: in time, from an address it may come from. Raises ApiError 401 or 403.

        What is signed does not say what it was for. So a request that may change something is refused where its bytes
        came before: for the same, unless a repetition does no more than the first did, or for anything else, unless it
        comes at the same moment, as two requests do that a client signs in one millisecond.
        """
        now_ms = self._require_in_time(asked.timestamp, asked.window, changes=asked.changes)
        live = self._keys.get(asked.key_id)
        mark = None
        if b"\n" not in asked.message:  # as every message of the first wire has: no signature is good on both
            mark = good_mark(None if live is None else live.verifier, asked.message, asked.signature)
        if mark is None or live is None:
            raise ApiError(401, "BAD_SIGNATURE", "The signature does not fit, or there is no such API key.")
        _require_address(live, asked.address)
        if self._is_replayed(mark, asked, now_ms):
            raise signature_replayed()
        # whatever it was for there: nobody at another node can say that it was at the same moment
        if asked.changes and not asked.retries and self._came_elsewhere(asked.timestamp, mark):
            raise signature_replayed()
        return live.principal

    def _is_replayed(self, mark: bytes, asked: SignedMessage, now_ms: int) -> bool:
        """Whether a good message came before and must not have come again."""
        first = self._seen.note(mark, asked.use, now_ms)
        if first is None or not asked.changes:
            return False
        use, came_ms = first
        if use != asked.use:
            if now_ms - came_ms > MOMENT_MS:
                return True
            first = self._seen.note(mark + asked.use.encode(), asked.use, now_ms)
        return first is not None and not asked.retries

    def _came_elsewhere(self, timestamp: str, mark: bytes) -> bool:
        """Whether the records have a signature; where they do not, they will with what this greenlet submits."""
        return self.elsewhere is not None and not self.elsewhere.begin(int(timestamp), mark)

    def of_key(self, key_id: str, address: str | None) -> Principal:
        """Whose key it is, where nothing is signed. Raises ApiError 401 or 403."""
        live = self._keys.get(key_id)
        if live is None:
            raise ApiError(401, "UNKNOWN_KEY", "There is no such API key, or it is revoked.")
        _require_address(live, address)
        return live.principal

    def _require_in_time(self, written: str, wanted_window: str | None, *, changes: bool = True) -> int:
        """The epoch millisecond of now. What changes nothing may be from before the start.

        Raises ApiError 401 for a time that is none, or no time of now.
        """
        timestamp, window = _whole(written), WINDOW_MS_DEFAULT
        if wanted_window is not None:
            window = _whole(wanted_window)
        if timestamp < 0 or not 0 < window <= WINDOW_MS_MAX:
            raise ApiError(
                401,
                "BAD_SIGNATURE_TIME",
                f"The timestamp and the window are whole milliseconds, the window at most {WINDOW_MS_MAX}.",
            )
        now = self._clock() // MS_NS
        too_old = timestamp < now - window or (changes and timestamp <= self.not_before_ms)
        if too_old or timestamp > now + AHEAD_MS_MAX:
            raise ApiError(
                401,
                "TIMESTAMP_OUTSIDE_WINDOW",
                "The timestamp is too old or in the future, or from before the server's start.",
                {"server_time_ms": now},
            )
        return now


def _live_session(session: Session) -> LiveSession:
    return LiveSession(_principal(session.user, session_id=session.session_id), session.expires_ns)


def _live_key(key: ApiKey, secret: bytes) -> LiveKey:
    networks = tuple(map(network_of, key.ip_list))
    principal = _principal(key.user, scopes=key.scopes, key_id=key.key_id)
    return LiveKey(principal, verifier_of(secret, key.public_key), networks)


def _principal(
    user: User, *, scopes: frozenset[Scope] = ALL_SCOPES, session_id: str | None = None, key_id: str | None = None
) -> Principal:
    return Principal(
        user_id=user.user_id,
        name=user.name,
        account=user.account,
        role=user.role,
        scopes=scopes,
        session_id=session_id,
        key_id=key_id,
        user=user,
    )


def _whole(text: str) -> int:
    """A whole number as written; -1 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX else -1


def _require_address(live: LiveKey, address: str | None) -> None:
    if live.networks and not _within(address, live.networks):
        raise ApiError(403, "ADDRESS_NOT_ALLOWED", "This key may not be used from your address.")


def _within(address: str | None, networks: tuple[Network, ...]) -> bool:
    try:
        client = address_of(address or "")
    except ValueError:
        return False
    return any(client in network for network in networks)
