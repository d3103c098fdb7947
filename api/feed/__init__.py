"""The Socket.IO feed: subscriptions, snapshots and deltas, own orders, order entry."""
