"""The agent programs: one adapter each, behind one protocol."""
