"""Says what a run with `stop_when` has decided, and takes out what does not hold in such a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evals_mcp.results.number_text import fixed, percent
from evals_mcp.results.sides import Names, side_names
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.sequential.record import CERTAIN, EarlierDecision, Sequential
from evals_schemas.sequential.stop_when import STOP_WHEN, EngineStopWhen
from evals_schemas.tools.summaries import Summary

FAILED_SHARE = 0.05
"""Share of failed rows from which on a decision says that it leaves them out."""

Figures = TypeVar("Figures", bound=BaseModel)

NOT_VALID = (
    "p-value and usual intervals are left out: they hold for a fixed number of rows, and here the "
    "verdicts decided how many there are."
)


def sequential_of(results: Mapping[str, Any] | None) -> Sequential | None:
    """Return the evidence in an evaluation's results; None without `stop_when`."""
    try:
        return Sequential.model_validate((results or {})["sequential"])
    except (KeyError, ValidationError):
        return None


def with_evidence(job: EvaluationJob, summary: Summary | None) -> Summary | None:
    """Return the summary of a run with `stop_when`: its decision first, without fixed intervals."""
    evidence = sequential_of(job.results)
    if summary is None or evidence is None:
        return summary
    figures = evidence.model_dump(exclude_none=True, exclude_defaults=True)
    return summary.model_copy(
        update={
            "headline": decision_headline(evidence, job.parameters),
            "sequential": {"e": evidence.e, **figures},
            "wins": _without_intervals(summary.wins),
            "pass_rate": _without_intervals(summary.pass_rate),
            "scores": _without_intervals(summary.scores),
            "notes": [*_notes(evidence, job), *summary.notes, NOT_VALID],
        }
    )


def with_savings(summary: Summary | None, usd: float | None) -> Summary | None:
    """Return the summary with about how many dollars an early stop has saved.

    Args:
        summary: of a run with or without `stop_when`.
        usd: what its judged rows cost; None if unknown.
    """
    if summary is None or summary.sequential is None or not usd:
        return summary
    evidence = Sequential.model_validate(summary.sequential)
    judged = judged_rows(evidence)
    if not judged or not evidence.rows_not_judged:
        return summary
    saved = float(f"{usd * evidence.rows_not_judged / judged:.2g}")
    return summary.model_copy(
        update={
            "sequential": summary.sequential | {"saved_usd": saved},
            "notes": [f"About ${saved:g} were not spent.", *summary.notes],
        }
    )


def progress_sentence(evidence: Sequential, parameters: Mapping[str, Any]) -> str:
    """Return what the rows of a running evaluation show so far."""
    names = side_names(parameters)
    leader = {"a": f"{names[0]} ahead", "b": f"{names[1]} ahead"}.get(evidence.leads or "")
    lead = leader or (f"{evidence.leads} the target" if evidence.leads else "No side ahead")
    return (
        f"{lead[:1].upper()}{lead[1:]} after {evidence.rows_counted:,} of {_total(evidence):,} "
        f"rows: e = {_e(evidence)} of {evidence.needed:g} needed; not decided."
    )


def decision_sentence(evidence: Sequential, parameters: Mapping[str, Any]) -> str:
    """Return what was decided, without a full stop."""
    names, total = side_names(parameters), _total(evidence)
    rows = evidence.decided_at_row if evidence.decided_at_row is not None else judged_rows(evidence)
    after = f"after {rows:,} of {total:,} rows" if rows < total else f"after all {total:,} rows"
    interval = f"{_interval(evidence, names)} (95 %, valid at every look){_failed(evidence)}"
    decision = evidence.decision
    if decision in CERTAIN:
        return _certain(evidence, parameters, names, (after, interval))
    if decision == "smaller_than":
        margin = _rules(parameters).smaller_than or 0
        return f"Decided {after}: any difference is smaller than {margin:g} points: {interval}"
    if decision == "width":
        return f"Measured as precisely as was requested {after}: {interval}"
    if decision == "order_decides":
        changed = percent(evidence.order_changed_percent or 0.0)
        return (
            f"The judge follows the order: {after}, {changed} % of the verdicts changed with the "
            "order of the answers, so no winner is named"
        )
    if decision == "budget":
        limit = _rules(parameters).max_usd or 0
        return f"Stopped at the budget of ${limit:g} {after}; undecided: {interval}"
    return f"{'Measured' if decision == 'all_rows' else 'Undecided'} {after}: {interval}"


def decision_headline(evidence: Sequential, parameters: Mapping[str, Any]) -> str:
    """Return what was decided, and what an evaluation that was continued had decided before."""
    now = f"{decision_sentence(evidence, parameters)}."
    if not evidence.earlier:
        return now
    names = side_names(parameters)
    parts = [_before(each, names) for each in evidence.earlier]
    return f"{now} Before its rows were continued: {'; '.join(parts)}."


def _before(decided: EarlierDecision, names: Names) -> str:
    """Return what an evaluation that was continued had decided."""
    rows = decided.decided_at_row if decided.decided_at_row is not None else decided.rows_judged
    e = f"e = {_rounded(decided.e)}"
    what = {
        "a_better": f"{names[0]} is better ({e})",
        "b_better": f"{names[1]} is better ({e})",
        "above": f"above the target ({e})",
        "below": f"below the target ({e})",
        "smaller_than": "the difference is as small as was asked about",
        "width": "as precise as was requested",
        "order_decides": "the judge follows the order",
        "budget": "the budget was spent",
    }.get(decided.decision or "", "undecided")
    return f"after {rows:,} rows, {what}"


def _certain(
    evidence: Sequential, parameters: Mapping[str, Any], names: Names, text: tuple[str, str]
) -> str:
    after, interval = text
    if evidence.decision in {"a_better", "b_better"}:
        winner = names[evidence.decision == "b_better"]
        what, interval = f"{winner} is better", interval.removeprefix(f"{winner} better ")
    else:
        target = _rules(parameters).target or 0
        what = f"the pass rate is {evidence.decision} {target:g} %"
    if look := evidence.last_look:
        return f"{what} {after}, by one last test (p = {look.p:.2g} of {look.level:g}): {interval}"
    return f"Decided {after}: {what} (e = {_e(evidence)}), {interval}"


def _interval(evidence: Sequential, names: Names) -> str:
    low, high = evidence.interval
    if "passed" in evidence.counts:
        return f"{fixed(low, bounds=())} to {fixed(high, bounds=())} % pass"
    if low > 0 or high < 0:
        name, ends = (names[1], (low, high)) if low > 0 else (names[0], (-high, -low))
        return f"{name} better by {fixed(ends[0])} to {fixed(ends[1])} points"
    return (
        f"between {names[0]} better by {fixed(-low)} and {names[1]} better by {fixed(high)} points"
    )


def _failed(evidence: Sequential) -> str:
    tried = evidence.rows_counted + evidence.rows_failed
    if evidence.rows_failed <= FAILED_SHARE * tried:
        return ""
    return f", among the rows that could be judged ({evidence.rows_failed:,} of {tried:,} failed)"


def _notes(evidence: Sequential, job: EvaluationJob) -> Iterator[str]:
    counts = ", ".join(f"{name} {number:g}" for name, number in evidence.counts.items())
    yield f"Counted in random order (seed {evidence.order_seed}): {counts}."
    if evidence.rows_taken_over:
        yield (
            f"{evidence.rows_taken_over:,} verdicts were taken over from "
            f"{_continued_id(evidence)}, in the same random order; they were paid for there."
        )
    if evidence.rows_after_decision:
        yield (
            f"{evidence.rows_after_decision:,} more rows were in flight at the decision: they are "
            "in the rows and counts, and not in the decision."
        )
    if evidence.rows_not_judged:
        yield (
            f"{evidence.rows_not_judged:,} rows were not judged; create_evaluation with `retry_of` "
            f"{job.workflow_id} judges them and keeps the others, until a new `stop_when` or all."
        )
    if evidence.decision in CERTAIN and evidence.rows_not_judged:
        yield (
            "It stopped as soon as the direction was sure; how large the gap is, it has not "
            "measured, and the rows so far overstate it."
        )


def _continued_id(evidence: Sequential) -> str:
    return evidence.earlier[-1].evaluation_id if evidence.earlier else "an earlier evaluation"


def _without_intervals(figures: Figures | None) -> Figures | None:
    """Return figures without p-values and intervals, also within."""
    if figures is None:
        return None
    update: dict[str, Any] = {}
    for name in type(figures).model_fields:
        value = getattr(figures, name)
        if name.endswith(("interval", "p_value", "first_slot_p")):
            update[name] = None
        elif hasattr(value, "interval"):
            update[name] = value.model_copy(update={"interval": None})
    return figures.model_copy(update=update)


def _rules(parameters: Mapping[str, Any]) -> EngineStopWhen:
    """Return the rules of an evaluation; those of a later version without what they say."""
    try:
        return EngineStopWhen.model_validate(parameters.get(STOP_WHEN))
    except ValidationError:
        return EngineStopWhen(decided=True)


def _total(evidence: Sequential) -> int:
    return judged_rows(evidence) + evidence.rows_not_judged


def judged_rows(evidence: Sequential) -> int:
    """Return the rows that have a verdict or failed."""
    others = evidence.rows_waiting + evidence.rows_after_decision
    return evidence.rows_counted + evidence.rows_failed + others


def _e(evidence: Sequential) -> str:
    return _rounded(evidence.e)


def _rounded(e: float) -> str:
    if e >= 1e6:
        return f"{e:.1g}"
    return f"{e:,.0f}" if e >= 10 else f"{e:.2g}"
