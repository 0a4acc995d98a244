"""Calls, tokens, cost and time."""
