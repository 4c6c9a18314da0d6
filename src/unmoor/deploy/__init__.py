"""Previews and progress of a deployment, as values and text; independent of the engine and of the clouds' SDKs."""
