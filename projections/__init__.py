"""What is folded from events beside the engine's state: activity, profits, statuses. A part of every snapshot."""
