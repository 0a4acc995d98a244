"""Data sets: found in an allowed folder, read, checked, profiled, sent once."""
