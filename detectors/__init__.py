"""Detectors of drift: pure functions and values over columns, and the register of those that exist."""
