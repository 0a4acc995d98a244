"""The pairs that two evaluations judged differently, the largest change first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evals_mcp.results.comparisons.joining import Pair

Size = Callable[[Pair], float]
"""Returns how much a pair changed; 0 if it did not change."""


def flips(kind: str, pairs: Iterable[Pair], same_labels: bool = True) -> list[Pair]:
    """Return the pairs with different verdicts, the largest change first.

    The order depends on the type. score: by the difference. classify: lost passes, gained passes,
    then other changes of label. compare: a change of winner before a change to or from a tie.
    benchmark: lost passes, gained passes, then by the difference of scores. Equal changes stay in
    the order of A's file.

    Args:
        kind: the type of both evaluations.
        pairs: in the order of A's file.
        same_labels: whether A and B have the same labels; if not, only pass and fail count.
    """
    sizes = {"score": _score, "compare": _decision, "benchmark": _answer}
    size = sizes.get(kind, _label if same_labels else _pass)
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
    """Return the size of the change; below 1 if only the score changed, on any scale."""
    difference = _score(pair)
    return _pass(pair) or difference / (1 + difference)


def _label(pair: Pair) -> float:
    return _pass(pair) or float(pair.a.verdict != pair.b.verdict)
