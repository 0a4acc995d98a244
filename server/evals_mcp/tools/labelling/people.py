"""How people label and close a sample here, which no model can do in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals_mcp.argument_errors.vocabulary import bare
from evals_mcp.tools.calls.definition import PeopleOnly
from evals_mcp.tools.calls.session import ToolSession

_SAID = frozenset(
    {
        *("label", "labels", "value", "verdict", "verdicts", "humanlabel", "rating", "score"),
        *("choice", "decision", "passed", "shouldbe", "opinion", "mark", "position", "skip"),
        *("labeller", "labeler", "annotator", "ticket", "close", "closed", "closesample"),
    }
)
"""Words for arguments with which a model would label, or close the sample; see `bare`."""

_MODELS = (
    "Labels that a model gave are a column of the data set, which get_evaluation takes as "
    "`human_column` with `labels_are` model."
)


def people_label(session: ToolSession) -> str:
    """Return where the user of a call can label rows and close the sample, as sentences."""
    places = ["on the page of get_evaluation, if the client shows it"]
    if session.is_of_this_machine:
        places += ["with `evals-mcp label ID` in a terminal", "in `evals-mcp view`"]
    others = " or ".join(filter(None, [", ".join(places[:-1]), places[-1]]))
    if session.ask_user.can_ask:
        return (
            "Call label_rows with no more than `evaluation_id` and `plan`, and the client asks the "
            f"user, who can also label {others}."
        )
    return f"The user labels {others}."


def _refusal(session: ToolSession) -> str:
    return (
        "Nothing was labelled: a label is what a person says, and no argument of a model says it. "
        f"{people_label(session)} {_MODELS}"
    )


def _says_a_label(arguments: Mapping[str, Any]) -> bool:
    return any(value is not None and bare(name) in _SAID for name, value in arguments.items())


LABELS = PeopleOnly(_says_a_label, _refusal)
"""Labels, and the end of a sample: `label_rows` takes neither as an argument."""
