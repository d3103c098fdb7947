"""What operators may ask for: pages of accounts and of the audit trail, auctions, mass cancels.

Layer: api.operator.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from api.json.requests import MAX_ORDER_ID, MAX_PAGE, Request

Name = Annotated[str, Meta(max_length=32)]
MAX_AUCTION_S = 86_400


class AccountsQuery(Request, frozen=True):
    """GET /admin/accounts."""

    name: Name = ""  # how it begins, in any case
    after: Name = ""  # the last name of the page before
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100


class AuditQuery(Request, frozen=True):
    """GET /admin/audit."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100
    before: Annotated[int, Meta(ge=1, le=MAX_ORDER_ID)] = MAX_ORDER_ID  # epoch nanoseconds


class AuctionQuery(Request, frozen=True):
    """POST /admin/symbols/{symbol}/auction."""

    seconds: Annotated[int, Meta(ge=1, le=MAX_AUCTION_S)] | None = None  # after which trading begins by itself


class FaultsQuery(Request, frozen=True):
    """DELETE /admin/faults."""

    all: bool = False  # those of accounts as well


class ConfirmQuery(Request, frozen=True):
    """DELETE /admin/orders."""

    confirm: Literal["all"]  # required, so that a path cut short cancels nothing
