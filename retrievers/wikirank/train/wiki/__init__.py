"""`wikirank train --recipe wiki`: data, training, export and calibration in one run."""
