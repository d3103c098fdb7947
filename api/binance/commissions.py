"""What trading costs an account, as parts of the notional. Fees here are in the quote asset, and nothing is discounted.

Layer: api.binance.
"""

from __future__ import annotations

from typing import Final

import msgspec

from engine.accounts import Account
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId
from listings.tables import fixed
from listings.texts import DecimalText

_RATE_DECIMALS: Final = 8
_MILLIONTHS: Final = 10 ** (_RATE_DECIMALS - 6)  # a millionth in the last of these places
_BASIS_POINT: Final = 100  # millionths


class Rates(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The commission of makers and takers, as parts of the notional. Below zero: a rebate."""

    maker: DecimalText
    taker: DecimalText


class AllRates(Rates, frozen=True, kw_only=True):
    """The same with what buyers and sellers pay on top: nothing."""

    buyer: DecimalText
    seller: DecimalText


class Discount(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """There is none."""

    enabled_for_account: bool = False
    enabled_for_symbol: bool = False
    discount_asset: str = ""
    discount: str = "0.00000000"


class Commission(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """GET account/commission."""

    symbol: str
    standard_commission: AllRates
    tax_commission: AllRates
    discount: Discount


class TradeFee(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """GET /sapi/v1/asset/tradeFee: one symbol."""

    symbol: str
    maker_commission: DecimalText
    taker_commission: DecimalText


def rate_text(millionths: int) -> str:
    """A rate as a part of the notional."""
    return fixed(millionths * _MILLIONTHS, _RATE_DECIMALS)


NO_RATES: Final = Rates(maker=rate_text(0), taker=rate_text(0))
NO_RATES_AT_ALL: Final = AllRates(maker=rate_text(0), taker=rate_text(0), buyer=rate_text(0), seller=rate_text(0))


def millionths_of(exchange: Exchange, account: AccountId, instrument: Instrument) -> tuple[int, int]:
    """The maker's and the taker's rate of an account in a symbol: its own, or the symbol's."""
    own = (exchange.accounts.get(account) or Account(account)).configuration
    maker = instrument.maker_fee if own.maker_fee is None else own.maker_fee
    taker = instrument.taker_fee if own.taker_fee is None else own.taker_fee
    return maker, taker


def rates_of(exchange: Exchange, account: AccountId, instrument: Instrument) -> Rates:
    """The same as texts."""
    maker, taker = millionths_of(exchange, account, instrument)
    return Rates(maker=rate_text(maker), taker=rate_text(taker))


def commission_of(exchange: Exchange, account: AccountId, instrument: Instrument, name: str) -> Commission:
    """What trading a symbol costs an account."""
    maker, taker = millionths_of(exchange, account, instrument)
    return Commission(
        symbol=name,
        standard_commission=AllRates(
            maker=rate_text(maker), taker=rate_text(taker), buyer=rate_text(0), seller=rate_text(0)
        ),
        tax_commission=NO_RATES_AT_ALL,
        discount=Discount(),
    )


def basis_points(millionths: int) -> int:
    """A rate in whole basis points, rounded up."""
    return -(-millionths // _BASIS_POINT)
