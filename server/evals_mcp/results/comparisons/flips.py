"""The pairs that two evaluations judged differently, the largest change first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter

from evals_mcp.cleaning import clean
from evals_mcp.results.comparisons.joining import Pair
from evals_schemas.tools.comparisons import Flip

FEEDBACK_A, FEEDBACK_B = "feedback of A", "feedback of B"
"""The names of the judges' reasons among the texts of a changed pair."""

Size = Callable[[Pair, bool], float]
"""Returns how much a pair changed; 0 if it did not change.

The second argument says whether A and B have the same labels.
"""


def flips(size: Size, pairs: Iterable[Pair], same_labels: bool = True) -> list[Pair]:
    """Return the pairs with different verdicts, the largest change first.

    Equal changes stay in the order of A's file.

    Args:
        size: how much a pair changed, by the type of both evaluations.
        pairs: in the order of A's file.
        same_labels: whether A and B have the same labels; if not, only pass and fail count.
    """
    changed = [(change, pair) for pair in pairs if (change := size(pair, same_labels))]
    return [pair for _, pair in sorted(changed, key=itemgetter(0), reverse=True)]


def change_of_label(pair: Pair, same_labels: bool) -> float:
    """Return 3 for a lost pass, 2 for a gained one, and 1 for another change of label."""
    changed = same_labels and pair.a.verdict != pair.b.verdict
    return _change_of_pass(pair) or float(changed)


def change_of_score(pair: Pair, _: bool = True) -> float:
    """Return the difference of the scores without its sign."""
    if pair.a.score is None or pair.b.score is None:
        return 0
    return abs(pair.b.score - pair.a.score)


def change_of_choice(pair: Pair, _: bool) -> float:
    """Return 2 for a change of winner, and 1 for a change to or from a tie."""
    if pair.a.verdict == pair.b.verdict:
        return 0
    return 1 if "Tie" in (pair.a.verdict, pair.b.verdict) else 2


def change_of_answer(pair: Pair, _: bool) -> float:
    """Return 3 for a lost pass, 2 for a gained one; below 1 if only the score changed."""
    difference = change_of_score(pair)
    return _change_of_pass(pair) or 1 - 1 / (1 + difference)


def _change_of_pass(pair: Pair) -> float:
    if pair.a.passed is pair.b.passed or None in (pair.a.passed, pair.b.passed):
        return 0
    return 3 if pair.a.passed else 2


def shown_flip(pair: Pair, columns: dict[str, str]) -> Flip:
    """Return a changed pair with its texts, of which those named `FEEDBACK_A` are reasons."""
    feedback_a, feedback_b = columns.pop(FEEDBACK_A, None), columns.pop(FEEDBACK_B, None)
    return Flip(
        row_a=pair.row_a,
        row_b=pair.row_b,
        verdict_a=_verdict(pair.a.verdict, pair.a.score),
        verdict_b=_verdict(pair.b.verdict, pair.b.score),
        passed_a=pair.a.passed,
        passed_b=pair.b.passed,
        feedback_a=feedback_a or None,
        feedback_b=feedback_b or None,
        columns=columns,
    )


def _verdict(verdict: str | None, score: float | None) -> str:
    return clean(verdict or "", 40) if score is None else f"{score:.6g}"
