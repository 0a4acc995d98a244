"""Jinja2 templates in a sandbox with a budget."""
