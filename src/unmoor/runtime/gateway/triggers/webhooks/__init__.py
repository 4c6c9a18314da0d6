"""Webhooks: who sent it, what it says, and whether it starts a run."""
