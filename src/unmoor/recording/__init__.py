"""A Pulumi program run in memory: its resources, and who they let do what."""
