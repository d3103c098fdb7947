"""Users by the dozen, for a class: made with their money and tier, each with a password or an API key.

What is asked again changes nothing: a user that there is gets no other password, an asset that was deposited up to the
amount is not deposited again. So who lost an answer asks again, and resets the passwords that were lost with it.
Layer: api.operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from api.accounts.requests import ASSETS_MAX, Asset
from api.accounts.reset import amount_of
from api.auth.principals import Principal
from api.auth.requests import Name
from api.auth.service import AuthService
from api.json.errors import ApiError, rejected
from api.json.requests import Request
from api.operator.user_service import UserService
from engine.commands import Command, ConfigureAccount, Deposit
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import AccountId
from identity.users import Role, Scope, User
from listings.numbers import Number
from listings.texts import IdText
from sequencer.port import Sequencing

USERS_MAX: Final = 20  # in one request: each password takes a tenth of a second to hash
KEY_LABEL: Final = "class"


class ClassUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One user who is to be."""

    name: Name
    tier: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    balances: Annotated[dict[Asset, Number], Meta(max_length=ASSETS_MAX)] = {}


class ClassRequest(Request, frozen=True, kw_only=True):
    """POST /admin/users."""

    users: Annotated[list[ClassUser], Meta(min_length=1, max_length=USERS_MAX)]
    credentials: Literal["password", "key"] = "password"  # a key: of the scopes read and trade


class ClassUserMade(msgspec.Struct, frozen=True, kw_only=True):
    """One of them; the only time that a password or secret is told."""

    name: str
    account: IdText
    created: bool  # false: there was one of that name, who keeps their credentials
    password: str | None = None
    key_id: str | None = None
    secret: str | None = None


class ClassMade(msgspec.Struct, frozen=True):
    """POST /admin/users."""

    users: list[ClassUserMade]  # in the order that was asked for


class ClassAccounts:
    """Makes the users of one venue. For the event loop's thread; cooperative."""

    def __init__(self, users: UserService, auth: AuthService, exchange: Exchange, sequencer: Sequencing) -> None:
        self._users = users
        self._auth = auth
        self._exchange = exchange
        self._sequencer = sequencer

    def make(self, wanted: ClassRequest, operator: Principal) -> ClassMade:
        """Make those that there are not, and give each what they have not got. Raises ApiError, NotAccepting.

        What is wrong with the request is found before anything is made.
        """
        self._require_right(wanted.users)
        made: list[ClassUserMade] = []
        for one in wanted.users:
            user, credentials = self._user(one, wanted.credentials, operator)
            seq = self._fund(user.account, one)
            if credentials is not None or seq is not None:
                details = {asset: f"{amount:f}" for asset, amount in sorted(one.balances.items())}
                self._auth.record(operator, "class_account", user.name, {"account": str(user.account), **details}, seq)
            made.append(credentials or ClassUserMade(name=user.name, account=str(user.account), created=False))
        return ClassMade(made)

    def _require_right(self, users: Sequence[ClassUser]) -> None:
        """Raise ApiError for what would be refused later. Names each once, amounts that the ledger reads."""
        folded = [one.name.lower() for one in users]
        twice = next((one.name for one in users if folded.count(one.name.lower()) > 1), None)
        if twice is not None:
            raise ApiError(400, "INVALID_VALUE", f"{twice} is named twice.", {"field": "users"})
        ledger = self._exchange.ledger
        for one in users:
            for asset, amount in one.balances.items():
                if asset not in ledger.scales:
                    sentence = f"{one.name}: there is no asset {asset}; GET /symbols lists what is traded."
                    raise rejected(RejectReason.UNKNOWN_ASSET, None, message=sentence, asset=asset, name=one.name)
                if amount and ledger.amount(asset, amount_of(Decimal(amount))) is None:
                    sentence = f"{one.name}: {amount} {asset} is finer than the smallest unit of {asset}, or too much."
                    raise rejected(RejectReason.BAD_AMOUNT, None, message=sentence, asset=asset, name=one.name)

    def _user(self, wanted: ClassUser, credentials: str, operator: Principal) -> tuple[User, ClassUserMade | None]:
        """The user, and their credentials where they are new. Raises ApiError 409 for an operator's name."""
        user = self._users.find(wanted.name)
        if user is None:
            user, password = self._users.create(wanted.name, operator)
            made = ClassUserMade(name=user.name, account=str(user.account), created=True)
            if credentials == "password":
                return user, msgspec.structs.replace(made, password=password)
            key = self._auth.create_key(user, KEY_LABEL, (Scope.READ, Scope.TRADE), ())
            return user, msgspec.structs.replace(made, key_id=key.key_id, secret=key.secret)
        if user.role is Role.OPERATOR:
            raise ApiError(409, "OPERATOR_NAME", f"{user.name} is an operator; give the trader another name.")
        return user, None

    def _fund(self, account: AccountId, wanted: ClassUser) -> int | None:
        """Deposit what was not, and set the tier; the seq of the last command, None where there is nothing to do."""
        owned = self._exchange.ledger.accounts.get(account, {})
        known = self._exchange.accounts.get(account)
        commands: list[Command] = [
            Deposit(account, asset, amount_of(amount), limit=amount_of(amount))
            for asset, amount in sorted(wanted.balances.items())
            if amount and (asset not in owned or not owned[asset].deposited)
        ]
        if wanted.tier is not None and (known is None or known.configuration.tier != wanted.tier):
            commands.append(ConfigureAccount(account, wanted.tier))
        return self._sequencer.submit_all(commands)[-1].seq if commands else None
