"""Intervals and tests; the code of docs/statistics.md."""
