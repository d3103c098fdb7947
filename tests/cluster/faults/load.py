"""Traders who send orders, cancels and changes to any front door, and keep every answer.

Each trader has an account and one request on its way at a time. A request that got no answer, or a 502, 503, 504 or
429, is sent again to the next door by the same id, byte for byte, until one answers: so whatever happens behind the
doors, a trader learns the outcome of everything that it asked for.
"""

from __future__ import annotations

import http.client
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import msgspec

SYMBOLS = {"BTC-USDT": ("0.001", 3_000_000), "ETH-USDT": ("0.01", 200_000)}  # lot, cents
MONEY = "USDT"
RETRIED = frozenset({429, 502, 503, 504})
TRY_S = 2.0  # for one try; then the next door is asked
BETWEEN_TRIES_S = 0.02
JOIN_S = 90.0
OPEN_MAX = 20  # orders that a trader cancels or changes from
CLOSED = ("filled", "cancelled", "expired")

_names = count()


class Request(msgspec.Struct, frozen=True):
    """What a trader asks for: `name` is the client order id that it concerns, of a transfer its amount."""

    kind: str  # enter, cancel, amend, deposit or withdraw
    name: str
    method: str
    path: str
    body: dict[str, str]
    key: str | None = None  # Idempotency-Key; an order has its client order id


class Answer(msgspec.Struct, frozen=True):
    """One request and the answer that ended it. Times are of the steady clock."""

    trader: str
    account: int
    request: Request
    sent_s: float  # for the first time
    answered_s: float
    tries: int
    door: str
    status: int
    body: Any


class Connection:
    """One kept-alive connection to one door; what fails is an OSError."""

    def __init__(self, url: str, timeout_s: float = TRY_S) -> None:
        self.url = url
        parts = urlsplit(url)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.netloc, timeout=timeout_s, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_s)

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and decoded body of an answer that came whole. Raises OSError for anything else."""
        content = None if body is None else msgspec.json.encode(body)
        try:
            self._connection.request(method, path, content, {"Content-Type": "application/json"} | (headers or {}))
            response = self._connection.getresponse()
            text = response.read()
            return response.status, msgspec.json.decode(text)
        except (http.client.HTTPException, msgspec.DecodeError, OSError) as error:
            self._connection.close()
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Close it."""
        self._connection.close()


class Trader(threading.Thread):
    """One account, one request at a time, from its start until it is stopped."""

    def __init__(self, doors: list[str], first: int, token: str, account: int, pace_s: float) -> None:
        super().__init__(name=f"t{next(_names)}", daemon=True)
        self.account = account
        self.answers: list[Answer] = []
        self.unanswered: list[tuple[Request, float]] = []  # when it was stopped, and sent for the first time at
        self.refusals: Counter[str] = Counter()  # why a try was no answer
        self._doors, self._at, self._pace_s = doors, first, pace_s
        self._headers = {"Authorization": f"Bearer {token}"}
        self._rng = random.Random(f"{self.name}-{account}")
        self._stopping = threading.Event()
        self._open: dict[str, str] = {}  # client order id -> symbol
        self._ids: dict[str, str] = {}  # client order id -> order id
        self._number = 0
        self._connection: Connection | None = None
        self._waiting_since: float | None = None

    def run(self) -> None:
        """Ask, wait for the answer, keep it, and ask for the next."""
        while not self._stopping.is_set():
            request = self._next()
            self._keep(request)
            if self._pace_s:
                self._stopping.wait(self._pace_s * self._rng.uniform(0.5, 1.5))
        if self._connection is not None:
            self._connection.close()

    def stop(self) -> None:
        """Have it end when it has its answer."""
        self._stopping.set()

    @property
    def waiting_since(self) -> float | None:
        """Since when it waits for an answer; None while it does not."""
        return self._waiting_since

    def _keep(self, request: Request) -> None:
        sent = self._waiting_since = time.monotonic()
        tries, gave_up = 0, None
        while True:
            tries += 1
            status, body = self._try(request)
            if status and status not in RETRIED:
                break
            if self._stopping.is_set():
                gave_up = gave_up or time.monotonic() + JOIN_S / 2
                if time.monotonic() > gave_up:
                    self.unanswered.append((request, sent))
                    return
            time.sleep(BETWEEN_TRIES_S)
        now, self._waiting_since = time.monotonic(), None
        self.answers.append(
            Answer(self.name, self.account, request, sent, now, tries, self._doors[self._at], status, body)
        )
        self._learn(request, status, body)

    def _try(self, request: Request) -> tuple[int, Any]:
        """One try: status 0 where no answer came. After one that is no answer the next door is at turn."""
        if self._connection is None:
            self._connection = Connection(self._doors[self._at])
        try:
            key = {} if request.key is None else {"Idempotency-Key": request.key}
            status, body = self._connection.call(request.method, request.path, request.body, self._headers | key)
        except OSError as error:
            status, body = 0, str(error)
        if not status or status in RETRIED:
            code = body.get("error_code") if isinstance(body, dict) else None
            self.refusals[f"{status} {code}" if status else "no answer"] += 1
            self._connection.close()
            self._connection, self._at = None, (self._at + 1) % len(self._doors)
        return status, body

    def _next(self) -> Request:
        draw = self._rng.random()
        self._number += 1
        name = key = f"{self.name}-{self._number}"
        if draw < 0.2 and self._open:
            name = self._rng.choice(list(self._open))
            body = {"symbol": self._open.pop(name), "client_order_id": name}
            return Request("cancel", name, "POST", "/cancel", body, key)
        if draw < 0.27 and self._open:
            name = self._rng.choice(list(self._open))
            price = _price(self._open[name], self._rng)
            return Request("amend", name, "PATCH", f"/order/{self._ids[name]}", {"price": price}, key)
        if draw > 0.95:
            kind = "deposit" if draw > 0.97 else "withdraw"
            amount = f"{self._number / 10_000:.4f}"  # of this trader no other transfer has it
            return Request(kind, amount, "POST", f"/account/{kind}", {"asset": MONEY, "amount": amount}, key)
        return Request("enter", name, "POST", "/order", order_body(name, self._rng))

    def _learn(self, request: Request, status: int, body: Any) -> None:
        if request.kind == "enter" and status == 200 and body["status"] not in CLOSED:
            if len(self._open) >= OPEN_MAX:
                self._open.pop(next(iter(self._open)))
            self._open[request.name], self._ids[request.name] = request.body["symbol"], body["order_id"]
        elif request.kind == "amend" and status != 200:
            self._open.pop(request.name, None)


class Load:
    """Traders spread over the doors. A context manager: they are stopped at the end."""

    def __init__(self, doors: list[str], traders: int, pace_s: float = 0.0) -> None:
        """`pace_s` is what a trader waits between an answer and its next request, about."""
        accounts = [guest(doors) for _ in range(traders)]
        self.traders = [
            Trader(doors, number % len(doors), token, account, pace_s)
            for number, (token, account) in enumerate(accounts)
        ]

    def __enter__(self) -> Load:
        for trader in self.traders:
            trader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Have every trader get the answer that it waits for, and end. Raises AssertionError for one that hangs."""
        for trader in self.traders:
            trader.stop()
        for trader in self.traders:
            if trader.ident is not None:
                trader.join(JOIN_S)
            assert not trader.is_alive(), f"trader {trader.name} hangs"

    @property
    def count(self) -> int:
        """How many answers came so far."""
        return sum(len(trader.answers) for trader in self.traders)

    def answers(self) -> Iterator[Answer]:
        """Every answer so far, trader by trader, each in order."""
        for trader in self.traders:
            yield from list(trader.answers)

    def unanswered(self) -> Iterable[tuple[Request, float]]:
        """What no door answered to the end."""
        return [asked for trader in self.traders for asked in trader.unanswered]

    def refusals(self) -> Counter[str]:
        """Why tries were no answers, over all traders."""
        return sum((trader.refusals for trader in self.traders), Counter[str]())

    def goes_on(self, within_s: float, each: int = 2) -> float:
        """Wait until every trader has had `each` further answers; when that was. Raises AssertionError if late."""
        before = [len(trader.answers) for trader in self.traders]
        deadline = time.monotonic() + within_s
        while any(len(trader.answers) < had + each for trader, had in zip(self.traders, before, strict=True)):
            assert time.monotonic() < deadline, f"not everybody was answered within {within_s:.0f} s: {self.refusals()}"
            time.sleep(0.01)
        return time.monotonic()


def guest(doors: list[str], within_s: float = 120.0) -> tuple[str, int]:
    """Token and account of a new guest, of the first door that makes one."""
    deadline, said = time.monotonic() + within_s, None
    while time.monotonic() < deadline:
        for door in doors:
            connection = Connection(door, 10.0)
            try:
                status, body = connection.call("POST", "/auth/guest", {})
                if status == 201:
                    return body["token"], body["account"]
                said = (status, body)
            except OSError as error:
                said = (0, error)
            finally:
                connection.close()
        time.sleep(0.1)
    raise AssertionError(f"no guest was made: {said}")


def order_body(name: str, rng: random.Random) -> dict[str, str]:
    """A random order near the middle, so that about half of them trade."""
    symbol = rng.choice(list(SYMBOLS))
    lot, _ = SYMBOLS[symbol]
    body = {
        "symbol": symbol,
        "side": rng.choice(["buy", "sell"]),
        "order_type": rng.choices(["limit", "ioc", "market"], [70, 20, 10])[0],
        "quantity": f"{rng.randint(1, 9) * float(lot):.3f}",
        "client_order_id": name,
    }
    if body["order_type"] != "market":
        body["price"] = _price(symbol, rng)
    return body


def _price(symbol: str, rng: random.Random) -> str:
    cents = SYMBOLS[symbol][1] + rng.randint(-5, 5)
    return f"{cents // 100}.{cents % 100:02d}"
