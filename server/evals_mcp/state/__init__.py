"""What the server remembers between calls and processes: records by principal, and locks."""
