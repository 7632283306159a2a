"""Metrics of rankings and of calibration, and tests of their differences."""
