"""Programs beside the server: simulated and recorded order flow, load, the launcher.

They speak to a running server through its public API alone. Layer: tools.
"""

import sys

from openbell.home import HOME
from prerequisites import require

CLIENT = str(HOME / "client" / "src")  # the package openbell_client: of this version, whichever else is installed

if CLIENT not in sys.path:
    sys.path.insert(0, CLIENT)

require()
