"""A cache of result files: downloaded once, indexed once, read a page at a time."""
