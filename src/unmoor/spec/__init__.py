"""What a user may write, and every problem with it."""
