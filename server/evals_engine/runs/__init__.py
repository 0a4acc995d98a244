"""Runs of evaluations: created once, claimed under a lease, judged row by row, ended."""
