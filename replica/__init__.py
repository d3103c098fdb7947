"""Those who follow the records: a position and an exchange of one's own, the stream of records between processes."""
