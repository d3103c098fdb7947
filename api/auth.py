"""Who asks. In the sandbox profile everybody is the one built-in account.

Layer: api.
"""

from __future__ import annotations

from engine.types import SANDBOX_ACCOUNT, AccountId


def requesting_account() -> AccountId:
    """The account of the current request or feed message."""
    return SANDBOX_ACCOUNT
