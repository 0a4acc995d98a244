"""Marks: what people say about verdicts, kept for the answers, and counted with an interval."""
