"""Puts the second wire together: what `api.bootstrap` calls once.

Layer: api.binance.
"""

from __future__ import annotations

from flask import Flask

from api.auth.authenticator import Authenticator
from api.binance import routes
from api.binance.accounts import BinanceAccounts
from api.binance.lane import ORDER, SecondLane
from api.binance.order_history import BinanceHistory
from api.binance.orders import BinanceOrders
from api.binance.pairs import BinancePairs
from api.binance.signing import Signing
from api.binance.symbols import SymbolTable
from api.binance.weights import Weights
from api.http.limits import RateLimits
from api.orders.lookup import OrderLookup
from api.orders.service import OrderService
from engine.exchange import Exchange
from history.reader import HistoryReader


class SecondWire:
    """The second wire of one venue: its table of symbols, its signatures and its services, for whoever serves them."""

    def __init__(
        self,
        app: Flask,
        exchange: Exchange,
        authenticator: Authenticator,
        service: OrderService,
        lookup: OrderLookup,
        history: HistoryReader,
        limits: RateLimits | None,
    ) -> None:
        """Register its signed routes."""
        self.exchange = exchange
        self.symbols = SymbolTable(exchange)
        self.signing = Signing(authenticator)
        self.weights = Weights(exchange, limits)
        self.orders = BinanceOrders(exchange, self.symbols, service, lookup, self.weights.count_order)
        self.pairs = BinancePairs(exchange, self.symbols, service, lookup, history, self.weights.count_order)
        self.history = BinanceHistory(exchange, self.symbols, self.orders, lookup, history)
        self.accounts = BinanceAccounts(exchange, self.symbols)
        self.lanes = {ORDER: SecondLane(self.orders, self.signing, self.weights)}
        authenticator.on_wire(routes.NAME, self.signing.of)
        app.register_blueprint(
            routes.blueprint(self.orders, self.pairs, self.history, self.accounts, self.signing, self.weights)
        )
