"""Clients of Docker: the command, and the engine's API."""
