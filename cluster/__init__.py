"""Several nodes as one venue: the link from a front door to the writer, and a sequencer's surface over it."""
