"""The matcher alone, with options: an iceberg, a stop, a bracket, an auction; enums are members or their words."""

from openbell.matching import MatchingEngine, OrderOptions, OrderType, PostOnly, Side, TimeInForce, TradingStatus

SYMBOL = "BTC-USD"
engine = MatchingEngine()
engine.list_symbol(SYMBOL, tick_size="0.01", lot_size="0.001")

engine.set_status(SYMBOL, "auction")  # or TradingStatus.AUCTION
engine.enter(SYMBOL, Side.SELL, "2.000", "30000.00", order_id=1, options=OrderOptions(display_quantity="0.200"))
engine.enter(SYMBOL, "buy", "0.500", "30010.00", order_id=2)
for fill in engine.set_status(SYMBOL, TradingStatus.TRADING).fills:
    quantity, price = engine.quantity_text(SYMBOL, fill.quantity), engine.price_text(SYMBOL, fill.price)
    print(f"the auction traded {quantity} at {price}")

slides = OrderOptions(post_only=PostOnly.SLIDE)
engine.enter(SYMBOL, "buy", "0.100", "30020.00", order_id=3, options=slides)
bid = engine.bbo(SYMBOL).bid
print("best bid:", None if bid is None else engine.price_text(SYMBOL, bid))

stops = OrderOptions(stop_price="29990.00")
engine.enter(SYMBOL, "sell", "0.100", None, TimeInForce.GTC, order_id=4, order_type=OrderType.STOP, options=stops)
brackets = OrderOptions(take_profit="31000.00", stop_loss="29000.00")
engine.enter(SYMBOL, "buy", "0.100", "30000.00", "ioc", order_id=5, options=brackets)
print("open:", sorted(engine.exchange.orders))

try:
    engine.enter(SYMBOL, "buy", 1.5, "30000.00")  # type: ignore[arg-type]
except TypeError as error:
    print(error)
