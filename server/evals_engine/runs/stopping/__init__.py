"""Runs that may stop early: rows in a seeded random order, and the evidence of those that ended."""
