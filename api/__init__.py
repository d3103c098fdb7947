"""REST and Socket.IO over the sequencer. Decides nothing about trading."""

from prerequisites import require

require()
