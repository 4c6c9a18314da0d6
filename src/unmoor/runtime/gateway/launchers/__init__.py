"""Launchers: start a runner as a process, or as a container on a platform."""
