"""Text for chat models: select, merge, pack, quote and number passages."""
