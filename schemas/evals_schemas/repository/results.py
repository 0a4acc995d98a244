"""The file `results.json` that `evals-mcp run` and `evals-mcp gate` write."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORM = "evals-mcp results"
"""What the file is, in its first field."""

FORM_VERSION = 1

Decision = Literal["passed", "regressed", "could_not_run", "not_enough_evidence"]

EXIT_CODES: dict[Decision, int] = {
    "passed": 0,
    "regressed": 1,
    "could_not_run": 2,
    "not_enough_evidence": 3,
}
"""By outcome; `not_enough_evidence` is 0 with `unclear = "warn"`."""


class _Part(BaseModel):
    """A part of the file; fields that a later version adds are ignored."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class Ends(_Part):
    """An interval, in the unit of its figure."""

    low: float
    high: float
    level: float = Field(description="In percent.")
    method: str


class RunFigure(_Part):
    """The main figure of one metric."""

    name: str = Field(description="pass_rate in percent, mean_score, or net_preference in points.")
    value: float
    interval: Ends | None = Field(default=None, description="Null if it is undefined.")


class Verdicts(_Part):
    """Where the verdicts of one metric come from."""

    judged: int = Field(description="Rows that were sent to the judge in this run.")
    taken_over: int = Field(description="Rows whose verdict is the baseline's, without a call.")
    failed: int = Field(description="Rows without a verdict.")
    oldest: str | None = Field(
        default=None, description="When the oldest verdict was made, ISO 8601; null if unknown."
    )


class Identity(_Part):
    """Digests of what decided the verdicts, besides the rows; null where there is no such thing."""

    judge: str | None = None
    rubric: str | None = Field(default=None, description="With labels and scale.")
    candidate: str | None = Field(default=None, description="The models that wrote the answers.")
    endpoint: str | None = Field(default=None, description="The address that the judge is at.")


class MetricFiles(_Part):
    """Names of the files of one metric, in the folder of the results."""

    rows: str | None = Field(default=None, description="The result file, JSON Lines.")
    manifest: str | None = None
    report: str | None = Field(default=None, description="A page to look at; null without one.")


class MetricResult(_Part):
    """The results of one metric."""

    name: str
    type: str
    evaluation_ids: list[str] = Field(description="Empty if every verdict was taken over.")
    status: str = Field(description="completed, or how the evaluation ended.")
    rows: int
    verdicts: Verdicts
    headline: str | None = None
    figure: RunFigure | None = Field(default=None, description="Null without a verdict.")
    sequential: dict[str, Any] | None = Field(
        default=None, description="What a run with stop_when has decided; null without."
    )
    identity: Identity = Field(default_factory=Identity)
    parameters: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Of the evaluation, without keys."
    )
    cost_usd: float | None = Field(default=None, description="Of this run; null if unknown.")
    files: MetricFiles = Field(default_factory=MetricFiles)


class GateMetric(_Part):
    """What a gate has decided about one metric. Differences are candidate minus baseline."""

    name: str
    figure: str
    outcome: Decision
    sentence: str
    margin: float | None = None
    floor: float | None = None
    rows: int = Field(default=0, description="Rows on both sides.")
    pairs: int = Field(default=0, description="Of them, rows with a verdict on both sides.")
    baseline: float | None = None
    candidate: float | None = None
    difference: float | None = None
    interval: Ends | None = Field(
        default=None,
        description="Passes above minus the margin; rows without a verdict count against the "
        "candidate.",
    )
    interval_of_loss: Ends | None = Field(default=None, description="A loss is certain below 0.")
    better: int | None = Field(default=None, description="Rows that became better.")
    worse: int | None = None
    p: float | None = Field(default=None, description="One-sided, of no loss.")
    p_holm: float | None = Field(default=None, description="Corrected for several metrics.")
    rows_needed: int | None = Field(
        default=None,
        description="Rows that would pass an unchanged candidate four times in five; null if "
        "nothing varies.",
    )


class PinnedRows(_Part):
    """The pinned rows, and those of them that failed three times."""

    count: int
    failed: list[int] = Field(description="Numbers of rows, from 1.")
    judged_again: int = Field(default=0, description="Rows that were judged twice more.")


class CacheUse(_Part):
    """Verdicts that were taken from the baseline."""

    hits: int
    misses: int
    oldest: str | None = None
    reason: str | None = Field(default=None, description="Why none was taken; null if some were.")


class GateStopping(_Part):
    """How a gate that stops when it is decided has ended."""

    ended: Literal["decided", "all_rows", "max_rows", "max_usd", "no_verdicts"] = Field(
        description="What ended it: the decision, the last row, a limit, or too many rows without "
        "a verdict."
    )
    rows: int = Field(description="Rows of the random order that the decision counts.")
    of_rows: int = Field(description="Rows of the data set.")
    rows_not_judged: int = Field(description="Rows that would have been judged, and were not.")
    looks: list[int] = Field(description="After how many rows it was looked at.")
    order_seed: int = Field(description="The seed of the random order.")
    not_spent_usd: float | None = Field(
        default=None, description="About the cost of the rows not judged; null if unknown."
    )


class DriftCheck(_Part):
    """Rows of the baseline that were judged again, to see whether the judge has moved."""

    metric: str
    anchors: int = Field(description="Rows with a verdict both times.")
    better: int
    worse: int
    p: float | None = Field(description="Exact McNemar test; null if no verdict changed.")
    moved: bool = Field(description="Whether p < 0.05; then the baseline was judged anew.")
    checked_at: str | None


class GateReport(_Part):
    """What a gate has decided."""

    outcome: Decision
    exit_code: int
    sentence: str
    certainty: float
    metrics: list[GateMetric] = Field(default_factory=list[GateMetric])
    pinned: PinnedRows | None = Field(default=None, description="Null without pinned rows.")
    cache: CacheUse | None = None
    stopping: GateStopping | None = Field(
        default=None, description="Null if all rows were judged at once."
    )
    baseline: str | None = Field(default=None, description="Its file or its evaluations.")
    drift: list[DriftCheck] = Field(
        default_factory=list[DriftCheck], description="Empty without anchors."
    )
    notes: list[str] = Field(default_factory=list[str])


class RunResults(_Part):
    """The whole file."""

    form: Literal["evals-mcp results"] = FORM
    form_version: int = FORM_VERSION
    evals_mcp: str = Field(description="Version of the program.")
    file: str = Field(description="Name of the evals.toml.")
    name: str | None = None
    outcome: str = Field(description="completed or failed; of a gate, its outcome.")
    exit_code: int
    error: str | None = Field(default=None, description="Why it could not run; null if it did.")
    started_at: str
    ended_at: str
    commit: str | None = Field(default=None, description="From GITHUB_SHA or CI_COMMIT_SHA.")
    candidate_version: str | None = None
    rows: int | None = None
    data_digest: str | None = Field(
        default=None, description="Of the rows, without judged answers and in any order."
    )
    calls: int | None = Field(default=None, description="Planned model calls; null if unknown.")
    cost_usd: float | None = None
    max_usd: float | None = None
    metrics: list[MetricResult] = Field(default_factory=list[MetricResult])
    gate: GateReport | None = None
    warnings: list[str] = Field(default_factory=list[str])
