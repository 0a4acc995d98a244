"""Whether a request and the columns of its data set fit together.

A service finds a missing or unused column only after the job has started, and ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from evals_mcp.cleaning import clean
from evals_mcp.errors import InvalidRequestError
from evals_mcp.near_names import near_names
from evals_mcp.planning.checks.template_columns import can_be_named, columns_read, functions
from evals_schemas.datasets.reader import IMAGE_COLUMN
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ModelRequest,
    candidates,
)
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.tools.inputs import RESPONSE_COLUMNS

COLUMNS_NAMED = 20
"""How many columns a sentence names; it counts the rest."""

_MODEL_NAME = re.compile(
    r"/|^(gpt|o[134]|claude|gemini|llama|qwen|mistral|mixtral|deepseek|kimi|glm|phi|gemma)\b",
    re.IGNORECASE,
)

_BRACED = re.compile(r"\{([^{}]{1,200})\}")


@dataclass
class ColumnFit:
    """What reads which column, and what does not fit."""

    used: list[str] = field(default_factory=list[str])
    unused: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])
    faulty: set[str] = field(default_factory=set[str])
    """The fields that cannot be rendered: templates and response columns that do not fit."""
    reads: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """The columns that each sound template takes from a row, by the field it stands in."""


def fit_columns(parameters: AnyParameters, columns: Sequence[str]) -> ColumnFit:
    """Everything that is wrong between a request and these columns, each with the way out.

    A long template takes a while to parse; call it in a worker thread.
    """
    fit = ColumnFit(problems=list(_candidate_problems(parameters, columns)))
    taken = {IMAGE_COLUMN}
    known = _fit_response_columns(parameters, columns, taken, fit)
    nameless = [name for name in columns if name not in taken and not can_be_named(name)]
    if nameless:
        fit.problems.append(_unnameable(nameless, columns))
    sound = _fit_templates(parameters, columns, taken, fit)
    fit.used = [name for name in columns if name in taken]
    fit.unused = [name for name in columns if name not in taken]
    # What a broken template would have read is not known, nor which column holds the answers.
    if known and sound and (unread := [name for name in fit.unused if name not in nameless]):
        fit.problems.append(_unused(unread, fit.used, parameters))
    return fit


def response_columns(parameters: AnyParameters) -> Iterator[tuple[str, str]]:
    """The tool's field and the column of each side that is a column of ready answers."""
    for model, side in candidates(parameters).items():
        if isinstance(side, str):
            yield RESPONSE_COLUMNS[model], side


def templates(parameters: AnyParameters) -> Iterator[tuple[str, str]]:
    """Each template of a request, with the field that it stands in."""
    yield "judge.system_template", parameters.judge.system_template
    for model, side in candidates(parameters).items():
        if isinstance(side, ModelRequest):
            yield f"{model}.system_template", side.system_template
            yield f"{model}.input_template", side.input_template


def named(columns: Sequence[str]) -> str:
    """Columns as a sentence names them, cleaned and cut."""
    text = ", ".join(repr(clean(column, 60)) for column in columns[:COLUMNS_NAMED])
    more = len(columns) - COLUMNS_NAMED
    return f"{text} and {more} more" if more > 0 else text


def _fit_response_columns(
    parameters: AnyParameters, columns: Sequence[str], taken: set[str], fit: ColumnFit
) -> bool:
    """Add the columns of ready answers; false where one is not there and resembles none."""
    known = True
    for name, column in response_columns(parameters):
        meant = [column] if column in columns else near_names(column, columns, 1)
        if column not in columns:
            fit.faulty.add(name)
            fit.problems.append(_no_response_column(name, column, columns, meant))
        taken.update(meant)
        known = known and bool(meant)
    return known


def _fit_templates(
    parameters: AnyParameters, columns: Sequence[str], taken: set[str], fit: ColumnFit
) -> bool:
    """Add what the templates read; false where one is none, or means a column it does not name."""
    sound = True
    for name, template in templates(parameters):
        try:
            fit.reads[name] = columns_read(name, template)
        except InvalidRequestError as error:
            fit.problems.append(str(error))
            fit.faulty.add(name)
            sound = False
            continue
        taken |= fit.reads[name].intersection(columns)
        if braced := _in_single_braces(template, columns):
            fit.problems.append(_single_braces(name, braced))
            fit.faulty.add(name)
            taken.update(braced)
        for wrong in sorted(fit.reads[name].difference(columns, functions())):
            near = near_names(wrong, columns, 1)
            fit.faulty.add(name)
            fit.problems.append(_no_template_column(name, wrong, columns, near))
            taken.update(near)
    return sound


def _candidate_problems(parameters: AnyParameters, columns: Sequence[str]) -> Iterator[str]:
    """A rule with nothing to judge, and a column's name where a model's belongs."""
    sides = candidates(parameters)
    judge = parameters.judge.model
    if judge in columns and judge not in sides.values() and not _MODEL_NAME.search(judge):
        ready = next((RESPONSE_COLUMNS[name] for name in sides), "response_column")
        yield (
            f"`judge.model` is {clean(judge, 60)!r}, a column of the data set. A judge is a model "
            f"or a rule from list_models; a column of ready answers is named in `{ready}`."
        )
    if parameters.judge.model.startswith(RULE_PREFIX) and not sides:
        yield (
            "`response_column` or `model_to_evaluate` is missing: a rule compares an answer with "
            f"what is expected. The data set has {named(columns)}."
        )
    for name, side in sides.items():
        model = side.model if isinstance(side, ModelRequest) else ""
        is_column = model in columns and model not in sides.values()
        if is_column and not _MODEL_NAME.search(model):
            yield (
                f"`{name}.model` is {clean(model, 60)!r}, a column of the data set. For ready "
                f"answers give its name as `{RESPONSE_COLUMNS[name]}` and leave `{name}` out."
            )


def _no_response_column(name: str, column: str, columns: Sequence[str], near: Sequence[str]) -> str:
    text = f"`{name}`: the data set has no column {clean(column, 60)!r}. It has {named(columns)}."
    text += _did_you_mean(near)
    if _MODEL_NAME.search(column):
        model = next(model for model, taken in RESPONSE_COLUMNS.items() if taken == name)
        text += f" To run a model on every row, pass it as an object in `{model}` instead."
    return text


def _no_template_column(name: str, wrong: str, columns: Sequence[str], near: Sequence[str]) -> str:
    return (
        f"`{name}` uses {{{{{clean(wrong, 60)}}}}}, which is no column of the data set. "
        f"It has {named(columns)}.{_did_you_mean(near)}"
    )


def _in_single_braces(template: str, columns: Sequence[str]) -> list[str]:
    """The columns that a template names as other languages do, where it has no place of Jinja2."""
    if "{{" in template or "{%" in template:
        return []
    found = {each.strip() for each in _BRACED.findall(template)}
    return [column for column in columns if column in found]


def _single_braces(name: str, braced: Sequence[str]) -> str:
    written = ", ".join(f"{{{clean(column, 60)}}}" for column in braced[:3])
    return (
        f"`{name}` has {written}, which stays as it is: columns are written "
        f"{{{{{clean(braced[0], 60)}}}}}, with two braces on each side."
    )


def _did_you_mean(near: Sequence[str]) -> str:
    return f" Did you mean {clean(near[0], 60)!r}?" if near else ""


def _unnameable(nameless: Sequence[str], columns: Sequence[str]) -> str:
    kept = [name for name in columns if name not in nameless]
    return (
        f"No template can read the column {named(nameless)}: Jinja2 takes letters, digits and _, "
        "not a digit first. Rename it in the data set or name it as a response column"
        f"{_or_without(kept)}."
    )


def _unused(unused: Sequence[str], used: Sequence[str], parameters: AnyParameters) -> str:
    """Every way to use a column, or to do without it."""
    ready = "" if candidates(parameters) else ", name it in `response_column` if it holds answers"
    column, it = ("column", "it") if len(unused) == 1 else ("columns", "them")
    return (
        f"Nothing uses the {column} {named(unused)}: each must be read by a template or be a "
        f"response column, or the service ends the evaluation. Use {it} in `judge.system_template`"
        f"{ready}{_or_without(used)}."
    )


def _or_without(kept: Sequence[str]) -> str:
    return f", or call upload_dataset again with `columns` [{named(kept)}]" if kept else ""
