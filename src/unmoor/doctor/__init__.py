"""Checks whether this machine meets the requirements for deploying."""
