"""Evaluations that stop when decided: which rules fit, and prices to count dollars by."""
