"""The original model card's recipe."""
