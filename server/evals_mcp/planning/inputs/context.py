"""How templates are rendered, and what planning keeps between calls and may forget."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from evals_mcp.datasets.profiles import Profiles

Render = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Returns the text of one row. Raises RenderError."""

CompileTemplate = Callable[[str, str, str], Awaitable[Render]]
"""Compiles a template, given its source, the field that holds it, and whose template it is.
Raises InvalidRequestError."""


class RenderError(Exception):
    """A template failed on a row; the message says where and why, without the row's content."""


class PlanningContext:
    """What all plans of a server share: the template renderer, recent data sets."""

    def __init__(
        self,
        compile_template: CompileTemplate | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with no data-set profiles.

        Args:
            compile_template: renders templates as the evaluation will; if None, plans count tokens
                from the columns that a template reads and render nothing else.
            clock: a clock in seconds that never goes back.
        """
        self.compile_template = compile_template
        self.clock = clock
        self.profiles = Profiles(clock)
