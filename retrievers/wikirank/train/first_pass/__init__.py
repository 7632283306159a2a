"""Training and export of the small network by which a cascade drops hopeless candidates."""
