"""Verification of an index, and its repair."""
