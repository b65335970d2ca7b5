"""A look at data that nobody has described: which column is what, and which windows suit it."""
