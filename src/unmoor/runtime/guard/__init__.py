"""The guard between a run and the network: the model proxy and the egress proxy."""
