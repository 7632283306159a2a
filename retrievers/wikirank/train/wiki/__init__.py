"""Train by the wiki recipe: data, training, export and calibration in one run."""
