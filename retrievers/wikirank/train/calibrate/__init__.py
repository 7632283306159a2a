"""Calibrate scores, and interpolate them with first-stage scores."""
