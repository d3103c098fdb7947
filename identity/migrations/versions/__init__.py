"""One module for each version of the identity schema."""
