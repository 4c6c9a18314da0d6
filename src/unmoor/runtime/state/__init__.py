"""What is in the store: keys, records, and the operations on them."""
