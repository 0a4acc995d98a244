"""One row: its answers, then its verdict, then an outcome."""
