"""One run, from its lease to its outcome."""
