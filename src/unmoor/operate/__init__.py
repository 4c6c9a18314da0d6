"""What is done with an agent that is there: its runs are started, read and ended, and what serves is looked at."""
