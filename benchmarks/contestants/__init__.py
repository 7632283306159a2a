"""The contestants: each has its own process, and peers have their own environments."""
