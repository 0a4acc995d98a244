"""How templates are rendered before the start: by what renders them in the run, passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Render = Callable[[Mapping[str, Any]], str]
"""The text of one row. Raises RenderFault."""

CompileTemplate = Callable[[str, str], Render]
"""From a template's source and the field that holds it. Raises InvalidRequestError."""


class RenderFault(Exception):
    """A template fails on a row; the message says where and why, without the row's content."""
