"""Puts the text of a ready rubric where a request names it as the judge's `system_template`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.near_names import near_names
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.rubrics.rubric import RUBRIC_PREFIX, Rubric, VerdictValue, written
from evals_schemas.rubrics.table import RUBRICS, newest
from evals_schemas.tools.inputs import RESPONSE_COLUMNS, CreateEvaluationInput, JudgeInput

_FIELD = "judge.system_template"

_NAMES_A_RUBRIC = re.compile(r"\s*rubrics?/\S", re.IGNORECASE)
_REFERENCE = re.compile(r"rubric/([a-z-]{1,60})(?:@([0-9]{1,6}))?(?:\s*\(([^()]{0,2000})\))?")
_RENAMING = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*([A-Za-z_]\w*)\s*")
_NO_COLUMNS = frozenset({"true", "false", "none", "self", "loop"})
"""Words, besides Python's, that look like a column in a template and are none."""

_SHOWN = f"list_models with `filter` {RUBRIC_PREFIX} lists the ready rubrics"


def with_ready_rubric(
    arguments: CreateEvaluationInput, rubrics: Sequence[Rubric] = RUBRICS
) -> CreateEvaluationInput:
    """Return the arguments with a named rubric's text, and with its verdicts where none are given.

    The arguments are returned as they are if they name no ready rubric.

    Args:
        arguments: arguments whose fields all belong to their type.
        rubrics: every version of every rubric.

    Raises:
        InvalidRequestError: there is no such rubric, version or column; the rubric is written for
            another type or for other verdicts; no answer is named; or a rubric stands in a field
            that takes none.
    """
    judge = arguments.judge
    _refuse_other_places(arguments)
    if judge is None or not _names_a_rubric(judge.system_template, rubrics):
        return arguments
    rubric, renamed = _referenced(judge.system_template.strip(), rubrics)
    _refuse_misuse(arguments, judge, rubric, rubrics)
    text = judge.model_copy(update={"system_template": rubric.text(renamed)})
    return arguments.model_copy(update={"judge": text, **_verdict_fields(arguments, rubric)})


def _names_a_rubric(text: str, rubrics: Sequence[Rubric]) -> bool:
    """Return whether a template is meant as a name; a bare name such as `toxicity` is, too."""
    bare = text.strip().casefold()
    return bool(_NAMES_A_RUBRIC.match(text)) or any(bare == rubric.name for rubric in rubrics)


def _refuse_other_places(arguments: CreateEvaluationInput) -> None:
    """Refuse a rubric's name as the judge's model and as the prompt of a model to run."""
    if arguments.judge and _NAMES_A_RUBRIC.match(arguments.judge.model):
        raise InvalidRequestError(
            f"`judge.model` is {quoted(arguments.judge.model, 80)}: a rubric goes into `{_FIELD}`. "
            "Name a model that judges with it in `judge.model`; list_models has the names."
        )
    for field in RESPONSE_COLUMNS:
        candidate: Any = getattr(arguments, field)
        if candidate and _NAMES_A_RUBRIC.match(candidate.system_template):
            raise InvalidRequestError(
                f"`{field}.system_template` names a rubric, which is for the judge: put it into "
                f"`{_FIELD}`."
            )


def _referenced(text: str, rubrics: Sequence[Rubric]) -> tuple[Rubric, dict[str, str]]:
    """Return the rubric that a name refers to, and its renamed columns."""
    match = _REFERENCE.fullmatch(text)
    if match is None or not any(rubric.name == match[1] for rubric in rubrics):
        raise InvalidRequestError(_no_such_rubric(text, rubrics))
    name, version, columns = match.groups()
    versions = {rubric.version: rubric for rubric in rubrics if rubric.name == name}
    chosen = int(version) if version else max(versions)
    if chosen not in versions:
        exist = ", ".join(f"{RUBRIC_PREFIX}{name}@{number}" for number in sorted(versions))
        raise InvalidRequestError(f"`{_FIELD}`: there is no version {chosen}, only {exist}.")
    return versions[chosen], _renamed(columns, versions[chosen])


def _no_such_rubric(text: str, rubrics: Sequence[Rubric]) -> str:
    """Return the problem of a name that no rubric has, with near names and the written form."""
    names = [RUBRIC_PREFIX + rubric.name for rubric in newest(rubrics)]
    beginning = re.split(r"[@(]", text, maxsplit=1)[0]
    near = near_names(beginning, names, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}."
    return (
        f"`{_FIELD}` is {quoted(text, 80)}, which is not the name of a ready rubric. {hint} A "
        f"version and other columns are added as in {names[0]}@1(question=prompt); {_SHOWN}."
    )


def _renamed(columns: str | None, rubric: Rubric) -> dict[str, str]:
    """Return the columns written as `reference=expected, question=prompt`."""
    renamed: dict[str, str] = {}
    for part in (columns or "").split(",") if (columns or "").strip() else ():
        match = _RENAMING.fullmatch(part)
        if match is None or keyword.iskeyword(match[2]) or match[2].casefold() in _NO_COLUMNS:
            raise InvalidRequestError(
                f"`{_FIELD}` has {quoted(part.strip(), 80)}: write the rubric's column, =, and "
                "the data set's column, whose name must have letters, digits and _ only, as in "
                "(question=prompt)."
            )
        if match[1] not in {column.name for column in rubric.columns}:
            reads = ", ".join(column.name for column in rubric.columns) or "the answer only"
            raise InvalidRequestError(
                f"`{_FIELD}`: {rubric.full_name} has no column {quoted(match[1], 60)}. It reads "
                f"{reads}."
            )
        renamed[match[1]] = match[2]
    return renamed


def _refuse_misuse(
    arguments: CreateEvaluationInput,
    judge: JudgeInput,
    rubric: Rubric,
    rubrics: Sequence[Rubric],
) -> None:
    """Refuse a rule as the judge, another type, and a request without an answer to judge."""
    if judge.model.startswith(RULE_PREFIX):
        raise InvalidRequestError(
            f"`judge.model` is {quoted(judge.model, 60)}: a rule compares with the expected text "
            f"in `{_FIELD}` and reads no rubric. Name a model, or write the expected text."
        )
    if arguments.type != rubric.type:
        others = [other.full_name for other in newest(rubrics) if other.type == arguments.type]
        raise InvalidRequestError(
            f"{rubric.full_name} is written for type {rubric.type}, not {arguments.type}: change "
            f"`type`, or use {_alternatives(others)}a rubric of your own text."
        )
    sides = [RESPONSE_COLUMNS, RESPONSE_COLUMNS.values()]
    if not any(getattr(arguments, field) for fields in sides for field in fields):
        raise InvalidRequestError(
            f"`response_column` or `model_to_evaluate` is missing: {rubric.full_name} judges an "
            "answer. Name the column of ready answers, or give a model to run."
        )


def _alternatives(names: Sequence[str]) -> str:
    return f"{', '.join(names)} or " if names else ""


def _verdict_fields(arguments: CreateEvaluationInput, rubric: Rubric) -> Mapping[str, object]:
    """Return the labels or the range of the rubric where the arguments have none.

    Raises:
        InvalidRequestError: the arguments have others than those that the text explains.
    """
    for name, value in rubric.fixed.items():
        given = getattr(arguments, name)
        if given is not None and not _equal(given, value):
            raise InvalidRequestError(
                f"`{name}`: {rubric.full_name} is written for {written(value)}. Leave `{name}` "
                f"out, or write a rubric for yours; {_SHOWN} with their texts to start from."
            )
    values = {**rubric.fixed, **rubric.usual}
    return {name: value for name, value in values.items() if getattr(arguments, name) is None}


def _equal(given: VerdictValue, value: VerdictValue) -> bool:
    """Return whether two values are equal; labels may be in any order."""
    if isinstance(given, list) and isinstance(value, list):
        return sorted(given) == sorted(value)
    return given == value
