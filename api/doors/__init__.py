"""Front doors of one machine: processes that serve clients on one port, each a follower, linked to the writer."""
