"""What faults are asked for: a plan of steps, in JSON over REST and in TOML in a scenario file alike.

A step is one kind of fault, when it begins and for how long, what it applies to, and how often. Everything is bounded
here: how long a plan lasts, how many steps it has, how long an answer is delayed.
Layer: api.faults.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta

from api.json.errors import Malformed
from api.json.requests import Request
from engine.rejects import RejectReason
from listings.numbers import Number

STEPS_MAX: Final = 100
SEED_MAX: Final = 2**53 - 1
LATENCY_MS_MAX: Final = 60_000
LIFE_S: Final = 86_400  # that a plan lasts at most, also one whose steps do not say when they end
EVERY_MAX: Final = 1_000_000
BURST_MAX: Final = 10_000
RETRY_AFTER_S_MAX: Final = 3_600
DEFAULT_FRACTION: Final = Decimal("0.5")
FRACTION_DECIMALS_MAX: Final = 12  # finer than any order; a ratio of a million decimals takes seconds to reckon with

Kind = Literal[
    "latency",
    "rate_limit",
    "timestamp",
    "error",
    "drop",
    "reject",
    "partial",
    "disconnect",
    "gap",
    "duplicate",
    "reorder",
]
Area = Literal["orders", "account", "market"]
FaultStream = Literal[
    "bbo", "candles", "l2_deltas", "l2_updates", "l3", "orders", "status", "ticker", "trades"
]  # as the feed names them
Distribution = Literal["constant", "uniform", "normal", "exponential", "pareto"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
AREAS: Final[tuple[Area, ...]] = get_args(Area)
FEED_KINDS: Final = ("disconnect", "gap", "duplicate", "reorder")
ORDER_KINDS: Final = ("reject", "partial")  # of an order that is entered
BEHIND_KINDS: Final = ("latency", "error", "drop")  # that may come when the request was carried out
ORDERED_STREAMS: Final[tuple[FaultStream, ...]] = ("l2_deltas", "trades", "orders")  # whose order clients rely on

Route = Annotated[
    str,
    Meta(
        pattern=r"\A(?:[A-Z]+ /[!-~]{0,99}|[A-Za-z_.]{1,40})\Z",
        description="GET /path, a path that ends in *, an event or a method",
    ),
]


class Step(Request, frozen=True, omit_defaults=True, rename={"for_s": "for"}):
    """One fault of a plan. Times are seconds from when the plan was set."""

    kind: Kind = "latency"
    at: Number | None = None  # None: at once
    for_s: Number | None = None  # None: until the plan ends
    on: Annotated[tuple[Area, ...], Meta(max_length=3)] | None = None  # None: all of them
    routes: Annotated[tuple[Route, ...], Meta(max_length=20)] | None = None  # None: all of what `on` names
    streams: Annotated[tuple[FaultStream, ...], Meta(max_length=9)] | None = None
    every: Annotated[int, Meta(ge=1, le=EVERY_MAX)] | None = None  # each so-manyth; with `probability` neither
    probability: Number | None = None
    burst: Annotated[int, Meta(ge=1, le=BURST_MAX)] = 1  # so many in a row, each time
    when: Literal["before", "after"] = "before"  # the request is carried out
    latency_ms: Annotated[int, Meta(ge=0, le=LATENCY_MS_MAX)] | None = None  # the mean; of `pareto` the least
    spread_ms: Annotated[int, Meta(ge=0, le=LATENCY_MS_MAX)] | None = None
    distribution: Distribution = "constant"
    status: Annotated[int, Meta(ge=500, le=504)] = 503
    retry_after_s: Annotated[int, Meta(ge=0, le=RETRY_AFTER_S_MAX)] = 1
    reason: RejectReason | None = None
    fraction: Number | None = None  # of an order's quantity that is entered


class Plan(Request, frozen=True):
    """Body of PUT /account/faults and /admin/faults; a scenario file is one in TOML."""

    step: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=STEPS_MAX)]
    seed: Annotated[int, Meta(ge=0, le=SEED_MAX)] = 0  # the same seed gives the same faults for the same requests
    name: Annotated[str, Meta(max_length=64)] = ""


class PlanQuery(Request, frozen=True):
    """PUT /account/faults and /admin/faults."""

    check: bool = False  # the plan is read and shown, and nothing is set


def require_usable(plan: Plan) -> Plan:
    """The same plan, where its steps say what makes sense. Raises Malformed, which names the step and its field."""
    for number, step in enumerate(plan.step):
        for name, sentence in _mistakes(step):
            field = f"step[{number}].{name}"
            raise Malformed("INVALID_VALUE", f"{field} {sentence}.", field=field)
    return plan


def _mistakes(step: Step) -> list[tuple[str, str]]:
    """Each field that cannot be as it is, and why."""
    found: list[tuple[str, str]] = []
    begins, lasts = seconds_of(step.at) or 0.0, seconds_of(step.for_s)
    if not 0 <= begins < LIFE_S:
        found.append(("at", f"must be from 0 to below {LIFE_S} seconds"))
    if lasts is not None and not 0 < lasts <= LIFE_S:
        found.append(("for", f"must be above 0 and at most {LIFE_S} seconds"))
    if step.every is not None and step.probability is not None:
        found.append(("probability", "contradicts `every`: give one of the two"))
    if step.probability is not None and not 0 < step.probability <= 1:
        found.append(("probability", "must be above 0 and at most 1"))
    if step.fraction is not None and not (0 < step.fraction < 1 and _decimals(step.fraction) <= FRACTION_DECIMALS_MAX):
        found.append(("fraction", f"must be between 0 and 1, with at most {FRACTION_DECIMALS_MAX} decimals"))
    if step.kind == "latency" and step.latency_ms is None:
        found.append(("latency_ms", "is missing: how long an answer is delayed"))
    if step.kind == "reject" and step.reason is None:
        found.append(("reason", "is missing: with which reject reason orders are refused"))
    found += [(name, f"says nothing about {step.kind}: leave it out") for name in _unread(step)]
    return found


_READ_BY: Final = {  # fields that only some kinds read, and their values where they are left out
    "latency_ms": (("latency",), None),
    "spread_ms": (("latency",), None),
    "distribution": (("latency",), "constant"),
    "status": (("error",), 503),
    "retry_after_s": (("rate_limit", "error"), 1),
    "reason": (("reject",), None),
    "fraction": (("partial",), None),
    "when": (BEHIND_KINDS, "before"),
    "on": (tuple(kind for kind in KINDS if kind not in (*FEED_KINDS, *ORDER_KINDS)), None),
    "routes": (tuple(kind for kind in KINDS if kind not in FEED_KINDS), None),
    "streams": (("gap", "duplicate", "reorder"), None),
}


def _unread(step: Step) -> list[str]:
    return [
        name for name, (kinds, default) in _READ_BY.items() if step.kind not in kinds and getattr(step, name) != default
    ]


def _decimals(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)  # it is finite


def seconds_of(value: Decimal | None) -> float | None:
    """A moment or a duration of a plan in seconds."""
    return None if value is None else float(value)


def begin_of(step: Step) -> float:
    """When a step begins, in seconds from when its plan was set."""
    return seconds_of(step.at) or 0.0


def end_of(step: Step) -> float:
    """When a step ends, in seconds from when its plan was set."""
    lasts = seconds_of(step.for_s)
    return float(LIFE_S) if lasts is None else min(float(LIFE_S), begin_of(step) + lasts)


def length_of(plan: Plan) -> float:
    """When the last step of a plan ends."""
    return max(end_of(step) for step in plan.step)


def streams_of(step: Step) -> tuple[FaultStream, ...]:
    """The streams of the feed that a step applies to; of a `disconnect` all are."""
    if step.streams is not None:
        return step.streams
    return ("l2_deltas",) if step.kind == "gap" else ORDERED_STREAMS
