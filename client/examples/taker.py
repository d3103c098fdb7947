"""A taker: buys and sells by turns what the book offers, and says what it paid and what is left.

    PYTHON client/examples/taker.py --symbol BTC-USDT --orders 10

PYTHON is that of an environment with the client: `pip install ./client`. It takes part as a guest unless the
environment holds credentials (OPENBELL_KEY and OPENBELL_SECRET). Each order has a client order id, so that one whose
answer is lost is sent again and trades once.
Layer: an example.
"""

from __future__ import annotations

import argparse
import time

from openbell_client import Client, Refused
from openbell_client.stored import of_environment


def take(venue: Client, symbol: str, quantity: str, orders: int, pause_s: float) -> int:
    """Enter so many orders that take at once; how many traded."""
    traded = 0
    for number in range(orders):
        side = "buy" if number % 2 == 0 else "sell"
        try:
            offer = venue.quote(symbol, "buy" if side == "buy" else "sell", quantity)
            if offer.worst_price is not None:
                answer = venue.enter_order(
                    symbol, "buy" if side == "buy" else "sell", "ioc", quantity, offer.worst_price
                )
                traded += answer.filled_quantity > 0
                price = f" at {answer.average_price}" if answer.filled_quantity else ""
                print(f"{side} {answer.filled_quantity:f} of {quantity}{price}: {answer.status}")
        except Refused as refusal:
            print(f"{side}: {refusal}")
        time.sleep(pause_s)
    return traded


def main() -> None:
    """Run the command line."""
    options = argparse.ArgumentParser(
        description=(__doc__ or "").partition("Layer:")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--url", default="http://127.0.0.1:5000")
    options.add_argument("--symbol", default="BTC-USDT")
    options.add_argument("--quantity", default="0.02", help="of each order")
    options.add_argument("--orders", type=int, default=10, help="end by itself after so many")
    options.add_argument("--pause", type=float, default=0.2, help="seconds between two")
    given = options.parse_args()
    with Client(given.url, of_environment()) as venue:
        if venue.credentials is None:
            print(f"Taking part as {venue.guest().name}.")
        traded = take(venue, given.symbol, given.quantity, given.orders, given.pause)
        position = venue.profit(given.symbol).positions
        print(f"{traded} orders traded; fees {position[0].fees if position else 0}.")


if __name__ == "__main__":
    main()
