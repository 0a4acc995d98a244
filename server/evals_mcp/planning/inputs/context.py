"""What a server keeps for planning between calls. It may forget any of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from evals_mcp.datasets.profiles import Profiles

Render = Callable[[Mapping[str, Any]], str]
"""The text of one row. Raises RenderError."""

CompileTemplate = Callable[[str, str], Render]
"""From a template's source and the field that holds it. Raises InvalidRequestError."""


class RenderError(Exception):
    """A template fails on a row; the message says where and why, without the row's content."""


class PlanningDesk:
    """The collaborators of every plan, and the data sets looked at lately."""

    def __init__(
        self,
        compile_template: CompileTemplate | None = None,
        clock: Callable[[], float] = time.monotonic,
        benchmark_judge: str | None = None,
        *,
        serves_models: bool = True,
    ) -> None:
        """Begin with nothing kept.

        Args:
            compile_template: renders templates as the run will; without it none is rendered, and
                tokens are counted from the columns that a template reads.
            clock: seconds that only ever grow.
            benchmark_judge: what judges benchmarks on the embedded engine, a rule or a model; None
                where it is not known.
            serves_models: whether the embedded engine has an endpoint for models.
        """
        self.compile_template = compile_template
        self.clock = clock
        self.benchmark_judge = benchmark_judge
        self.serves_models = serves_models
        self.profiles = Profiles(clock)
