"""The guard between a run and the world: the model proxy and the way out."""
