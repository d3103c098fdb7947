"""Where the recorded data lies: beside the project, never in it."""

from pathlib import Path

import pytest

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data"
LOBSTER = RECORDED / "lobster-msft-2012-06-21"
LOBSTER_SMALL = RECORDED / "lobster-small"
AAPL = LOBSTER_SMALL / "AAPL_2012-06-21_34200000_57600000_message_10.csv.xz"
AMZN = LOBSTER_SMALL / "AMZN_2012-06-21_first3000_message_1.csv.xz"
MSFT = LOBSTER / "message_50.csv.xz"
BITSTAMP = RECORDED / "bitstamp-btcusd-2015-05-01"

needs_lobster = pytest.mark.skipif(not LOBSTER.is_dir(), reason=f"no recorded LOBSTER data in {LOBSTER}")
needs_bitstamp = pytest.mark.skipif(not BITSTAMP.is_dir(), reason=f"no recorded Bitstamp data in {BITSTAMP}")
needs_lobster_small = pytest.mark.skipif(not LOBSTER_SMALL.is_dir(), reason=f"no recorded data in {LOBSTER_SMALL}")
