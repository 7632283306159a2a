"""The tools of `WikiToolkit`, a file each, and what they share."""
