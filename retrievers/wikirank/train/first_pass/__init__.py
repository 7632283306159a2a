"""Train and export the prefilter, the small network that drops hopeless candidates."""
