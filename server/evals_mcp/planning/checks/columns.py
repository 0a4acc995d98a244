"""Checks that a request and the columns of its data set fit together.

A service reports a missing or unused column only after the evaluation has started, and then ends
the evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals_mcp.cleaning import inert, quoted
from evals_mcp.near_names import near_names
from evals_mcp.planning.checks.rubric_columns import advice_for_column
from evals_mcp.planning.inputs.templates import ReadTemplates, TemplateNames, templates
from evals_schemas.datasets.reader import IMAGE_COLUMN
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    ModelRequest,
    candidates,
)
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.tools.inputs import RESPONSE_COLUMNS

COLUMNS_NAMED = 20
"""Columns that a sentence names, and missing ones that get a sentence; the rest are counted."""

_MODEL_NAME = re.compile(
    r"/|^(gpt|o[134]|claude|gemini|llama|qwen|mistral|mixtral|deepseek|kimi|glm|phi|gemma)\b",
    re.IGNORECASE,
)

_BRACED = re.compile(r"\{([^{}]{1,200})\}")


@dataclass(frozen=True)
class ColumnFit:
    """The columns that a request uses, and what does not fit."""

    used: list[str]
    unused: list[str]
    """Columns that no template and no response column names; they are not sent."""
    problems: list[str]
    faulty_fields: frozenset[str]
    """Templates and response columns that cannot be rendered, by the request's field."""


@dataclass(frozen=True)
class _FieldUse:
    """The columns that one field of a request uses, and the problems of that field."""

    columns: frozenset[str]
    """Columns used, or most likely meant where a name is misspelt."""
    problems: tuple[str, ...] = ()
    complete: bool = True
    """False if the field may use other columns that cannot be determined."""


def check_columns(
    parameters: AnyParameters, columns: Sequence[str], names: ReadTemplates
) -> ColumnFit:
    """Return everything that does not fit these columns, each problem with its correction.

    Args:
        parameters: parameters of the request.
        columns: columns of its data set.
        names: the names that its templates read.
    """
    responses = {
        name: _response_column_use(name, column, columns)
        for name, column in response_columns(parameters)
    }
    prompts = {
        name: _template_use(name, template, columns, names[name])
        for name, template in templates(parameters)
    }
    uses = responses | prompts
    response_names = {IMAGE_COLUMN}.union(*(use.columns for use in responses.values()))
    used_names = response_names.union(*(use.columns for use in prompts.values()))
    used = [name for name in columns if name in used_names]
    unused = [name for name in columns if name not in used_names]
    problems = [
        *_candidate_problems(parameters, columns),
        *(problem for use in uses.values() for problem in use.problems),
    ]
    if not used and not problems:
        problems.append(_nothing_used(parameters, columns))
    faulty = frozenset(name for name, use in uses.items() if use.problems)
    return ColumnFit(used, unused, problems, faulty)


def response_columns(parameters: AnyParameters) -> Iterator[tuple[str, str]]:
    """Yield the tool's field and the column of each side that uses ready answers."""
    for model, side in candidates(parameters).items():
        if isinstance(side, str):
            yield RESPONSE_COLUMNS[model], side


def named(columns: Sequence[str]) -> str:
    """Return the columns as part of a sentence, cleaned and cut."""
    text = ", ".join(quoted(column, 60) for column in columns[:COLUMNS_NAMED])
    more = len(columns) - COLUMNS_NAMED
    return f"{text} and {more} more" if more > 0 else text


def _response_column_use(name: str, column: str, columns: Sequence[str]) -> _FieldUse:
    if column in columns:
        return _FieldUse(frozenset({column}))
    near = near_names(column, columns, 1)
    problem = _no_response_column(name, column, columns, near)
    # Without a similar name, any column may be the one with the answers.
    return _FieldUse(frozenset(near), (problem,), complete=bool(near))


def _template_use(
    name: str, template: str, columns: Sequence[str], read: TemplateNames
) -> _FieldUse:
    if read.problem is not None:
        return _FieldUse(frozenset(), (read.problem,), complete=False)
    used = set(read.names.intersection(columns))
    problems: list[str] = []
    if braced := _in_single_braces(template, columns):
        problems.append(_single_braces(name, braced))
        used.update(braced)
    missing = sorted(read.names.difference(columns, read.functions))
    for wrong in missing[:COLUMNS_NAMED]:
        problem, near = _no_template_column(name, template, wrong, columns)
        problems.append(problem)
        used.update(near)
    if (more := len(missing) - COLUMNS_NAMED) > 0:
        problems.append(f"`{name}` uses {more:,} more names that are not columns.")
    return _FieldUse(frozenset(used), tuple(problems))


def _candidate_problems(parameters: AnyParameters, columns: Sequence[str]) -> Iterator[str]:
    """Yield a problem for a rule without answers and for a column named in place of a model."""
    sides = candidates(parameters)
    judge = parameters.judge.model
    if judge in columns and judge not in sides.values() and not _MODEL_NAME.search(judge):
        ready = next((RESPONSE_COLUMNS[name] for name in sides), "response_column")
        yield (
            f"`judge.model` is {quoted(judge, 60)}, a column of the data set. A judge is a model "
            f"or a rule from list_models; name a column of ready answers in `{ready}`."
        )
    if parameters.judge.model.startswith(RULE_PREFIX) and not sides:
        yield (
            "`response_column` or `model_to_evaluate` is missing: a rule compares an answer with "
            f"the expected one. The data set has {named(columns)}."
        )
    for name, side in sides.items():
        model = side.model if isinstance(side, ModelRequest) else ""
        is_column = model in columns and model not in sides.values()
        if is_column and not _MODEL_NAME.search(model):
            yield (
                f"`{name}.model` is {quoted(model, 60)}, a column of the data set. For ready "
                f"answers, pass the column as `{RESPONSE_COLUMNS[name]}` and leave `{name}` out."
            )


def _no_response_column(name: str, column: str, columns: Sequence[str], near: Sequence[str]) -> str:
    text = f"`{name}`: the data set has no column {quoted(column, 60)}. It has {named(columns)}."
    text += _did_you_mean(near)
    if _MODEL_NAME.search(column):
        model = next(model for model, field in RESPONSE_COLUMNS.items() if field == name)
        text += f" To run a model on every row, pass it as an object in `{model}` instead."
    return text


def _no_template_column(
    name: str, template: str, wrong: str, columns: Sequence[str]
) -> tuple[str, Sequence[str]]:
    """Return the problem of a column that is missing, and the columns most likely meant."""
    problem = (
        f"`{name}` uses {{{{{inert(wrong, 60)}}}}}, which is not a column of the data set. "
        f"It has {named(columns)}."
    )
    if advice := advice_for_column(template, wrong, columns):
        return f"{problem} {advice.sentence}", [advice.column] if advice.column else []
    near = near_names(wrong, columns, 1)
    return problem + _did_you_mean(near), near


def _in_single_braces(template: str, columns: Sequence[str]) -> list[str]:
    """Return the columns in single braces, as other languages write them, of a template without
    Jinja2.
    """
    if "{{" in template or "{%" in template:
        return []
    braced = {text.strip() for text in _BRACED.findall(template)}
    return [column for column in columns if column in braced]


def _single_braces(name: str, braced: Sequence[str]) -> str:
    written = ", ".join(f"{{{inert(column, 60)}}}" for column in braced[:3])
    return (
        f"`{name}` has {written}, which is not replaced: write {{{{{inert(braced[0], 60)}}}}}, "
        "with two braces on each side."
    )


def _did_you_mean(near: Sequence[str]) -> str:
    return f" Did you mean {quoted(near[0], 60)}?" if near else ""


def _nothing_used(parameters: AnyParameters, columns: Sequence[str]) -> str:
    ready = "" if candidates(parameters) else ", or name a column of answers in `response_column`"
    return (
        f"Nothing uses a column of the data set, which has {named(columns)}: read one in "
        f"`judge.system_template` as {{{{column}}}}{ready}."
    )
