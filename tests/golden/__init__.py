"""Seeded streams with exact answers and published numbers."""
