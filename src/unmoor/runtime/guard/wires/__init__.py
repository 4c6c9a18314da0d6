"""The wire formats of models: which requests pass, what a refusal looks like, and what a stream says was used."""
