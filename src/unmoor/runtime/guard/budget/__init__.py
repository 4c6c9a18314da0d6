"""Spending against the caps of a run and of a day."""
