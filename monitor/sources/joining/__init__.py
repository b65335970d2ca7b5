"""Requests, responses and labels of several topics, joined by their identifiers into one record each."""
