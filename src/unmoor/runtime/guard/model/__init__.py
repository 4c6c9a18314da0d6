"""The model proxy: what may be asked of the provider, and what it costs."""
