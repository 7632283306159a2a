"""Fine-tune a cross-encoder: base models, losses, the trainer and the run's folder."""
