"""How long templates and the texts of their rows may be."""

from __future__ import annotations

MAX_SOURCE = 64 * 1024
"""The longest template, in characters."""

MAX_OUTPUT = 1024 * 1024
"""The longest rendered prompt, in characters."""
