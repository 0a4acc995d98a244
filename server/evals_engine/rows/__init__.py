"""Evaluates one row: its answers, its verdict and its outcome."""
