"""REST and Socket.IO over the sequencer. Decides nothing about trading."""
