"""Reads options, files and standard input."""
