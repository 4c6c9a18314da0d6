"""The members that a request's body may have where the provider must not act on its own, for each API format."""
