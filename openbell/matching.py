"""The matching engine for other programs: `from openbell.matching import MatchingEngine`.

The one public place of the engine as a library (Documentation/library.md); in a checkout and once installed alike. It
needs msgspec and sortedcontainers and starts nothing. The package `engine` of Openbell becomes importable by it, and
nothing else of the venue does.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from openbell.home import HOME


def _other_engine() -> str | None:
    """Where a package named engine is, other than Openbell's, that is imported or would be; None when there is none."""
    known = sys.modules.get("engine")
    spec = find_spec("engine") if known is None else None
    place = getattr(known, "__file__", None) if spec is None else spec.origin
    if place is not None:
        return None if Path(place).resolve().parent == (HOME / "engine").resolve() else place
    if spec is None:
        return None if known is None else repr(known)
    folders = spec.submodule_search_locations or []  # without an __init__.py; one that has no Python is no package
    return next((folder for folder in folders if any(Path(folder).glob("*.py"))), None)


_other = _other_engine()
if _other is not None:
    raise ImportError(
        f"another package is named engine ({_other}), and Openbell's has that name: "
        "rename it, or run without it in the path"
    )

_path = sys.path
sys.path = [str(HOME), *_path]
try:
    from engine.commands import (
        AdvanceTime,
        AmendOrder,
        CancelAll,
        CancelOrder,
        ConfigureAccount,
        EnterOrder,
        OrderOptions,
        SetStatus,
    )
    from engine.depth import Bbo, LevelView
    from engine.events import (
        Accepted,
        Amended,
        Cancelled,
        Completed,
        Event,
        Expired,
        Filled,
        Rejected,
        Replenished,
        StatusChanged,
        StopPriceMoved,
        Triggered,
    )
    from engine.library import MatchingEngine, Result
    from engine.order import Order
    from engine.rejects import CancelReason, InvariantViolation, RejectReason
    from engine.types import OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TradingStatus
finally:
    sys.path = _path

__all__ = [
    "Accepted",
    "AdvanceTime",
    "AmendOrder",
    "Amended",
    "Bbo",
    "CancelAll",
    "CancelOrder",
    "CancelReason",
    "Cancelled",
    "Completed",
    "ConfigureAccount",
    "EnterOrder",
    "Event",
    "Expired",
    "Filled",
    "InvariantViolation",
    "LevelView",
    "MatchingEngine",
    "Order",
    "OrderOptions",
    "OrderType",
    "PostOnly",
    "RejectReason",
    "Rejected",
    "Replenished",
    "Result",
    "SelfTradePrevention",
    "SetStatus",
    "Side",
    "StatusChanged",
    "StopPriceMoved",
    "TimeInForce",
    "TradingStatus",
    "Triggered",
]
