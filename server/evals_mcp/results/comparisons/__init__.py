"""Comparisons of two evaluations over the same rows."""
