"""The arguments of `create_evaluation` that build on an earlier evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

EARLIER = ("answers_of", "retry_of")
"""Arguments that name an evaluation from which others are taken over."""

MODELS = ("judge", "model_to_evaluate", "model_a", "model_b")
"""Arguments that are objects, of which a call may give only the fields that differ."""


def with_changes_apart(arguments: object) -> object:
    """Return the arguments with the models of a call that builds on an earlier one in `changes`.

    Such a call may leave out required fields of a model, because they are taken over. Anything
    else is returned unchanged, for the validation that follows.
    """
    if not isinstance(arguments, Mapping):
        return arguments
    fields = dict(cast("Mapping[str, Any]", arguments))
    if not any(isinstance(fields.get(name), str) for name in EARLIER) or fields.get("metrics"):
        return cast("object", arguments)
    changes = {name: fields.pop(name) for name in MODELS if isinstance(fields.get(name), dict)}
    return {**fields, "changes": changes} if changes else fields
