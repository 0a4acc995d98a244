"""The pairs that two evaluations judged differently, the largest change first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evals_mcp.results.comparisons.joining import Pair

Size = Callable[[Pair], float]
"""How much a pair changed; 0 where it did not."""


def flips(kind: str, pairs: Iterable[Pair], same_labels: bool = True) -> list[Pair]:
    """Score: by the difference; classify: passes lost, passes won, then other labels; compare: a
    change of winner before a change to or from a tie; benchmark: as classify, then by the score.
    Equal ones stay in the order of A's file.

    Args:
        kind: the type of both evaluations.
        pairs: in the order of A's file.
        same_labels: whether labels of A and B mean the same; if not, only pass and fail count.
    """
    own = {"score": _score, "compare": _decision, "benchmark": _answer}
    size = own.get(kind, _label if same_labels else _pass)
    return sorted(filter(size, pairs), key=size, reverse=True)


def _score(pair: Pair) -> float:
    if pair.a.score is None or pair.b.score is None:
        return 0
    return abs(pair.b.score - pair.a.score)


def _decision(pair: Pair) -> float:
    if pair.a.verdict == pair.b.verdict:
        return 0
    return 1 if "Tie" in (pair.a.verdict, pair.b.verdict) else 2


def _pass(pair: Pair) -> float:
    if pair.a.passed is pair.b.passed or None in (pair.a.passed, pair.b.passed):
        return 0
    return 3 if pair.a.passed else 2


def _answer(pair: Pair) -> float:
    """Below 1 for scores alone, whatever their scale."""
    difference = _score(pair)
    return _pass(pair) or difference / (1 + difference)


def _label(pair: Pair) -> float:
    return _pass(pair) or float(pair.a.verdict != pair.b.verdict)
