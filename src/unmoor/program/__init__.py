"""The Pulumi program itself, which runs in the engine's process or in the recorder."""
