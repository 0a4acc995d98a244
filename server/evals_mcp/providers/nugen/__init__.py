"""Nugen's benchmark API, all three generations."""
