"""The evaluation types: one table of how their rows are read, summed up and compared."""
