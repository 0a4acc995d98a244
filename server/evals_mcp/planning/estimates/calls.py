"""How many calls an evaluation makes to which model, and how many tokens they take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.planning.checks.rendered_sample import RenderedSample
from evals_mcp.planning.estimates.outputs import Outputs, Span
from evals_mcp.planning.estimates.prompt_overhead import CALL_TOKENS, MESSAGE_TOKENS, judge_tokens
from evals_mcp.planning.inputs.facts import calls_per_row
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    Endpoint,
    ModelRequest,
    candidates,
)
from evals_schemas.tools.inputs import RESPONSE_COLUMNS


@dataclass(frozen=True)
class PlannedCalls:
    """The calls to one model."""

    role: str
    """The request's field."""
    endpoint: Endpoint
    calls: int
    input_tokens: Span
    """Of all calls together."""
    output_tokens: Span
    """Likewise."""


def planned_calls(
    parameters: AnyParameters, profile: DatasetProfile, sample: RenderedSample, outputs: Outputs
) -> list[PlannedCalls]:
    """The calls by model, the judge's last; without those whose texts the sample does not have."""
    found: list[PlannedCalls] = []
    for role, each in calls_per_row(parameters).items():
        side = parameters.judge if role == "judge" else candidates(parameters)[role]
        assert isinstance(side, Endpoint)
        calls = each * profile.rows
        if not sample.texts.keys() >= set(texts_read(parameters, role)) and calls:
            continue
        if not calls:
            total = _same(0.0)
        elif role == "judge":
            total = _judge_input(parameters, profile, sample, outputs)
        else:
            total = _same(_total(_candidate_input(role, sample), profile, sample))
        used = total.times(each)
        found.append(PlannedCalls(role, side, calls, used, outputs.of(role).times(calls)))
    return found


def texts_read(parameters: AnyParameters, role: str) -> list[str]:
    """The fields whose texts are in the prompt of a role."""
    if role != "judge":
        return [f"{role}.system_template", f"{role}.input_template"]
    sides = candidates(parameters)
    models = [name for name, side in sides.items() if isinstance(side, ModelRequest)]
    ready = [RESPONSE_COLUMNS[name] for name in sides if name not in models]
    return ["judge.system_template", *ready, *(f"{name}.input_template" for name in models[:1])]


def _candidate_input(role: str, sample: RenderedSample) -> list[float]:
    """By sampled row."""
    system = sample.texts[f"{role}.system_template"].tokens
    asked = sample.texts[f"{role}.input_template"].tokens
    return [
        CALL_TOKENS + MESSAGE_TOKENS + text + (rubric + MESSAGE_TOKENS if rubric else 0)
        for rubric, text in zip(system, asked, strict=True)
    ]


def _judge_input(
    parameters: AnyParameters, profile: DatasetProfile, sample: RenderedSample, outputs: Outputs
) -> Span:
    """Of one call a row."""
    sides = candidates(parameters)
    models = [name for name, side in sides.items() if isinstance(side, ModelRequest)]
    fixed = judge_tokens(parameters, len(sides), bool(models))
    texts = [sample.texts[name].tokens for name in texts_read(parameters, "judge")]
    total = _total([fixed + sum(row) for row in zip(*texts, strict=True)], profile, sample)
    answers = [outputs.of(name).times(profile.rows) for name in models]
    return _sum([_same(total), *answers])


def _total(tokens: Sequence[float], profile: DatasetProfile, sample: RenderedSample) -> float:
    """From the sampled rows to all: by the mean, corrected for how long the sampled rows are.

    Source: the regression estimator of W. G. Cochran, Sampling Techniques (1977), chapter 7.
    """
    if not tokens:
        return 0.0
    mean = sum(tokens) / len(tokens)
    if len(tokens) < profile.rows:
        lengths = [row.bytes for row in sample.rows]
        missing = profile.bytes / profile.rows - sum(lengths) / len(lengths)
        mean = max(min(tokens), mean + _slope(lengths, tokens) * missing)
    return mean * profile.rows


def _slope(lengths: Sequence[int], tokens: Sequence[float]) -> float:
    """Tokens for each further byte of a row: least squares; 0 where all rows are as long."""
    mean_x, mean_y = sum(lengths) / len(lengths), sum(tokens) / len(tokens)
    spread = sum((x - mean_x) ** 2 for x in lengths)
    common = sum((x - mean_x) * (y - mean_y) for x, y in zip(lengths, tokens, strict=True))
    return max(0.0, common / spread) if spread else 0.0


def _same(expected: float) -> Span:
    return Span(expected, expected, expected)


def _sum(spans: Iterable[Span]) -> Span:
    total = _same(0.0)
    for span in spans:
        total = replace(
            total,
            low=total.low + span.low,
            expected=total.expected + span.expected,
            high=total.high + span.high,
        )
    return total
