"""Reads judged rows and lays them out in pages; pure functions without I/O."""
