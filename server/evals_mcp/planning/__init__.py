"""The plan of an evaluation."""
