"""Random bytes do nothing but be refused; `python -m tests.attacks.fuzz_front` goes on for longer."""

from __future__ import annotations

from tests.attacks.fuzz_front import Fuzzer
from tests.attacks.probe import Probe
from tests.server import RunningServer, eventually

SECONDS = 6.0
SEED = 11  # what others find is for `fuzz_front`: a change is not to be held up by what was there before it


def test_what_is_almost_a_request_crashes_hangs_and_smuggles_nothing(running_server: RunningServer) -> None:
    with Probe(running_server) as probe:
        fuzzer = Fuzzer(running_server, seed=SEED)
        assert fuzzer.run(SECONDS) == []
        assert fuzzer.answered > 100
        eventually(lambda: probe.more_descriptors <= 0)
