"""The WebSockets of the second wire: market streams, user data, and requests."""
