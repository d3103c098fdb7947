"""Programs beside the server: simulated and recorded order flow, load, the launcher.

They speak to a running server through its public API alone. Layer: tools.
"""

from prerequisites import require

require()
