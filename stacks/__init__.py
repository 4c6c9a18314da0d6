"""Where a target is deployed to, and what drives Pulumi."""
