"""What is wrong with the arguments of a call, and what callers mean by their words."""
