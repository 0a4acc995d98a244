"""The ready rubrics as `list_models` shows them: all in short, one in full."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.near_names import near_names
from evals_schemas.rubrics.rubric import RUBRIC_PREFIX, Rubric
from evals_schemas.rubrics.table import RUBRICS, newest
from evals_schemas.tools.outputs import ListModelsOutput, ModelLine

_STEP = (
    "Give a name to create_evaluation as judge.system_template, with a model as judge.model; its "
    f"labels or range need not be passed. {RUBRIC_PREFIX}correctness(reference=expected) reads "
    "another column. A dry_run shows the text"
)


def asks_for_rubrics(text: str | None) -> bool:
    """Return whether the filter of `list_models` is the name of rubrics or its beginning."""
    folded = (text or "").strip().casefold()
    return folded in {"rubric", "rubrics"} or folded.startswith(RUBRIC_PREFIX)


def list_rubrics(text: str, rubrics: Sequence[Rubric] = RUBRICS) -> ListModelsOutput:
    """Return the newest version of each rubric whose name contains the filter, one with its text.

    Args:
        text: a filter for which `asks_for_rubrics` is true; with a version, as in
            `rubric/correctness@1`, it finds that version.
        rubrics: every version of every rubric.
    """
    folded = text.strip().casefold()
    word = folded.partition("(")[0] if folded.startswith(RUBRIC_PREFIX) else RUBRIC_PREFIX
    candidates = rubrics if "@" in word else newest(rubrics)
    matches = [rubric for rubric in candidates if word in rubric.full_name]
    if not matches:
        names = [rubric.full_name for rubric in newest(rubrics)]
        similar = near_names(word.partition("@")[0], names) or names
        step = f"No ready rubric has this name. Similar: {', '.join(similar)}."
        return ListModelsOutput(models=[], total=0, next_step=step)
    more = "." if len(matches) == 1 else "; so does list_models with one name as `filter`."
    return ListModelsOutput(
        models=[_line(rubric, in_full=len(matches) == 1) for rubric in matches],
        total=len(matches),
        next_step=_STEP + more,
    )


def _line(rubric: Rubric, *, in_full: bool) -> ModelLine:
    columns = [column.name for column in rubric.columns]
    reads = ", ".join(["the answer", *columns]) if columns else "the answer only"
    verdicts = ", ".join(rubric.verdicts)
    about = f"{rubric.type}: {verdicts}; reads {reads}; {rubric.measures}"
    if in_full:
        about = f"{about}. {rubric.limits}\n{rubric.text()}"
    return ModelLine(id=rubric.full_name, type="rubric", about=about)
