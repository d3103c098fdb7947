"""The independent auditor, with a naive exchange of its own."""
