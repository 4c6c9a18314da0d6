"""Prices and usage as values: what the target contract and the bills share."""
