"""Tests that run the real process, or look at what is shipped."""
