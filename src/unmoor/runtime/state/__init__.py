"""The state of an agent in its store: keys, records, and the operations on them."""
