"""The identity store's schema, version by version. Run at each start by `identity.database`."""
