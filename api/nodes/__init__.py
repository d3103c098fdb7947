"""Which node of a cluster this server is, and which others there are: what pages and clients move between."""
