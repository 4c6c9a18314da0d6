"""Webhooks, schedules and email: each delivery starts at most one run."""
