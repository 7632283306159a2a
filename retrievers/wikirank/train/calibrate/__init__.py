"""Calibration of scores, and their interpolation with first-stage scores."""
