"""What the identity store asks of its tables, and how it numbers accounts.

Layer: identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from identity.schema import API_KEYS, CHANGES, RESERVED_ACCOUNTS, SESSIONS, USERS

FIRST_ACCOUNT: Final = 1000  # the numbers below belong to the venue
ACCOUNTS_END: Final = 2**53  # no new account gets a number from here up, even where an older one has such a number
ACCOUNTS_AT_ONCE: Final = 1_000


def sessions() -> Select[Any]:
    """Every session with its user."""
    return select(
        USERS,
        SESSIONS.c.session_id,
        SESSIONS.c.refresh_hash,
        SESSIONS.c.created_ns.label("opened_ns"),
        SESSIONS.c.expires_ns,
        SESSIONS.c.revoked_ns,
        SESSIONS.c.previous_hash,
        SESSIONS.c.refreshed_ns,
        SESSIONS.c.address,
        SESSIONS.c.user_agent,
    ).join_from(SESSIONS, USERS, SESSIONS.c.user_id == USERS.c.user_id)


def live_sessions(now_ns: int) -> Select[Any]:
    """The sessions that are not over."""
    live = (SESSIONS.c.revoked_ns.is_(None), SESSIONS.c.expires_ns > now_ns, USERS.c.disabled.is_(False))
    return sessions().where(*live)


def shorten_sessions(connection: Connection, idle_ns: int, longest_ns: int) -> None:
    """Have every session that is not over end as these limits say, where it would end later. O(live sessions)."""
    used = func.coalesce(SESSIONS.c.refreshed_ns, SESSIONS.c.created_ns)
    for end in (used + idle_ns, SESSIONS.c.created_ns + longest_ns):
        later = (SESSIONS.c.revoked_ns.is_(None), SESSIONS.c.expires_ns > end)
        connection.execute(update(SESSIONS).where(*later).values(expires_ns=end))


def live_keys() -> Select[Any]:
    """The API keys that are not revoked, with their users."""
    return (
        select(
            USERS,
            API_KEYS.c.key_id,
            API_KEYS.c.label,
            API_KEYS.c.encrypted_secret,
            API_KEYS.c.scopes,
            API_KEYS.c.ip_list,
            API_KEYS.c.created_ns.label("made_ns"),
            API_KEYS.c.public_key,
        )
        .join_from(API_KEYS, USERS, API_KEYS.c.user_id == USERS.c.user_id)
        .where(API_KEYS.c.revoked_ns.is_(None), USERS.c.disabled.is_(False))
    )


def users_by_name(beginning: str, after: str, limit: int) -> Select[Any]:
    """Users in the order of their folded names, those after `after` whose name begins with `beginning`."""
    folded = USERS.c.folded_name
    rows = select(USERS).where(folded > after.lower()).order_by(folded).limit(limit)
    return rows.where(folded.startswith(beginning.lower(), autoescape=True)) if beginning else rows


def of_accounts(accounts: Sequence[int]) -> Iterator[Select[Any]]:
    """The users who have these accounts, so many in one statement as every database takes."""
    for at in range(0, len(accounts), ACCOUNTS_AT_ONCE):
        yield select(USERS).where(USERS.c.account.in_(accounts[at : at + ACCOUNTS_AT_ONCE]))


class Ended(NamedTuple):
    """The sessions and keys of a user that have ended, and the generation since."""

    sessions: list[str]
    keys: list[str]
    generation: int

    @property
    def counts(self) -> dict[str, str]:
        """How many, for the audit trail."""
        return {"sessions_ended": str(len(self.sessions)), "keys_revoked": str(len(self.keys))}


def end_all_of(
    connection: Connection, user_id: int, now_ns: int, *, except_session: str = "", keys: bool = True
) -> Ended:
    """End every session of a user but one, and API keys if `keys`. A server that runs notices it, see `CHANGES`."""
    live = (
        SESSIONS.c.user_id == user_id,
        SESSIONS.c.revoked_ns.is_(None),
        SESSIONS.c.expires_ns > now_ns,
        SESSIONS.c.session_id != except_session,
    )
    ended = update(SESSIONS).where(*live).values(revoked_ns=now_ns).returning(SESSIONS.c.session_id)
    sessions_ended = list(connection.execute(ended).scalars())
    keys_ended: list[str] = []
    if keys:
        revoked = update(API_KEYS).where(API_KEYS.c.user_id == user_id, API_KEYS.c.revoked_ns.is_(None))
        keys_ended = list(connection.execute(revoked.values(revoked_ns=now_ns).returning(API_KEYS.c.key_id)).scalars())
    grown = update(CHANGES).values(generation=CHANGES.c.generation + 1).returning(CHANGES.c.generation)
    return Ended(sessions_ended, keys_ended, int(connection.execute(grown).scalar_one()))


def note_for_other_servers(connection: Connection) -> None:
    """Have other servers on this database take in what changes in this transaction."""
    connection.execute(update(CHANGES).values(generation=CHANGES.c.generation + 1))


def next_account(connection: Connection) -> int:
    """The number for a new user: above those of all users, and none that is reserved. O(reserved above).

    Whoever else makes a user meanwhile waits until this transaction ends.
    """
    connection.execute(select(CHANGES.c.changes_id).with_for_update())  # SQLite has one writer anyhow
    users = select(func.max(USERS.c.account)).where(USERS.c.account < ACCOUNTS_END)
    account = max(FIRST_ACCOUNT, (connection.execute(users).scalar_one() or 0) + 1)
    column = RESERVED_ACCOUNTS.c.account
    for (reserved,) in connection.execute(select(column).where(column >= account).order_by(column)):
        if reserved != account:
            break
        account += 1
    return account


def reserve(connection: Connection, accounts: Iterable[int]) -> None:
    """Never give a user one of these accounts that nobody has yet. O(users + accounts)."""
    taken = select(USERS.c.account).union_all(select(RESERVED_ACCOUNTS.c.account))
    known = set(connection.execute(taken).scalars())
    rows = [{"account": account} for account in sorted(set(accounts) - known) if account >= FIRST_ACCOUNT]
    for start in range(0, len(rows), ACCOUNTS_AT_ONCE):
        connection.execute(insert(RESERVED_ACCOUNTS), rows[start : start + ACCOUNTS_AT_ONCE])
    connection.execute(update(CHANGES).where(CHANGES.c.exchange_seen.is_(False)).values(exchange_seen=True))


def of_name_or_account(name: str | None, account: int | None) -> Select[Any]:
    """The user of a name, in any case, or of an account."""
    return select(USERS).where(or_(USERS.c.folded_name == (name or "").lower(), USERS.c.account == account))
