"""An agent on the user's own machine."""
