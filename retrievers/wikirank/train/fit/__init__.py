"""Fitting a cross-encoder: models, losses, trainers and the run's folder."""
