"""The model proxy: which requests pass to the provider, and what they cost."""
