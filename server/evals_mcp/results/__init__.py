"""From results to numbers that hold: pure functions, no I/O."""
