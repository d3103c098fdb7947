"""The front door: settings, the composition root, the command line, and a room for each part of the wire.

It decides nothing about trading.
"""

from prerequisites import require

require()  # of whichever program in here is started
