"""The wiki recipe: a cross-encoder for any corpus, no labels needed. Imports no torch by itself."""
