"""What a worker process can compute: one line a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

Compute = Callable[[Any], Any]
"""Computes one item; both are JSON values. A `TaskError` is the item's fault."""

OpenTask = Callable[[Any], tuple[Any, Compute]]
"""Sets a task up from a JSON value. Returns facts about the set-up, and what computes the items."""

TASKS: Mapping[str, str] = {
    "template": "evals_engine.templates.rendering:open_template",
    "rule": "evals_engine.judges.rule_task:open_rule",
    "names": "evals_mcp.planning.template_task:open_names",
    "file": "evals_mcp.datasets.file_task:open_files",
}
"""Where each task is opened, as `module:function`. The module is imported by the worker alone."""


class TaskError(Exception):
    """The set-up or an item is at fault; the message is shown to the caller."""


def open_task(name: str, setup: Any) -> tuple[Any, Compute]:
    """Set a task up.

    Raises:
        TaskError: the set-up is at fault.
    """
    module, _, function = TASKS[name].partition(":")
    return cast("OpenTask", getattr(import_module(module), function))(setup)
