"""The page that people look at: its text, its data, and the calls that it may make."""
