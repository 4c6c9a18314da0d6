"""unmoor: one agent spec, compiled into equivalent infrastructure on four targets."""

__version__ = "0.1.0"
