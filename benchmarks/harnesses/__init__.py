"""Evaluation harnesses of other projects, which run on our rows with our endpoint."""
