"""The operators' routes of users. They need a session: an API key that leaks must not appoint operators.

Layer: api.operator.
"""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Blueprint, Response, request
from msgspec import Meta

from api.auth.authenticator import signed_in_operator
from api.auth.requests import Success, key_view, session_view, user_view
from api.http.documented import Access, documented
from api.http.responses import answer
from api.json.requests import decoded
from api.operator.class_accounts import ClassAccounts, ClassMade, ClassRequest
from api.operator.user_service import UserService
from api.operator.views import AnyUser, PasswordReset, UserChanged

UserName = Annotated[str, Meta(max_length=32)]
Action = Literal["disable", "enable", "promote", "demote", "revoke", "reset_totp"]


def add_users(routes: Blueprint, users: UserService, class_accounts: ClassAccounts) -> None:
    """Add them to the routes of operators."""

    @routes.post("/users")
    @documented(Access.OPERATOR_SESSION, ClassMade, body=ClassRequest, errors=(404, 409, 422, 503))
    def make_users() -> Response:
        """Make users with their money, whose credentials are told this once; asked again it changes nothing."""
        operator = signed_in_operator()
        return answer(class_accounts.make(decoded(request.get_data(cache=False), ClassRequest), operator))

    @routes.get("/users/<name>")
    @documented(Access.OPERATOR_SESSION, AnyUser, errors=(404, 503))
    def show_user(name: UserName) -> Response:
        """A user, where they are signed in, and their API keys."""
        operator = signed_in_operator()
        user, sessions, keys = users.of(name)
        listed = [session_view(item, operator.session_id) for item in sessions]
        return answer(AnyUser(user_view(user), listed, [key_view(key) for key in keys]))

    @routes.post("/users/<name>/<any(disable, enable, promote, demote, revoke, reset_totp):action>")
    @documented(Access.OPERATOR_SESSION, UserChanged, errors=(404, 409, 503))
    def change_user(name: UserName, action: Action) -> Response:
        """Keep a user from signing in, let them again, make them an operator or a trader, end all, ask for no codes.

        Their sessions and API keys end, whatever it is; the last operator cannot be disabled or demoted.
        """
        operator = signed_in_operator()
        user, ended = users.change(name, action, operator)
        return answer(UserChanged(user_view(user), len(ended.sessions), len(ended.keys)))

    @routes.post("/users/<name>/password")
    @documented(Access.OPERATOR_SESSION, PasswordReset, errors=(404, 409, 503))
    def reset_password(name: UserName) -> Response:
        """Give a user another password, which is told this once and is good for a day. Their sessions and keys end."""
        operator = signed_in_operator()
        (user, ended), password = users.reset_password(name, operator)
        return answer(PasswordReset(user_view(user), password, len(ended.sessions), len(ended.keys)))

    @routes.delete("/users/<name>/sessions/<session_id>")
    @documented(Access.OPERATOR_SESSION, Success, errors=(404, 503))
    def end_session(name: UserName, session_id: str) -> Response:
        """End one session of a user at once."""
        operator = signed_in_operator()
        users.end_session(name, session_id, operator)
        return answer(Success())
