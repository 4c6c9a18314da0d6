"""Whether this machine has what deploying needs, a line for each thing: fine, or what to do."""
