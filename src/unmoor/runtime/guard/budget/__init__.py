"""Spending against the caps per run and per day."""
