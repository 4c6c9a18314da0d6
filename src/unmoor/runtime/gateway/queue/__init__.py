"""The queue: which runs start, and when."""
