"""What all plans of a server share, of which planning may forget the data sets."""

from __future__ import annotations

import time
from collections.abc import Callable

from evals_mcp.datasets.profiles import Profiles
from evals_mcp.planning.inputs.templates import Templates


class PlanningContext:
    """What all plans of a server share: the worker processes for templates, recent data sets."""

    def __init__(self, templates: Templates, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with no data-set profiles.

        Args:
            templates: parses templates, and renders them as the embedded engine does.
            clock: a clock in seconds that never goes back.
        """
        self.templates = templates
        self.clock = clock
        self.profiles = Profiles(clock)
