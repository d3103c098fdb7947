"""The server of Socket.IO that the feed speaks through.

Layer: api.feed.
"""

from __future__ import annotations

from typing import Final

import socketio
from flask import Flask
from flask_socketio import SocketIO

from api.feed.packets import FeedPacket
from api.feed.polling import origin_check
from api.http.origins import Origins
from api.settings import Settings

MESSAGE_BYTES_MAX: Final = 65_536  # in one message of a client: reading it holds up everybody


def server_in(app: Flask, settings: Settings, origins: Origins, manager: socketio.Manager) -> socketio.Server:
    """Socket.IO's server, made and put into the application by Flask-SocketIO.

    Our handlers are registered on the server itself: a context of Flask for each event costs more than an order.
    """
    extension = SocketIO(
        app,
        async_mode="eventlet",
        serializer=FeedPacket,
        json=FeedPacket.json,
        client_manager=manager,
        always_connect=True,
        cors_allowed_origins=origin_check(origins),
        max_http_buffer_size=min(settings.max_body_bytes, MESSAGE_BYTES_MAX),
        http_compression=False,
        manage_session=False,
        monitor_clients=False,  # `EngineSessions` does it
        ping_interval=settings.feed_ping_interval_s,
        ping_timeout=settings.feed_ping_timeout_s,
    )
    return extension.server
