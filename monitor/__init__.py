"""The shell of driftd: sources, decoding, windows, state, policy, HTTP, commands and the loop."""

__version__ = "0.1.0"
