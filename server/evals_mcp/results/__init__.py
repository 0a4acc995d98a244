"""What judged rows say: rows and pages (pure functions, no I/O)."""
