"""The tools, a module a tool, and the catalogue."""
