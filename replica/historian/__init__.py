"""The historian: a child process that follows the records and is the only writer of the history's database."""
