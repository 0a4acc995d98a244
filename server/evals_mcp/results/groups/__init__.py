"""The same figures for each value of a column, and which values differ."""
