"""The configuration of each client: what points it at a server of ours, as text that works as it is printed.

What a client asks Binance over REST is pointed here, also what is not served: that is answered 404 here, and no
request that is signed with a key of ours goes elsewhere.
Layer: tools.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tools.clients_venue import Key, Market

CCXT_PATHS: Final = {  # each of ccxt's names for an address
    "public": "/api/v3",
    "private": "/api/v3",
    "v1": "/api/v1",
    "sapi": "/sapi/v1",
    "sapiV2": "/sapi/v2",
    "sapiV3": "/sapi/v3",
    "sapiV4": "/sapi/v4",
    "fapiPublic": "/fapi/v1",
    "fapiPublicV2": "/fapi/v2",
    "fapiPublicV3": "/fapi/v3",
    "fapiPrivate": "/fapi/v1",
    "fapiPrivateV2": "/fapi/v2",
    "fapiPrivateV3": "/fapi/v3",
    "fapiData": "/futures/data",
    "dapiPublic": "/dapi/v1",
    "dapiPrivate": "/dapi/v1",
    "dapiPrivateV2": "/dapi/v2",
    "dapiData": "/futures/data",
    "eapiPublic": "/eapi/v1",
    "eapiPrivate": "/eapi/v1",
    "papi": "/papi/v1",
    "papiV2": "/papi/v2",
}


class Target(NamedTuple):
    """Where a client is pointed: addresses without a slash at the end, its key, and what it is to trade."""

    url: str
    websocket_url: str
    key: Key
    market: Market
    pairs: tuple[str, ...]  # BTC/USDT: everything in the quote asset of `market`, that one first


class ClientSettings(NamedTuple):
    """What is printed for one client."""

    comment: str  # what a line of it is that nothing reads; empty where there is none
    written: Callable[[Target], str]
    help: str
    ed25519: bool = False  # whether the secret may be an Ed25519 private key; else what is printed signs by HMAC


def ccxt_settings(target: Target, *, websockets: bool) -> dict[str, Any]:
    """What the constructor of ccxt's `binance` takes, in all its kinds."""
    addresses: dict[str, Any] = {name: target.url + path for name, path in CCXT_PATHS.items()}
    if websockets:  # spot is what has /stream in its address
        streams, requests = f"{target.websocket_url}/stream/ws", f"{target.websocket_url}/ws-api/v3"
        addresses["ws"] = {"spot": streams, "margin": streams, "ws-api": {"spot": requests}}
    return {
        "apiKey": target.key.key_id,
        "secret": target.key.secret,
        "urls": {"api": addresses},
        "options": {"fetchMarkets": {"types": ["spot"]}},  # futures and options are not traded here
    }


def _ccxt(target: Target) -> str:
    return _python_of_ccxt("ccxt", ccxt_settings(target, websockets=False))


def _ccxt_pro(target: Target) -> str:
    return _python_of_ccxt("ccxt.pro", ccxt_settings(target, websockets=True))


def _python_of_ccxt(module: str, settings: dict[str, Any]) -> str:
    return f"import {module}\n\nSETTINGS = {_literal(settings)}\nexchange = {module}.binance(SETTINGS)\n"


def _literal(settings: dict[str, Any]) -> str:
    """A dict of texts, lists and dicts as Python, which JSON of these is."""
    return json.dumps(settings, indent=4)


def _freqtrade(target: Target) -> str:
    ccxt = ccxt_settings(target, websockets=True)
    exchange = {
        "name": "binance",
        "key": ccxt.pop("apiKey"),
        "secret": ccxt.pop("secret"),
        "ccxt_config": ccxt,
        "only_from_ccxt": True,  # no archives of Binance's
        "pair_whitelist": list(target.pairs),
        "pair_blacklist": [],
    }
    pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return (
        _literal(
            {
                "bot_name": "openbell",
                "dry_run": False,  # a real trade, of paper money
                "trading_mode": "spot",
                "timeframe": "1m",
                "stake_currency": target.market.quote,
                "stake_amount": 100,
                "max_open_trades": 3,
                "entry_pricing": pricing,
                "exit_pricing": pricing,
                "exchange": exchange,
                "pairlists": [{"method": "StaticPairList"}],
                "initial_state": "running",
                "internals": {"process_throttle_secs": 2},
            }
        )
        + "\n"
    )


_NAUTILUS: Final = '''\
from nautilus_trader.adapters.binance import BINANCE, BinanceDataClientConfig, BinanceExecClientConfig
from nautilus_trader.adapters.binance import BinanceLiveDataClientFactory, BinanceLiveExecClientFactory
from nautilus_trader.config import InstrumentProviderConfig, LiveExecEngineConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode

SERVER = {{
    "api_key": {key_id},
    "api_secret": {secret},
    "base_url_http": {url},
    "base_url_ws": {websocket_url},
    "instrument_provider": InstrumentProviderConfig(load_all=True),
}}
INSTRUMENT = "{symbol}.BINANCE"


def trading_node(**further) -> TradingNode:
    """A node with the data and execution of this server; `further` goes to TradingNodeConfig."""
    wanted = {{
        "trader_id": "TRADER-001",
        "data_clients": {{BINANCE: BinanceDataClientConfig(**SERVER)}},
        "exec_clients": {{BINANCE: BinanceExecClientConfig(**SERVER)}},
        "exec_engine": LiveExecEngineConfig(reconciliation=True),
    }}
    node = TradingNode(config=TradingNodeConfig(**(wanted | further)))
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
    node.build()
    return node
'''


def _nautilus(target: Target) -> str:
    return _NAUTILUS.format(
        key_id=_text(target.key.key_id),
        secret=_text(target.key.secret),
        url=_text(target.url),
        websocket_url=_text(target.websocket_url),
        symbol=target.market.symbol,
    )


_PYTHON_BINANCE: Final = """\
from binance.base_client import BaseClient
from binance.ws.streams import BinanceSocketManager

URL = {url}
WEBSOCKET_URL = {websocket_url}

BaseClient.API_URL = URL + "/api"
BaseClient.MARGIN_API_URL = URL + "/sapi"
BaseClient.WEBSITE_URL = URL
BaseClient.FUTURES_URL = BaseClient.FUTURES_COIN_URL = URL + "/fapi"
BaseClient.WS_API_URL = WEBSOCKET_URL + "/ws-api/v3"
BinanceSocketManager.STREAM_URL = WEBSOCKET_URL + "/"

API_KEY = {key_id}
API_SECRET = {secret}
"""


def _python_binance(target: Target) -> str:
    return _PYTHON_BINANCE.format(
        url=_text(target.url),
        websocket_url=_text(target.websocket_url),
        key_id=_text(target.key.key_id),
        secret=_text(target.key.secret),
    )


_BINANCE_SDK: Final = """\
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI, ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot

KEY = {{
    "api_key": {key_id},
    "api_secret": {secret},
}}
spot = Spot(
    config_rest_api=ConfigurationRestAPI(**KEY, base_path={url}),
    config_ws_api=ConfigurationWebSocketAPI(**KEY, stream_url={requests_url}),
    config_ws_streams=ConfigurationWebSocketStreams(stream_url={streams_url}),
)
"""


def _binance_sdk(target: Target) -> str:
    return _BINANCE_SDK.format(
        url=_text(target.url),
        requests_url=_text(f"{target.websocket_url}/ws-api/v3"),
        streams_url=_text(f"{target.websocket_url}/stream"),
        key_id=_text(target.key.key_id),
        secret=_text(target.key.secret),
    )


_CURL: Final = """\
URL={url}
KEY={key_id}
SECRET={secret}

signed() {{ # METHOD PATH [NAME=VALUE&NAME=VALUE]
    query="${{3:+$3&}}timestamp=$(curl --silent "$URL/api/v3/time" | tr -dc 0-9)"
    signature=$(printf %s "$query" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //')
    curl --silent --request "$1" --header "X-MBX-APIKEY: $KEY" "$URL$2?$query&signature=$signature"
    echo
}}

public() {{ # PATH[?NAME=VALUE&NAME=VALUE]
    curl --silent "$URL$1"
    echo
}}
"""


def _curl(target: Target) -> str:
    return _CURL.format(
        url=shlex.quote(target.url), key_id=shlex.quote(target.key.key_id), secret=shlex.quote(target.key.secret)
    )


def _text(value: str) -> str:
    return json.dumps(value)


CLIENTS: Final = {
    "binance-sdk": ClientSettings("#", _binance_sdk, "binance-sdk-spot, Binance's own: Python that makes a client."),
    "ccxt": ClientSettings(
        "#", _ccxt, "ccxt, synchronous and asynchronous: Python that makes an exchange.", ed25519=True
    ),
    "ccxt-pro": ClientSettings(
        "#", _ccxt_pro, "ccxt.pro, with WebSockets: Python that makes an exchange.", ed25519=True
    ),
    "curl": ClientSettings("#", _curl, "curl and openssl: two functions for a shell."),
    "freqtrade": ClientSettings("", _freqtrade, "freqtrade, trading live: its config.json.", ed25519=True),
    "nautilus": ClientSettings("#", _nautilus, "nautilus_trader: Python that makes a node, data and execution."),
    "python-binance": ClientSettings("#", _python_binance, "python-binance: Python that points its classes."),
}
