"""Formats and prints results."""
