"""Faults on demand: a venue that misbehaves on command, so that bots are tested. Of the wire, never of the journal."""
