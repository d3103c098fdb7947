"""The front door: settings, the composition root, the command line, and a room for each part of the wire.

It decides nothing about trading.
"""
