"""`python -m tests.sim_cluster`: one seed again, or thousands over all cores; exits with 1 when something is wrong.

--seed 17            that seed alone; with --trace all that happened, line by line
--seeds 10000        so many, from --first on, with what happened how often
--mutants            how many seeds each mutant needs
"""

from __future__ import annotations

import sys

from tests.sim.command_line import World, main

if __name__ == "__main__":
    sys.exit(main(World("tests.sim_cluster"), __doc__ or ""))
