"""Metrics for rankings, calibration and abstention, and significance tests."""
