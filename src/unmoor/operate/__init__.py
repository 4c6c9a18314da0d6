"""Operates a deployed agent: starts, reads and cancels runs, and verifies the deployment."""
