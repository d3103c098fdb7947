"""GET account, account/commission and asset/tradeFee: what an account has, may do, and pays.

Layer: api.binance.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from api.auth.principals import Principal
from api.binance.commissions import (
    AllRates,
    Commission,
    TradeFee,
    basis_points,
    commission_of,
    millionths_of,
    rate_text,
)
from api.binance.numbers import asset_text, milliseconds
from api.binance.symbols import SymbolTable
from api.http.limits import FIGURES_A_UNIT, charge_read
from engine.exchange import Exchange
from identity.users import Scope
from listings.texts import DecimalText
from loop.turns import in_turns


class BalanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has of an asset."""

    asset: str
    free: DecimalText
    locked: DecimalText


class AccountInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """GET account."""

    maker_commission: int  # basis points, of the dearest symbol
    taker_commission: int
    buyer_commission: int = 0
    seller_commission: int = 0
    commission_rates: AllRates
    can_trade: bool
    can_withdraw: bool
    can_deposit: bool
    brokered: bool = False
    require_self_trade_prevention: bool = False
    prevent_sor: bool = True
    update_time: int
    account_type: Literal["SPOT"] = "SPOT"
    balances: list[BalanceRow]
    permissions: tuple[str, ...] = ("SPOT",)
    uid: int


class BinanceAccounts:
    """The accounts of one venue."""

    def __init__(self, exchange: Exchange, symbols: SymbolTable) -> None:
        self._exchange = exchange
        self._symbols = symbols

    def account(self, principal: Principal, *, omit_zero: bool = False) -> AccountInfo:
        """GET account. O(symbols + assets)."""
        exchange, account = self._exchange, principal.account
        ledger = exchange.ledger
        owned = ledger.accounts.get(account, {})
        rates = [millionths_of(exchange, account, book.instrument) for book in in_turns(list(exchange.books.values()))]
        maker, taker = max((rate[0] for rate in rates), default=0), max((rate[1] for rate in rates), default=0)
        known = exchange.accounts.get(account)
        stopped = known is not None and known.stopped
        return AccountInfo(
            maker_commission=basis_points(maker),
            taker_commission=basis_points(taker),
            commission_rates=AllRates(
                maker=rate_text(maker), taker=rate_text(taker), buyer=rate_text(0), seller=rate_text(0)
            ),
            can_trade=Scope.TRADE in principal.scopes and not stopped,
            can_withdraw=Scope.WITHDRAW in principal.scopes and not stopped,
            can_deposit=True,
            update_time=milliseconds(exchange.ts_ns),
            balances=[
                BalanceRow(
                    asset=asset,
                    free=asset_text(balance.available if balance else 0, scale),
                    locked=asset_text(balance.held if balance else 0, scale),
                )
                for asset, scale in ledger.scales.items()
                if ((balance := owned.get(asset)) is not None and balance.total) or not omit_zero
            ],
            uid=account,
        )

    def commission(self, name: str, principal: Principal) -> Commission:
        """GET account/commission. Raises BinanceError -1121."""
        return commission_of(self._exchange, principal.account, self._symbols.instrument(name), name)

    def trade_fees(self, name: str | None, principal: Principal) -> list[TradeFee]:
        """GET asset/tradeFee, of one symbol or of all. Raises BinanceError -1121, ApiError 429."""
        listed = list(self._symbols.names()) if name is None else [(name, self._symbols.book(name))]
        charge_read(len(listed), FIGURES_A_UNIT)
        fees = []
        for symbol, book in in_turns(listed):
            maker, taker = millionths_of(self._exchange, principal.account, book.instrument)
            fees.append(TradeFee(symbol=symbol, maker_commission=rate_text(maker), taker_commission=rate_text(taker)))
        return fees
