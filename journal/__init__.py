"""Durable commands, in order: batch codec, the journal's port and its SQLite adapter, replay, group commit."""
