"""Where the recorded data lies: beside the project, never in it."""

from pathlib import Path

import pytest

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data"
LOBSTER = RECORDED / "lobster-msft-2012-06-21"
BITSTAMP = RECORDED / "bitstamp-btcusd-2015-05-01"

needs_lobster = pytest.mark.skipif(not LOBSTER.is_dir(), reason=f"no recorded LOBSTER data in {LOBSTER}")
needs_bitstamp = pytest.mark.skipif(not BITSTAMP.is_dir(), reason=f"no recorded Bitstamp data in {BITSTAMP}")
