"""What marks say together: counts, and for a random sample a rate with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from evals_mcp.marks.mark import Mark
from evals_mcp.results.number_text import counted, percent, percent_ends
from evals_mcp.results.statistics.estimate import rounded
from evals_mcp.results.statistics.rates import rate
from evals_schemas.tools.page import MarkedSample
from evals_schemas.tools.summaries import Interval, Rate

_SEEN = "The verdicts were in view while they were marked, which makes agreement more likely."


def marked_sample(marks: Sequence[Mark], seed: int) -> MarkedSample | None:
    """Return what the marks of a sample say; None without any.

    Args:
        marks: those of the first rows of its order.
        seed: what the order follows from.
    """
    if not marks:
        return None
    opinions = Counter(mark.opinion for mark in marks)
    right, wrong, unsure = opinions["right"], opinions["wrong"], opinions["unsure"]
    rate_right = _rate(right, wrong)
    return MarkedSample(seed=seed, right=right, wrong=wrong, unsure=unsure, rate=rate_right)


def sentences(counts: Mapping[str, int], sample: MarkedSample | None) -> list[str]:
    """Return what the marks say, and what limits it; nothing without marks.

    Args:
        counts: all marks by opinion.
        sample: those of the sample.
    """
    if not sum(counts.values()):
        return []
    statements: list[str] = []
    if sample is not None:
        statements.append(_of_sample(sample))
    others = {name: number - _in_sample(sample, name) for name, number in counts.items()}
    if sum(others.values()):
        besides = " besides" if sample else ""
        statements.append(
            f"Marked{besides}: {_listed(others)}. These rows were chosen, not drawn at random, so "
            "they have no interval."
        )
    return [*statements, _SEEN]


def _of_sample(sample: MarkedSample) -> str:
    unsure = f" {sample.unsure} more: unsure." if sample.unsure else ""
    if sample.rate is None or sample.rate.interval is None:
        return f"Of the rows drawn at random, {counted(sample.unsure, 'row')}: unsure."
    interval = sample.rate.interval
    return (
        f"{sample.right} of {sample.right + sample.wrong} verdicts drawn at random are marked "
        f"right: {percent(sample.rate.percent)} % (95 % interval "
        f"{percent_ends(interval.low, interval.high)}).{unsure}"
    )


def _in_sample(sample: MarkedSample | None, opinion: str) -> int:
    return getattr(sample, opinion) if sample else 0


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number)


def _rate(right: int, wrong: int) -> Rate | None:
    estimate = rate(right, right + wrong)
    if estimate is None or estimate.interval is None:
        return None
    low, high = (rounded(100 * end) for end in estimate.interval)
    return Rate(
        percent=rounded(100 * estimate.value),
        count=right,
        of=right + wrong,
        interval=Interval(low=low, high=high, method=estimate.method),
    )
