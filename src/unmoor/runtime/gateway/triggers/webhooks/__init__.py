"""Webhooks: signatures, payloads, filters and dedup keys."""
