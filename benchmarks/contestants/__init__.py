"""What is measured, each in a process and, but for ours, in an environment of its own."""
