"""The auditor: an independent reader of a journal, with a matching engine of its own that is slow and obvious."""
