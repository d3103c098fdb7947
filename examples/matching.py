"""The matcher alone: two offers rest under ids of our own, a buyer takes from both, one is modified, then cancelled."""

from openbell.matching import MatchingEngine

SYMBOL = "BTC-USD"
engine = MatchingEngine()
engine.list_symbol(SYMBOL, tick_size="0.01", lot_size="0.001")

engine.enter(SYMBOL, "sell", "0.500", "30000.00", order_id=101)
engine.enter(SYMBOL, "sell", "0.500", "30000.50", order_id=102)
bought = engine.enter(SYMBOL, "buy", "0.750", "30001.00", "ioc", order_id=103)
for fill in bought.fills:
    quantity, price = engine.quantity_text(SYMBOL, fill.quantity), engine.price_text(SYMBOL, fill.price)
    print(f"{fill.taker_order_id} bought {quantity} of {fill.maker_order_id} at {price}")

engine.modify(102, price="29999.99")
bids, offers = engine.depth(SYMBOL)
print([(engine.price_text(SYMBOL, price), engine.quantity_text(SYMBOL, lots)) for price, lots, _ in offers])

print("done:", bought.done, engine.cancel(102).done)
print("refused:", engine.cancel(102).reject_reason, engine.enter(SYMBOL, "buy", "0.0001", "1.00").reject_reason)
