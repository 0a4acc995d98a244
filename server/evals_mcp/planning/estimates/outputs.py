"""How long the answers of models will be: measured in earlier evaluations, or assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evals_mcp.planning.estimates.past_runs import History, Measured
from evals_schemas.evaluation_api.defaults import CANDIDATE_MAX_TOKENS, JUDGE_MAX_TOKENS
from evals_schemas.evaluation_api.evaluations import AnyParameters, ModelRequest, candidates

ANSWER_TOKENS = 300
"""What a candidate is taken to answer with where its `max_tokens` allows it."""

VERDICT_TOKENS = 60
"""What a judge is taken to answer with: the short reasons that it is asked for, and the verdict."""

_SHORT_ANSWER, _SHORT_VERDICT, _LONG_VERDICT = 50, 40, 1000

_SPREAD = 0.25
"""How far a measured mean may be off on other rows where the same was asked."""

_FACTOR = 3
"""How many times more, or less, the same model may write where something else is asked."""


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
    parameters: AnyParameters, calls: Mapping[str, int], history: History | None = None
) -> Outputs:
    """What each call will generate.

    Args:
        parameters: of the request.
        calls: calls a row by role.
        history: what has run; None where nothing of the kind can have.
    """
    limits = {role: _most(parameters, role) for role, each in calls.items() if each}
    if not limits:
        return Outputs()
    assumed = {role: _assumed(role, most) for role, most in limits.items()}
    if history is None:
        return Outputs(assumed, _assumption(assumed, None))
    verdict = history.verdict(calls)
    if measured := history.rows(calls):
        return _parted(_Roles(limits, assumed, calls), measured, verdict)
    if verdict is not None:
        assumed["judge"] = _near(verdict, verdict.mean, assumed["judge"], limits["judge"])
    return Outputs(assumed, _assumption(assumed, verdict))


@dataclass(frozen=True)
class _Roles:
    """Those that write anything, each by its name."""

    limits: Mapping[str, int]
    """The most tokens of one call."""
    assumed: Mapping[str, Span]
    """Of one call, as long as nothing is measured."""
    calls: Mapping[str, int]
    """Calls a row."""


def _assumed(role: str, most: int) -> Span:
    if role == "judge":
        return Span(min(_SHORT_VERDICT, most), min(VERDICT_TOKENS, most), min(_LONG_VERDICT, most))
    return Span(min(_SHORT_ANSWER, most), min(ANSWER_TOKENS, most), most)


def _most(parameters: AnyParameters, role: str) -> int:
    if role == "judge":
        return parameters.judge.max_tokens or JUDGE_MAX_TOKENS
    side = candidates(parameters)[role]
    return (side.max_tokens if isinstance(side, ModelRequest) else 0) or CANDIDATE_MAX_TOKENS


def _parted(roles: _Roles, measured: Measured, verdict: Measured | None) -> Outputs:
    """The tokens measured a row, parted among the roles as they are assumed to write."""
    calls, assumed = roles.calls, roles.assumed
    fixed: dict[str, float] = {}
    if verdict is not None:
        fixed["judge"] = min(verdict.mean, measured.mean / calls["judge"])
    rest = measured.mean - sum(each * calls[role] for role, each in fixed.items())
    weight = sum(span.expected * calls[role] for role, span in assumed.items() if role not in fixed)
    # Who wrote how much is known where all but one are.
    parts_known = len(assumed) == 1 or (
        verdict is not None and verdict.same and len(assumed) - len(fixed) == 1 and rest > 0
    )
    spans: dict[str, Span] = {}
    for role, span in assumed.items():
        tokens = fixed[role] if role in fixed else rest * span.expected / weight
        if measured.same and parts_known:
            spans[role] = _near(measured, tokens, span, roles.limits[role])
            continue
        spans[role] = _far(tokens, span, roles.limits[role])
        if measured.same:
            # One role alone cannot have written more than all together.
            most = measured.highest * (1 + _SPREAD) / calls[role]
            spans[role] = replace(spans[role], high=min(spans[role].high, most))
    return Outputs(spans, _measurement(measured, spans, calls))


def _near(measured: Measured, tokens: float, assumed: Span, most: int) -> Span:
    """A quarter each way, and as far as the runs themselves differ, where they asked the same."""
    if not measured.same:
        return _far(tokens, assumed, most)
    lowest, highest = (
        tokens * each / measured.mean for each in (measured.lowest, measured.highest)
    )
    return Span(
        min(tokens * (1 - _SPREAD), lowest, most),
        min(tokens, most),
        min(max(tokens * (1 + _SPREAD), highest), most),
    )


def _far(tokens: float, assumed: Span, most: int) -> Span:
    """The model is known and what it is asked is new: a third of what is usual or measured, the
    smaller of the two, to three times the larger.
    """
    low, high = sorted((tokens, assumed.expected))
    return Span(min(low / _FACTOR, most), min(tokens, most), min(high * _FACTOR, most))


def _measurement(measured: Measured, spans: Mapping[str, Span], calls: Mapping[str, int]) -> str:
    text = f"Output: {measured.mean:,.0f} tokens a row"
    if measured.same:
        return f"{text}, from {measured.counted} with the same templates."
    low = sum(span.low * calls[role] for role, span in spans.items())
    high = sum(span.high * calls[role] for role, span in spans.items())
    who = "this judge" if list(spans) == ["judge"] else "these models"
    other = _another(measured) if list(spans) == ["judge"] else "other templates, limits or data"
    return f"{text} ({low:,.0f} to {high:,.0f}), from {measured.counted} of {who} with {other}."


def _another(measured: Measured) -> str:
    return "other labels, scale or max_tokens" if measured.same_rubric else "another template"


def _assumption(spans: Mapping[str, Span], verdict: Measured | None) -> str:
    known = ""
    if verdict is not None:
        other = "" if verdict.same else f" with {_another(verdict)}"
        known = f"; from {verdict.counted} of this judge{other}"
    parts = [
        f"{role} {span.expected:,.0f} tokens a call ({span.low:,.0f} to {span.high:,.0f}"
        f"{known if role == 'judge' else ''})"
        for role, span in spans.items()
    ]
    return f"Output, assumed: {', '.join(parts)}. Reasoning models write more."
