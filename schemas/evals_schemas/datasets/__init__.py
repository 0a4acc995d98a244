"""The data-set format: one reader for both sides, and what is odd about a file."""
