"""Learning from other rankers: teachers of either kind, and what several of them say together."""
