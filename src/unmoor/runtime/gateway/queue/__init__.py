"""Which runs start, and when."""
