"""How long the answers of models will be: measured in earlier evaluations, or assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evals_mcp.planning.past_runs import Kind, PastRun
from evals_schemas.evaluations import AnyParameters, JudgeModelConfig, ModelRequest, candidates

ANSWER_TOKENS = 300
"""What a candidate is taken to answer with where its `max_tokens` allows it."""

VERDICT_TOKENS = 100
"""What a judge is taken to answer with: two or three sentences and the verdict."""

_SHORT_ANSWER, _SHORT_VERDICT, _LONG_VERDICT = 50, 40, 1000
_DEFAULT_MAX_TOKENS = 1024
"""Of a candidate, where a request does not say."""

_SPREAD = 0.25
"""How far a measured mean may be off on other rows of its kind."""


@dataclass(frozen=True)
class Span:
    """An estimate and the ends of its range."""

    low: float
    expected: float
    high: float

    def times(self, factor: float) -> Span:
        """So many of it."""
        return Span(self.low * factor, self.expected * factor, self.high * factor)


@dataclass(frozen=True)
class Outputs:
    """The tokens that one call of each role generates."""

    spans: Mapping[str, Span] = field(default_factory=dict[str, Span])
    note: str | None = None
    """What they rest on; None where no model is called."""

    def of(self, role: str) -> Span:
        """Of one call; of a role that calls nothing, 0."""
        return self.spans.get(role, Span(0, 0, 0))


def expected_outputs(
    parameters: AnyParameters, calls: Mapping[str, int], kind: Kind, runs: Sequence[PastRun]
) -> Outputs:
    """What each call will generate.

    Args:
        parameters: of the request.
        calls: calls a row by role.
        kind: of the request.
        runs: what the service's list has, the newest first.
    """
    assumed = {role: _assumed(parameters, role) for role, each in calls.items() if each}
    if not assumed:
        return Outputs()
    if measured := _mean(run for run in runs if run.kind == kind):
        return _scaled(assumed, calls, measured, _judge_alone(calls, kind, runs))
    verdict = _judge_alone(calls, kind, runs)
    if verdict is not None:
        assumed["judge"] = _measured(verdict)
    return Outputs(assumed, _assumption(assumed, verdict))


def _assumed(parameters: AnyParameters, role: str) -> Span:
    if role == "judge":
        most = _most(parameters.judge, _LONG_VERDICT)
        return Span(min(_SHORT_VERDICT, most), min(VERDICT_TOKENS, most), most)
    side = candidates(parameters)[role]
    most = _most(side, 10**9) if isinstance(side, ModelRequest) else 0
    return Span(min(_SHORT_ANSWER, most), min(ANSWER_TOKENS, most), most)


def _most(side: JudgeModelConfig | ModelRequest, bound: int) -> int:
    default = bound if isinstance(side, JudgeModelConfig) else _DEFAULT_MAX_TOKENS
    return min(side.max_tokens or default, bound)


def _judge_alone(calls: Mapping[str, int], kind: Kind, runs: Sequence[PastRun]) -> float | None:
    """Tokens of one verdict, from runs in which nobody but the judge wrote anything."""
    measured = _mean(run for run in runs if run.kind == kind.judge_alone)
    return measured / calls["judge"] if measured and calls["judge"] else None


def _scaled(
    assumed: Mapping[str, Span], calls: Mapping[str, int], measured: float, verdict: float | None
) -> Outputs:
    """The tokens measured a row, parted among the roles as they are assumed to write."""
    fixed = {"judge": min(verdict, measured / calls["judge"])} if verdict is not None else {}
    rest = measured - sum(each * calls[role] for role, each in fixed.items())
    weight = sum(span.expected * calls[role] for role, span in assumed.items() if role not in fixed)
    spans = {
        role: _measured(fixed[role] if role in fixed else rest * span.expected / weight)
        for role, span in assumed.items()
    }
    return Outputs(
        spans, f"Output: {measured:,.0f} tokens a row, as in earlier evaluations of this kind."
    )


def _measured(tokens: float) -> Span:
    return Span(tokens * (1 - _SPREAD), tokens, tokens * (1 + _SPREAD))


def _mean(runs: Iterable[PastRun]) -> float | None:
    """Generated tokens a row over all of these runs."""
    told = [(run.output_tokens, run.rows) for run in runs if run.output_tokens is not None]
    return sum(tokens for tokens, _ in told) / sum(rows for _, rows in told) if told else None


def _assumption(spans: Mapping[str, Span], verdict: float | None) -> str:
    parts = [
        f"{role} {span.expected:,.0f} tokens a call ({span.low:,.0f} to {span.high:,.0f})"
        for role, span in spans.items()
    ]
    how = "Output, assumed" if verdict is None else "Output, the judge's as measured before"
    return f"{how}: {', '.join(parts)}. Reasoning models write more."
