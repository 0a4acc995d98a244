"""Servers of other projects that ours is compared with."""
