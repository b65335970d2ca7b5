"""The tests of driftd."""
