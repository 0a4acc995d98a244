"""Figures, intervals and tests, as described in docs/statistics.md."""
