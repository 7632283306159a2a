"""The tools of `WikiToolkit`, one module each, and their common code."""
