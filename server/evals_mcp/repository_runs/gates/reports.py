"""The results of a gate: those of its metrics, with its decision and where verdicts come from."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.gate.drift import drift_sentence
from evals_mcp.repository_runs.gates.joining import JoinedMetric
from evals_schemas.repository.results import CacheUse, DriftCheck, GateReport, RunResults


def with_decision(
    results: RunResults, report: GateReport, joined: Sequence[JoinedMetric], baseline: str
) -> RunResults:
    """Return the results of a run as those of a gate.

    Args:
        results: of the run.
        report: what was decided.
        joined: its metrics with their rows.
        baseline: what reports call it.
    """
    outcome = report.outcome
    update = {"cache": _cache(joined), "baseline": baseline}
    return results.model_copy(
        update={
            "gate": report.model_copy(update=update),
            "outcome": outcome,
            "exit_code": report.exit_code,
            "error": report.sentence if outcome == "could_not_run" else None,
        }
    )


def with_drift(results: RunResults, checks: Sequence[DriftCheck]) -> RunResults:
    """Return the results of a gate with what its anchors have shown."""
    gate = results.gate
    if gate is None or not checks:
        return results
    notes = [*gate.notes, *map(drift_sentence, checks)]
    update = {"drift": list(checks), "notes": notes}
    return results.model_copy(update={"gate": gate.model_copy(update=update)})


def _cache(joined: Sequence[JoinedMetric]) -> CacheUse:
    """Return how many verdicts were taken from the baseline."""
    hits = sum(each.line.verdicts.taken_over for each in joined)
    misses = sum(each.line.verdicts.judged for each in joined)
    dates = [
        row.judged_at for each in joined for row in each.rows if row.taken_over and row.judged_at
    ]
    reasons = [each.reason for each in joined if each.reason]
    return CacheUse(
        hits=hits,
        misses=misses,
        oldest=min(dates, default=None),
        reason=None if hits else next(iter(reasons), "no row is as it was"),
    )
