"""How many calls an evaluation makes to each model, and how many tokens they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """Prompt tokens of all calls together."""
    output_tokens: Span
    """Generated tokens of all calls together."""


def planned_calls(
    parameters: AnyParameters, profile: DatasetProfile, sample: RenderedSample, outputs: Outputs
) -> list[PlannedCalls]:
    """Return the calls by model, the judge's last, without models whose texts the sample lacks."""
    planned: list[PlannedCalls] = []
    for role, row_calls in calls_per_row(parameters).items():
        endpoint = parameters.judge if role == "judge" else candidates(parameters)[role]
        assert isinstance(endpoint, Endpoint)
        calls = row_calls * profile.rows
        if calls and not sample.texts.keys() >= set(texts_read(parameters, role)):
            continue
        if not calls:
            tokens = Span.exactly(0)
        elif role == "judge":
            tokens = _judge_input(parameters, profile, sample, outputs)
        else:
            tokens = Span.exactly(_total(_candidate_input(role, sample), profile, sample))
        output_tokens = outputs.of(role).times(calls)
        planned.append(PlannedCalls(role, endpoint, calls, tokens.times(row_calls), output_tokens))
    return planned


def texts_read(parameters: AnyParameters, role: str) -> list[str]:
    """Return the fields with the texts that the prompt of a role contains."""
    if role != "judge":
        return [f"{role}.system_template", f"{role}.input_template"]
    sides = candidates(parameters)
    models = [name for name, side in sides.items() if isinstance(side, ModelRequest)]
    ready = [RESPONSE_COLUMNS[name] for name in sides if name not in models]
    return ["judge.system_template", *ready, *(f"{name}.input_template" for name in models[:1])]


def _candidate_input(role: str, sample: RenderedSample) -> list[float]:
    """Return the prompt tokens of one call for each sampled row."""
    system_tokens = sample.texts[f"{role}.system_template"].tokens
    prompt_tokens = sample.texts[f"{role}.input_template"].tokens
    return [
        CALL_TOKENS + MESSAGE_TOKENS + prompt + (system + MESSAGE_TOKENS if system else 0)
        for system, prompt in zip(system_tokens, prompt_tokens, strict=True)
    ]


def _judge_input(
    parameters: AnyParameters, profile: DatasetProfile, sample: RenderedSample, outputs: Outputs
) -> Span:
    """Return the prompt tokens of all rows, for one call each."""
    sides = candidates(parameters)
    models = [name for name, side in sides.items() if isinstance(side, ModelRequest)]
    overhead = judge_tokens(parameters, len(sides), bool(models))
    texts = [sample.texts[name].tokens for name in texts_read(parameters, "judge")]
    total = _total([overhead + sum(row) for row in zip(*texts, strict=True)], profile, sample)
    answers = [outputs.of(name).times(profile.rows) for name in models]
    return Span.total([Span.exactly(total), *answers])


def _total(tokens: Sequence[float], profile: DatasetProfile, sample: RenderedSample) -> float:
    """Return the tokens of all rows: the sample's mean, corrected for the length of sampled rows.

    Source: the regression estimator of W. G. Cochran, Sampling Techniques (1977), chapter 7.
    """
    if not tokens:
        return 0.0
    mean = sum(tokens) / len(tokens)
    if len(tokens) < profile.rows:
        lengths = [row.bytes for row in sample.rows]
        difference = profile.bytes / profile.rows - sum(lengths) / len(lengths)
        mean = max(min(tokens), mean + _slope(lengths, tokens) * difference)
    return mean * profile.rows


def _slope(lengths: Sequence[int], tokens: Sequence[float]) -> float:
    """Return tokens for each further byte of a row by least squares; 0 if all lengths are equal."""
    mean_x, mean_y = sum(lengths) / len(lengths), sum(tokens) / len(tokens)
    spread = sum((x - mean_x) ** 2 for x in lengths)
    common = sum((x - mean_x) * (y - mean_y) for x, y in zip(lengths, tokens, strict=True))
    return max(0.0, common / spread) if spread else 0.0
