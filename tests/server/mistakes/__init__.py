"""Mistakes that callers make, each with the part of the answer that lets them correct it."""
