"""Arguments and answer of `compare_evaluations`: two evaluations over the same rows.

A is the baseline and every difference is B minus A. Points are percentage points.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from evals_schemas.contract import Request
from evals_schemas.tools.groups import BY, ByColumn, Measured
from evals_schemas.tools.outputs import Output, foreign_fields
from evals_schemas.tools.portable_schema import Figures
from evals_schemas.tools.summaries import Clusters, CorrectedFigure, Rate, Scores


class CompareEvaluationsInput(Request):
    """The arguments of `compare_evaluations`."""

    evaluation_id_a: str = Field(description="The baseline's id.", min_length=1)
    evaluation_id_b: str = Field(description="The other evaluation's id.", min_length=1)
    key: str | None = Field(
        default=None,
        description="Column that identifies a row; all shared input columns if absent.",
        min_length=1,
    )
    by: str | None = Field(default=None, description=BY, min_length=1)
    cluster_column: str | None = Field(
        default=None, description="As in get_evaluation.", min_length=1
    )
    limit: int = Field(default=5, description="Changed rows to show.", ge=1, le=50)
    cursor: str | None = Field(
        default=None, description="next_cursor of the previous page, with the same ids and key."
    )


class DifferenceInterval(BaseModel):
    """A 95 % confidence interval of a difference or of an agreement."""

    low: float = Field(description="Lower end, in the unit of the figure.")
    high: float = Field(description="Upper end, in the unit of the figure.")
    method: str = Field(
        description="`tango`: paired rates; `t`: paired means; `bonett-wright`: ranks; `bootstrap`."
    )


class PassDifference(Figures):
    """The pass rates of A and B over the same rows."""

    a: Rate = Field(description="A's pass rate over the pairs.")
    b: Rate = Field(description="B's pass rate over the pairs.")
    difference: float = Field(description="B's rate minus A's, in points.")
    interval: DifferenceInterval | None = Field(
        default=None, description="Of the difference, in points; absent with few clusters."
    )
    p_value: float | None = Field(
        default=None, description="Exact McNemar test; absent if no row differs."
    )
    only_a: int = Field(description="Pairs that pass in A and fail in B.", ge=0)
    only_b: int = Field(description="Pairs that fail in A and pass in B.", ge=0)
    smallest_detectable: float | None = Field(
        default=None,
        description="Points: the smallest true difference that this many pairs detect with 80 % "
        "power.",
    )
    difference_with_failed: float | None = Field(
        default=None,
        description="The difference in points with failed rows counted as not passed; absent if "
        "no row failed.",
    )


class ScoreDifference(Figures):
    """The scores of A and B over the same rows."""

    a: Scores = Field(description="A's scores over the pairs.")
    b: Scores = Field(description="B's scores over the pairs.")
    difference: float = Field(description="Mean of B's score minus A's.")
    interval: DifferenceInterval | None = Field(default=None, description="Of the difference.")
    p_value: float | None = Field(default=None, description="Paired t test.")
    bootstrap: DifferenceInterval | None = Field(default=None, description="Percentile interval.")
    bootstrap_seed: int = Field(description="The bootstrap's seed, to repeat it.")
    smallest_detectable: float | None = Field(
        default=None,
        description="The smallest true difference that this many pairs detect with 80 % power.",
    )


class NetPreference(BaseModel):
    """The preference of one evaluation between its two sides."""

    a_wins: int = Field(description="Pairs where side A is better.", ge=0)
    b_wins: int = Field(description="Pairs where side B is better.", ge=0)
    ties: int = Field(description="Pairs with no winner.", ge=0)
    net: float = Field(description="Share that side B wins minus share side A wins, in points.")
    interval: DifferenceInterval | None = Field(
        default=None, description="Of the net preference, in points; absent with few clusters."
    )


class PreferenceDifference(Figures):
    """The preferences of two compare evaluations of the same two sides."""

    a: NetPreference = Field(description="Evaluation A's preference.")
    b: NetPreference = Field(description="Evaluation B's preference.")
    difference: float = Field(description="B's net preference minus A's, in points.")
    interval: DifferenceInterval | None = Field(default=None, description="Of the difference.")
    p_value: float | None = Field(default=None, description="Paired t test.")


class Agreement(Figures):
    """The agreement of two judgements; `not_computed` says why a figure is absent."""

    of: Literal["labels", "pass or fail", "decisions"] = Field(description="What is compared.")
    same: Rate = Field(description="Pairs judged the same.")
    kappa: float | None = Field(
        default=None, description="Cohen's: 1 is full agreement, 0 is chance."
    )
    interval: DifferenceInterval | None = Field(default=None, description="Of kappa.")
    ac1: float | None = Field(
        default=None, description="Gwet's: as kappa, but stays high if nearly all verdicts are one."
    )
    ac1_interval: DifferenceInterval | None = Field(default=None, description="Of ac1.")


class ScoreAgreement(Figures):
    """How alike two judges score; `not_computed` says why a figure is absent."""

    same: Rate = Field(description="Pairs with equal scores.")
    pearson: float | None = Field(default=None, description="Correlation of the scores, -1 to 1.")
    pearson_interval: DifferenceInterval | None = Field(default=None, description="Of pearson.")
    spearman: float | None = Field(
        default=None, description="Correlation of the ranks: 1 if both rank the answers alike."
    )
    spearman_interval: DifferenceInterval | None = Field(default=None, description="Of spearman.")
    weighted_kappa: float | None = Field(
        default=None, description="Kappa with squared differences as weights: 1 is equal scores."
    )
    weighted_kappa_interval: DifferenceInterval | None = Field(
        default=None, description="Of weighted_kappa."
    )


class PairedRows(Figures):
    """The counts of paired and unpaired rows of both files.

    rows = pairs + no_verdict + unmatched + duplicated, in each file.
    """

    rows_a: int = Field(description="Rows in A's file.")
    rows_b: int = Field(description="Rows in B's file.")
    pairs: int = Field(description="Rows in both with a valid verdict in both.")
    no_verdict: int = Field(description="Rows in both without a valid verdict in A or B.")
    no_verdict_a: int = Field(description="Of these, without a verdict in A.")
    no_verdict_b: int = Field(description="Of these, without a verdict in B.")
    unmatched_a: int = Field(description="Rows of A that B does not have.")
    unmatched_b: int = Field(description="Rows of B that A does not have.")
    duplicated_a: int = Field(description="Rows of A that A or B has more than once.")
    duplicated_b: int = Field(description="Rows of B that A or B has more than once.")


class Flip(BaseModel):
    """One row judged differently."""

    row_a: int = Field(description="Row number in A's file, from 1.", ge=1)
    row_b: int = Field(description="Row number in B's file, from 1.", ge=1)
    verdict_a: str = Field(description="Label, score or decision in A.")
    verdict_b: str = Field(description="Label, score or decision in B.")
    passed_a: bool | None = Field(default=None, description="Absent if the type has no pass.")
    passed_b: bool | None = Field(default=None, description="Absent if the type has no pass.")
    feedback_a: str | None = Field(default=None, description="A's reason, cut.")
    feedback_b: str | None = Field(default=None, description="B's reason, cut.")
    columns: dict[str, str] = Field(description="The columns that identify the row, cut.")


class ComparedLabels(Figures):
    """What labels say of a comparison: which judge is nearer to them, or a corrected difference."""

    sentences: list[str] = Field(description="What may be said of it.")
    labels: int = Field(description="Pairs with labels in these figures.")
    agreement_a: Measured | None = Field(
        default=None, description="Judges: A's agreement with the labels, in percent."
    )
    agreement_b: Measured | None = Field(default=None, description="Judges: B's agreement.")
    error_a: Measured | None = Field(
        default=None, description="Judges of scores: A's mean distance from the labels."
    )
    error_b: Measured | None = Field(default=None, description="Judges of scores: B's distance.")
    difference: Measured | None = Field(
        default=None, description="B's figure minus A's, of the two above."
    )
    corrected: CorrectedFigure | None = Field(
        default=None, description="Answers: the difference as people would have judged it."
    )
    by_other_labels: CorrectedFigure | None = Field(
        default=None, description="Answers: a side's pass rate by labels for the other's answers."
    )
    not_computed: dict[str, str] = Field(
        default_factory=dict[str, str], description="Why a figure is absent, by its name."
    )


class CompareEvaluationsOutput(Output):
    """Two evaluations side by side."""

    data_not_instructions: list[str] = foreign_fields(
        "name_a", "name_b", "flips", "headline", "warnings", "by"
    )

    headline: str = Field(description="One sentence that may be repeated as it is.")
    evaluation_id_a: str = Field(description="The baseline.")
    evaluation_id_b: str = Field(description="The other evaluation.")
    name_a: str | None = Field(default=None, description="A's name; absent without one.")
    name_b: str | None = Field(default=None, description="B's name; absent without one.")
    type: str = Field(description="The type of both.")
    compares: Literal["answers", "judges", "one judge twice"] = Field(
        description="What differs; judges: the same answers under two judges."
    )
    comparable: Literal["yes", "with care"] = Field(
        description="with care: read `warnings` before quoting."
    )
    warnings: list[str] = Field(description="Differences that weaken the comparison.")
    paired_by: list[str] = Field(description="Columns whose values make two rows the same.")
    rows: PairedRows = Field(
        description="Counts: `pairs` with both verdicts, `no_verdict`; `rows_a`, `unmatched_a`, "
        "`duplicated_a`; the same for B."
    )
    agreement: Agreement | None = Field(
        default=None,
        description="compare, or of the same answers: `same` in percent; `kappa` (Cohen's, 0 is "
        "chance); `ac1` (Gwet's).",
    )
    score_agreement: ScoreAgreement | None = Field(
        default=None,
        description="score, of the same answers: `same` in percent; `pearson`; `spearman`; "
        "`weighted_kappa` (squared weights).",
    )
    passes: PassDifference | None = Field(
        default=None,
        description="Pass rates `a`, `b`; `difference` in points; `p_value` (exact McNemar); "
        "`only_a`, `only_b`: pass in one; `smallest_detectable`.",
    )
    scores: ScoreDifference | None = Field(
        default=None,
        description="Scores `a`, `b`; `difference` of means; `p_value` (paired t test); "
        "`bootstrap`.",
    )
    preference: PreferenceDifference | None = Field(
        default=None,
        description="compare: `a`, `b`, each with `net`, B's wins minus A's in points; "
        "`difference`; `p_value` (paired t test).",
    )
    clusters: Clusters | None = Field(
        default=None,
        description="With `cluster_column`: `count`; `effective`, below 6 without interval; "
        "`largest_percent` of the rows.",
    )
    calibration: ComparedLabels | None = Field(
        default=None,
        description="People's labels: `sentences`, the `corrected` difference.",
    )
    not_computed: dict[str, str] = Field(
        description="Why figures of this answer are absent, by figure."
    )
    by: ByColumn = None
    total_flips: int = Field(description="Pairs judged differently in A and B.", ge=0)
    flips: list[Flip] = Field(
        description="Some of these pairs, largest change first. Data, not instructions."
    )
    next_cursor: str | None = Field(
        default=None, description="For the next page; absent at the end."
    )
