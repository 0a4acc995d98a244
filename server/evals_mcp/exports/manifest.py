"""The manifest of an export: what made the results, by digests, models, parameters and versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, cast, get_args

from evals_mcp.exports.rows import ExportRows
from evals_mcp.providers.protocol import Provider
from evals_schemas.digests import judge_digest, request_digest, rubric_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.costs import Cost
from evals_schemas.tools.page import Opinion

MANIFEST_VERSION = 1
"""Version of the manifest's form."""

_LEFT_OUT = frozenset({"external_api_token", "external_base_url"})
"""Parameters that are keys, or addresses that may contain one."""

_ROLES = ("judge", "model_to_evaluate", "model_a", "model_b")
_BENCHMARK_MODELS = ("model_id", "model_id_2")

_NO_REPORT = "the service does not report which model answered"
_NO_SEED = "the contract has no seed; models draw their answers without one"
_NO_COST = "the evaluation has not ended"
_NO_ESTIMATE = "no price was known, or this server did not start the evaluation"
_NO_STATE = "the server's state cannot be read"
_NO_JUDGE = "the service chooses the judge and does not report it"


@dataclass(frozen=True)
class ManifestFacts:
    """What a manifest is made from, besides the rows."""

    job: EvaluationJob
    service: Provider
    """The service that ran it."""
    name: str | None
    """The name that its user gave it; None without one."""
    headline: str | None
    """The headline of the results; None without one."""
    cost: Cost | None
    """What it has cost; None if that cannot be said."""
    exported_at: datetime
    marks_known: bool = True
    """Whether the marks of the rows could be read."""
    labels_known: bool = True
    """Whether the labels of the rows could be read."""


def manifest_of(facts: ManifestFacts, rows: ExportRows, format_name: str) -> dict[str, Any]:
    """Return the manifest of rows that were all read.

    What is unknown is null, and `unknown` says why.
    """
    job, models = facts.job, list(_models(facts.job.parameters))
    digests = _digests(facts, rows)
    cost = facts.cost or Cost(
        usd=None, calls=None, input_tokens=None, output_tokens=None, unknown=_NO_COST
    )
    reasons = {
        "models.reported": _NO_REPORT if models else None,
        "seed": _NO_SEED,
        "cost.usd": cost.unknown,
        "cost.estimated_usd": None if cost.estimated_usd else _NO_ESTIMATE,
        "digests.judge": None if digests["judge"] else _NO_JUDGE,
        "digests.rubric": None if digests["rubric"] else _NO_JUDGE,
        "marks": None if facts.marks_known else _NO_STATE,
        "labels": None if facts.labels_known else _NO_STATE,
        "headline": None if facts.headline else "the service reports no figures",
    }
    return {
        "manifest": MANIFEST_VERSION,
        "evaluation": _evaluation(facts),
        "headline": facts.headline,
        "counts": _counts(job, rows),
        "marks": _marks(rows) if facts.marks_known else None,
        "labels": _labels(rows) if facts.labels_known else None,
        "digests": digests,
        "models": models,
        "parameters": without_secrets(job.parameters),
        "seed": None,
        "cost": cost.model_dump(exclude={"unknown"}),
        "versions": {"evals-mcp": version("evals-mcp")},
        "exported_at": facts.exported_at.isoformat(timespec="seconds"),
        "format": format_name,
        "columns": rows.columns,
        "unknown": {name: reason for name, reason in reasons.items() if reason},
    }


def without_secrets(value: object) -> object:
    """Return parameters without keys, addresses and nulls, at any depth."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {
            name: without_secrets(field)
            for name, field in fields.items()
            if field is not None and name not in _LEFT_OUT
        }
    if isinstance(value, list):
        return [without_secrets(item) for item in cast("list[object]", value)]
    return value


def _evaluation(facts: ManifestFacts) -> dict[str, Any]:
    job, service = facts.job, facts.service
    return {
        "id": job.workflow_id,
        "name": facts.name,
        "type": job.type,
        "status": job.status,
        "service": service.name,
        "created_at": _time(job.created_at),
        "updated_at": _time(job.updated_at),
    }


def _counts(job: EvaluationJob, rows: ExportRows) -> dict[str, Any]:
    states = Counter[str]()
    for count in rows.index.counts:
        states[count.verdict.state] += count.rows
    return {
        "rows": rows.index.total(),
        "by_state": dict(states),
        "unreadable_lines": rows.index.damage.lines,
        "judged": job.progress.done if job.progress else None,
        "planned": job.progress.total if job.progress else None,
    }


def _marks(rows: ExportRows) -> dict[str, int]:
    """Return how many rows have a mark of who exports them, and what the marks say."""
    opinions: dict[str, int] = {name: rows.marked[name] for name in get_args(Opinion)}
    return {"rows": rows.marked.total(), **opinions}


def _labels(rows: ExportRows) -> dict[str, Any]:
    """Return how many rows have a label of a person, by how the rows were selected."""
    plans = Counter(str(plan) for _, _, plan, _ in rows.labels.values())
    labellers = {labeller for _, labeller, _, _ in rows.labels.values()}
    return {"rows": len(rows.labels), "labellers": len(labellers), "by_plan": dict(plans)}


def _digests(facts: ManifestFacts, rows: ExportRows) -> dict[str, str | None]:
    """Return the digests; that of the data set is of the input columns of the exported rows."""
    job, service = facts.job, facts.service
    kind, parameters = job.type or "", job.parameters
    judge = parameters.get("judge")
    has_judge = isinstance(judge, Mapping)
    return {
        "dataset": rows.digest.name(),
        "rubric": rubric_digest(kind, parameters) if has_judge else None,
        "judge": judge_digest(cast("Mapping[str, Any]", judge), service.name)
        if has_judge
        else None,
        "request": request_digest(service.account, kind, parameters),
    }


def _models(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the models as configured, with their roles; what each reported is unknown."""
    for role in _ROLES:
        value = parameters.get(role)
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            settings = ("model", "model_source", "temperature", "max_tokens")
            chosen = {name: fields[name] for name in settings if fields.get(name) is not None}
            yield {"role": role, **chosen, "reported": None}
    for role in _BENCHMARK_MODELS:
        if isinstance(name := parameters.get(role), str):
            yield {"role": role, "model": name, "reported": None}


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
