"""Records that are wrong, each with the reason that it must be refused for, made from a seed."""
