"""Sums up a retry: the rows of all tries together, or apart where they were judged differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.types.summing import part_of, summarize_verdicts
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.summaries import Summary


def summarize_apart(
    job: EvaluationJob,
    verdicts: Iterable[tuple[int, RowVerdict]],
    groups: Sequence[tuple[str, Sequence[int]]],
    reasons: Sequence[str],
) -> Summary:
    """Return a summary whose headline has the figure of each group of tries, and no common one.

    Args:
        job: the retry.
        verdicts: the verdict of every row, with the number of its try.
        groups: what each group is called, and the numbers of its tries.
        reasons: the paths of the parameters in which the groups differ.
    """
    group_of = {number: name for name, numbers in groups for number in numbers}
    counts: dict[str, Counter[RowVerdict]] = {name: Counter() for name, _ in groups}
    scores: dict[str, list[float]] = {name: [] for name, _ in groups}
    failed = 0
    for number, verdict in verdicts:
        name = group_of[number]
        counts[name][verdict.with_score(None)] += 1
        failed += verdict.state != "ok"
        if verdict.score is not None:
            scores[name].append(verdict.score)
    parts = [f"{name}: {_headline(job, counts[name], sorted(scores[name]))}" for name, _ in groups]
    why = ", ".join(reasons)
    return Summary(
        headline=f"Kept apart, because the tries differ in {why}. {' '.join(parts)}",
        notes=[f"{counted(failed, 'row')} of all tries without a verdict."] if failed else [],
    )


def _headline(job: EvaluationJob, counts: Counter[RowVerdict], scores: Sequence[float]) -> str:
    summary = summarize_verdicts(part_of(job), counts.items(), scores)
    return summary.headline if summary else "no row."
