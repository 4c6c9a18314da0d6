"""Deploying with Pulumi: stacks, their state, and the engine."""
