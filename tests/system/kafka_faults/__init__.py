"""The fault harness: seeded misfortune for brokers and daemons, and what must be counted in spite of it."""
