"""Notional and fees: exact, a fee up against the payer, a rebate down."""

from fractions import Fraction

import hypothesis.strategies as st
from hypothesis import example, given

from audit.naive_money import notional_of
from engine.commands import Deposit, EnterOrder, ListInstrument
from engine.events import Filled
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from engine.types import Amount, Lots, OrderType, Side, Ticks, TimeInForce
from tests.engine.pair import COIN, SHARE

BTC = Instrument(
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    tick_size="0.01",
    lot_size="0.00000001",
    quote_scale=10,
    lot_tick_amount=Amount(1),
    max_quantity=Lots(10**14),
    max_notional=Amount(10**24),
    max_open_orders=10,
)
notionals = st.integers(0, 10**24)


@given(notionals, st.integers(0, 10**6))
@example(10**18 + 1, 1)  # a float would lose the last minor unit
@example(1, 1)
def test_a_fee_is_the_least_whole_amount_that_covers_the_rate(notional, rate):
    fee = BTC.fee(Amount(notional), rate)
    assert fee - 1 < Fraction(notional * rate, 1_000_000) <= fee


@given(notionals, st.integers(1, 10**6))
@example(10**18 + 999_999, 1)
@example(1, 1)
def test_a_rebate_is_the_most_whole_amount_that_the_rate_covers(notional, rate):
    rebate = -BTC.fee(Amount(notional), -rate)
    assert rebate <= Fraction(notional * rate, 1_000_000) < rebate + 1


@given(notionals, st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_venue_never_pays_more_rebate_than_it_takes_fee_at_an_equal_rate(notional, rate, rebate_rate):
    low, high = sorted((rate, rebate_rate))
    assert BTC.fee(Amount(notional), high) + BTC.fee(Amount(notional), -low) >= 0


@given(st.sampled_from([BTC, COIN, SHARE]), st.integers(1, 10**12), st.integers(1, 10**14))
@example(BTC, 10**12 + 1, 10**14 - 1)
def test_notional_is_price_times_quantity_to_the_minor_unit(instrument, price, quantity):
    assert instrument.notional(Ticks(price), Lots(quantity)) == notional_of(instrument, price, quantity)


@given(st.integers(1, 10**9), st.integers(1, 10**12), st.integers(-500, 500), st.integers(0, 3000))
def test_a_trade_reports_the_fees_of_its_own_notional(price, quantity, maker_rate, taker_rate):
    fields = {name: getattr(BTC, name) for name in BTC.__struct_fields__}
    instrument = Instrument(**fields | {"maker_fee": maker_rate, "taker_fee": taker_rate})
    filled = one_trade(instrument, price, quantity)
    assert filled.notional == price * quantity
    assert filled.taker_fee == instrument.fee(filled.notional, taker_rate)
    rebate_max = filled.taker_fee  # nobody is given more than the other side pays
    assert filled.maker_fee == max(instrument.fee(filled.notional, maker_rate), -rebate_max)


def one_trade(instrument: Instrument, price: int, quantity: int) -> Filled:
    """The trade of a buy with a sell that rests."""
    exchange = Exchange(CURRENT_EDITION)
    exchange.apply(ListInstrument(instrument), 1, 1)
    for seq, asset in ((2, instrument.base), (3, instrument.quote)):
        exchange.apply(Deposit(1, asset, "1" + 24 * "0"), seq, seq)
    for seq, side in ((4, Side.SELL), (5, Side.BUY)):
        command = EnterOrder(1, instrument.symbol, side, OrderType.LIMIT, TimeInForce.GTC, quantity, price)
        events = exchange.apply(command, seq, seq)
    (filled,) = (event for event in events if isinstance(event, Filled))
    return filled
