"""Summaries of one evaluation, from its totals or from its rows."""
