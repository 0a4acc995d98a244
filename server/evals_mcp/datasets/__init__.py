"""Data sets: taken from an allowed folder, read, checked, profiled and sent once."""
