"""Training and export of the head by which hopeless candidates leave a cross-encoder early."""
