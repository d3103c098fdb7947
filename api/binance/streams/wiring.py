"""The WebSockets of the second wire, put together: what the composition root makes, and feeds with every batch.

Layer: api.binance.
"""

from __future__ import annotations

from flask import Flask

from api.auth.authenticator import Authenticator
from api.binance.market_routes import PublicMarket
from api.binance.reports import Reports
from api.binance.streams import routes
from api.binance.streams.api_methods import MarketMethods
from api.binance.streams.api_session import ApiSession, ApiSurface
from api.binance.streams.channels import Follower
from api.binance.streams.control import STREAMS_MAX, StreamControl, join_all
from api.binance.streams.directory import StreamDirectory
from api.binance.streams.faults import SocketFaults
from api.binance.streams.gate import Endpoint, StreamGate
from api.binance.streams.listen_keys import ListenKeys
from api.binance.streams.market import MarketStreams
from api.binance.streams.sockets import Receive, Sockets, StreamSocket
from api.binance.streams.trade_methods import TradeMethods
from api.binance.streams.users import UserStreams
from api.binance.wiring import SecondWire
from api.faults.injector import FaultInjector
from api.http.limits import RateLimits
from api.json.errors import ApiError
from api.settings import Settings
from engine.events import CommandResult
from projections.fold import Folded
from sequencer.port import Sequencing


class BinanceStreams:
    """All of them. For the event loop's thread."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        limits: RateLimits | None,
        sequencer: Sequencing,
        authenticator: Authenticator,
        wire: SecondWire,
        public: PublicMarket,
        injector: FaultInjector,
    ) -> None:
        """Take the requests of WebSockets away from `app`, and publish what `sequencer` applied behind its answers."""
        clock, credentials, exchange = sequencer.now_ns, authenticator.credentials, wire.exchange
        self._sockets = Sockets(settings, SocketFaults(injector, authenticator.anonymous_account))
        self._market = MarketStreams(exchange, public.activity, wire.symbols, clock)
        reports = Reports(exchange, wire.symbols, clock)
        self._users = UserStreams(reports, credentials)
        keys = self.listen_keys = ListenKeys(self._users, credentials, reports)
        self._directory = StreamDirectory(self._market, keys)
        self._surface = ApiSurface(
            MarketMethods(public).table(),
            TradeMethods(wire).table(),
            wire.signing,
            credentials,
            limits,
            public.rate_limits,
            self._users,
            injector,
            clock,
        )
        authenticator.on_wire(routes.BLUEPRINT, lambda environ, _body: wire.signing.keyed(environ))
        app.register_blueprint(routes.blueprint(keys))
        app.wsgi_app = StreamGate(app.wsgi_app, settings, limits, self._sockets, self)  # type: ignore[method-assign]
        sequencer.listen_behind(self._publish)

    @property
    def follows_levels(self) -> bool:
        """Whether the levels are wanted that a batch touches."""
        return self._market.follows_levels

    def on_applied(self, folded: Folded) -> None:
        """Take note of a batch right behind it. Does not switch."""
        self._market.on_applied(folded)

    def stop(self) -> None:
        """End every connection soon."""
        self._sockets.close_all()

    def _publish(self, batch: list[CommandResult]) -> None:
        """Publish the batch that was applied last, behind its answers. Cooperative."""
        self._market.publish()
        self._users.publish(batch)

    def check(self, endpoint: Endpoint) -> None:
        """Raises ApiError 400 where the endpoint cannot be served."""
        if len(endpoint.streams) > STREAMS_MAX:
            raise ApiError(400, "TOO_MANY_SUBSCRIPTIONS", f"At most {STREAMS_MAX} streams on one connection.")
        if not all(map(self._directory.exists, endpoint.streams)):
            raise ApiError(400, "UNKNOWN_STREAM", "There is no stream, or no listen key, of that name.")

    def begin(self, socket: StreamSocket, endpoint: Endpoint) -> Receive:
        """Begin what a socket is for; the result takes the client's messages. Cooperative."""
        if endpoint.kind == "api":
            socket.paced = False  # it waits for its own answers
            return ApiSession(socket, self._surface).receive
        follower = Follower(socket, combined=endpoint.kind == "combined")

        def leave_all() -> None:
            for name, channel in list(follower.streams.items()):
                channel.leave(follower, name)

        socket.on_ended.append(leave_all)
        join_all(follower, self._directory, dict.fromkeys(endpoint.streams))
        return StreamControl(follower, self._directory).receive
