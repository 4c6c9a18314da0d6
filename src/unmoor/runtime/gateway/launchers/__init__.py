"""How a runner is started: a process, or a container on each platform."""
