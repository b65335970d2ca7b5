"""Tests that talk to real parts on loopback."""
