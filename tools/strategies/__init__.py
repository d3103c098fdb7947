"""Own strategies: a class with a few methods, driven by a venue's book, trades, fills and clock.

`Strategy` is what a class derives from; `built_in` has some to begin with. Layer: tools.
"""

from tools.strategies.strategy import Book, Fill, Market, OpenOrder, Strategy, Trade

__all__ = ["Book", "Fill", "Market", "OpenOrder", "Strategy", "Trade"]
