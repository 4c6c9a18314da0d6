"""The sandbox around a harness: Landlock and seccomp, and a probe that verifies it."""
