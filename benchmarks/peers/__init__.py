"""Servers of other projects that the figures stand beside."""
