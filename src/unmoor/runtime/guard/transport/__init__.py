"""How a run's connections reach the guard."""
