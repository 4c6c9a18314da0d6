"""The object store behind one URL, with the same answers on every backend."""
