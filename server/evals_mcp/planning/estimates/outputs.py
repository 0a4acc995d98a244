"""How many tokens models will generate: measured in earlier evaluations, or assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from evals_mcp.planning.estimates.past_runs import History, PastOutput
from evals_schemas.evaluation_api.defaults import CANDIDATE_MAX_TOKENS, JUDGE_MAX_TOKENS
from evals_schemas.evaluation_api.evaluations import AnyParameters, ModelRequest, candidates

ANSWER_TOKENS = 300
"""Assumed tokens of a candidate's answer, within its `max_tokens`."""

VERDICT_TOKENS = 60
"""Assumed tokens of a judge's answer: the short reasoning that it is asked for, and the verdict."""

_SHORT_ANSWER, _SHORT_VERDICT, _LONG_VERDICT = 50, 40, 1000

_SPREAD = 0.25
"""Relative error of a measured mean on other rows, with the same templates."""

_FACTOR = 3
"""How many times more, or less, a model may generate with other templates."""


@dataclass(frozen=True)
class Span:
    """An estimate and the ends of its range."""

    low: float
    expected: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Span:
        """Return a range of one value."""
        return cls(value, value, value)

    @classmethod
    def total(cls, spans: Iterable[Span]) -> Span:
        """Return the sum of estimates, of their low ends, and of their high ends."""
        spans = list(spans)
        return cls(
            sum(span.low for span in spans),
            sum(span.expected for span in spans),
            sum(span.high for span in spans),
        )

    def times(self, factor: float) -> Span:
        """Return the estimate and its range scaled by a factor."""
        return Span(self.low * factor, self.expected * factor, self.high * factor)


@dataclass(frozen=True)
class Outputs:
    """The tokens that one call of each role generates."""

    spans: Mapping[str, Span] = field(default_factory=dict[str, Span])
    note: str | None = None
    """What the figures are based on; None if no model is called."""

    def of(self, role: str) -> Span:
        """Return the tokens of one call; 0 for a role that calls no model."""
        return self.spans.get(role, Span.exactly(0))


def expected_outputs(
    parameters: AnyParameters,
    calls: Mapping[str, int],
    history: History | None = None,
    role_names: Mapping[str, str] | None = None,
) -> Outputs:
    """Return what each call will generate.

    Args:
        parameters: parameters of the request.
        calls: calls for each row by role.
        history: earlier runs; None if there can be none of this kind.
        role_names: how the note names a role, where that is not the request's field.
    """
    limits = {role: _max_tokens(parameters, role) for role, number in calls.items() if number}
    if not limits:
        return Outputs()
    names = {role: role for role in limits} | dict(role_names or {})
    assumed = {role: _assumed(role, limit) for role, limit in limits.items()}
    if history is None:
        return Outputs(assumed, _assumption(assumed, None, names))
    verdict = history.verdict(calls)
    if measured := history.rows(calls):
        return _divided(_Roles(limits, assumed, calls), measured, verdict)
    if verdict is not None:
        assumed["judge"] = _near(verdict, verdict.mean, assumed["judge"], limits["judge"])
    return Outputs(assumed, _assumption(assumed, verdict, names))


@dataclass(frozen=True)
class _Roles:
    """What is known about the roles that call a model, each by its name."""

    limits: Mapping[str, int]
    """Most tokens that one call may generate."""
    assumed: Mapping[str, Span]
    """Tokens of one call, without any measurement."""
    calls: Mapping[str, int]
    """Calls for each row."""


def _assumed(role: str, limit: int) -> Span:
    if role == "judge":
        return Span(
            min(_SHORT_VERDICT, limit), min(VERDICT_TOKENS, limit), min(_LONG_VERDICT, limit)
        )
    return Span(min(_SHORT_ANSWER, limit), min(ANSWER_TOKENS, limit), limit)


def _max_tokens(parameters: AnyParameters, role: str) -> int:
    if role == "judge":
        return parameters.judge.max_tokens or JUDGE_MAX_TOKENS
    side = candidates(parameters)[role]
    return (side.max_tokens if isinstance(side, ModelRequest) else 0) or CANDIDATE_MAX_TOKENS


def _divided(roles: _Roles, measured: PastOutput, verdict: PastOutput | None) -> Outputs:
    """Return the tokens measured for a row, divided among the roles in the assumed proportion."""
    calls, assumed = roles.calls, roles.assumed
    fixed: dict[str, float] = {}
    if verdict is not None:
        fixed["judge"] = min(verdict.mean, measured.mean / calls["judge"])
    rest = measured.mean - sum(tokens * calls[role] for role, tokens in fixed.items())
    weight = sum(span.expected * calls[role] for role, span in assumed.items() if role not in fixed)
    # The share of each role is known if only one role's share is not measured.
    shares_known = len(assumed) == 1 or (
        verdict is not None and verdict.same and len(assumed) - len(fixed) == 1 and rest > 0
    )
    spans: dict[str, Span] = {}
    for role, span in assumed.items():
        tokens = fixed[role] if role in fixed else rest * span.expected / weight
        if measured.same and shares_known:
            spans[role] = _near(measured, tokens, span, roles.limits[role])
            continue
        spans[role] = _far(tokens, span, roles.limits[role])
        if measured.same:
            # One role cannot have generated more than all roles together.
            most = measured.highest * (1 + _SPREAD) / calls[role]
            spans[role] = replace(spans[role], high=min(spans[role].high, most))
    return Outputs(spans, _measurement(measured, spans, calls))


def _near(measured: PastOutput, tokens: float, assumed: Span, limit: int) -> Span:
    """Return a quarter each way, or as far as runs with the same templates differ."""
    if not measured.same:
        return _far(tokens, assumed, limit)
    lowest, highest = (
        tokens * extreme / measured.mean for extreme in (measured.lowest, measured.highest)
    )
    return Span(
        min(tokens * (1 - _SPREAD), lowest, limit),
        min(tokens, limit),
        min(max(tokens * (1 + _SPREAD), highest), limit),
    )


def _far(tokens: float, assumed: Span, limit: int) -> Span:
    """Return the range for a measured model with new templates.

    The range goes from a third of the measured or the assumed tokens, the smaller of the two, to
    three times the larger.
    """
    low, high = sorted((tokens, assumed.expected))
    return Span(min(low / _FACTOR, limit), min(tokens, limit), min(high * _FACTOR, limit))


def _measurement(measured: PastOutput, spans: Mapping[str, Span], calls: Mapping[str, int]) -> str:
    text = f"Output: {measured.mean:,.0f} tokens a row"
    if measured.same:
        return f"{text}, from {measured.counted} with the same templates."
    low = sum(span.low * calls[role] for role, span in spans.items())
    high = sum(span.high * calls[role] for role, span in spans.items())
    models = "this judge" if list(spans) == ["judge"] else "these models"
    other = _difference(measured) if list(spans) == ["judge"] else "other templates, limits or data"
    return f"{text} ({low:,.0f} to {high:,.0f}), from {measured.counted} of {models} with {other}."


def _difference(measured: PastOutput) -> str:
    return "other labels, scale or max_tokens" if measured.same_rubric else "another template"


def _assumption(
    spans: Mapping[str, Span], verdict: PastOutput | None, names: Mapping[str, str]
) -> str:
    source = ""
    if verdict is not None:
        other = "" if verdict.same else f" with {_difference(verdict)}"
        source = f"; from {verdict.counted} of this judge{other}"
    parts = [
        f"{names[role]} {span.expected:,.0f} tokens a call ({span.low:,.0f} to {span.high:,.0f}"
        f"{source if role == 'judge' else ''})"
        for role, span in spans.items()
    ]
    return f"Assumed output: {', '.join(parts)}. Reasoning models write more."
