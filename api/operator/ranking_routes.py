"""The operators' route of the ranking by profit.

Layer: api.operator.
"""

from __future__ import annotations

from flask import Blueprint, Response

from api.accounts.ranking import RankingView
from api.accounts.requests import RankingQuery
from api.accounts.service import AccountService
from api.auth.authenticator import requesting_operator
from api.http.documented import Access, documented
from api.http.responses import answer, query


def add_ranking(routes: Blueprint, accounts: AccountService) -> None:
    """Add it to the routes of operators."""

    @routes.get("/ranking")
    @documented(Access.OPERATOR, RankingView, query=RankingQuery, errors=(404, 503))
    def ranking() -> Response:
        """Who made most since their first trade or their last reset, at last prices; `after` passes over so many."""
        requesting_operator()
        wanted = query(RankingQuery)
        return answer(accounts.ranking(wanted.asset, wanted.after, wanted.limit, own=None, named=True, numbered=True))
