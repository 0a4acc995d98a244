"""Tool answers as text."""
