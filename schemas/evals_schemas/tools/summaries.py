"""The results of an ended evaluation: figures with intervals, the rows they leave out, and what
labels say of the judge."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from evals_schemas.tools.groups import Measured
from evals_schemas.tools.portable_schema import Figures


class Interval(BaseModel):
    """A 95 % confidence interval."""

    low: float = Field(description="Lower end, in the unit of the figure.")
    high: float = Field(description="Upper end, in the unit of the figure.")
    method: str = Field(
        description="`wilson` for a rate, `tango` for one with ties or pairs, `t` for a mean, or "
        "`bootstrap`; with `, clustered` over clusters."
    )


class Rate(BaseModel):
    """A share of rows, in percent."""

    percent: float = Field(description="0 to 100, of `of` rows.")
    count: int | None = Field(default=None, description="Rows that pass; absent if unknown.")
    of: int | None = Field(default=None, description="Rows it is a share of; absent if unknown.")
    interval: Interval | None = Field(
        default=None, description="In percent; absent if `of` is unknown."
    )
    percent_of_all_rows: float | None = Field(
        default=None, description="With failed rows counted as not passed; absent if no row failed."
    )


class LabelCount(BaseModel):
    """The rows with one label."""

    label: str = Field(description="The label.")
    count: int = Field(description="Rows with it.", ge=0)
    percent: float = Field(description="Share of the rows with a valid label, 0 to 100.")
    passes: bool | None = Field(
        default=None, description="Whether it is a pass; absent if unknown."
    )


class Scores(BaseModel):
    """A summary of the valid scores."""

    mean: float = Field(description="Mean of the valid scores.")
    std: float | None = Field(default=None, description="Standard deviation; absent if unknown.")
    n: int | None = Field(default=None, description="Valid scores; absent if unknown.")
    interval: Interval | None = Field(
        default=None, description="Of the mean; absent with fewer than two scores or n unknown."
    )
    std_kind: str | None = Field(
        default=None, description="The divisor, such as `sample (n - 1)`; absent if unknown."
    )
    quartiles: list[float] | None = Field(
        default=None,
        description="Minimum, lower quartile, median, upper quartile, maximum; needs the rows.",
    )
    histogram: list[str] | None = Field(
        default=None, description="Scores by range, one line each; needs the rows."
    )


class Wins(BaseModel):
    """The verdicts of a comparison."""

    a: int = Field(description="Rows where A is better.", ge=0)
    b: int = Field(description="Rows where B is better.", ge=0)
    ties: int = Field(description="Rows with no winner.", ge=0)
    one_order: int | None = Field(
        default=None, description="More rows, judged in one order only; absent if unknown."
    )
    a_percent: float | None = Field(
        default=None,
        description="A's win rate with a tie as half a win; absent if the order decided most rows.",
    )
    p_value: float | None = Field(
        default=None,
        description="Exact two-sided sign test without the ties; by cluster if `clusters`.",
    )
    a_interval: Interval | None = Field(default=None, description="Of a_percent.")
    without_ties: Rate | None = Field(
        default=None, description="A's share of the rows with a winner; absent as a_percent."
    )
    disagreements: Rate | None = Field(
        default=None,
        description="Rows whose verdict changed with the order; absent if one order was judged.",
    )
    longer: Rate | None = Field(
        default=None,
        description="Choices of the longer answer, of the rows with a winner and two texts of "
        "different length; needs the rows.",
    )
    a_longer: int | None = Field(default=None, description="Of these rows, where A is longer.")
    first_slot: Rate | None = Field(
        default=None,
        description="Choices of the answer shown first; 50 is no bias. Absent if one order was "
        "judged.",
    )
    first_slot_p: float | None = Field(
        default=None, description="Two-sided sign test of that bias; absent if nothing changed."
    )


class Failures(BaseModel):
    """The rows that no figure includes."""

    generation: int | None = Field(
        default=None, description="No answer could be generated; absent if unknown."
    )
    judge: int | None = Field(default=None, description="The judge call failed; absent if unknown.")
    invalid: int | None = Field(
        default=None, description="The verdict could not be read; absent if unknown."
    )
    total: int | None = Field(default=None, description="Their sum; absent if one is unknown.")


class MetricSummary(BaseModel):
    """One metric of one model on a benchmark."""

    metric: str = Field(description="Its name.")
    mean: float | None = Field(default=None, description="Mean; absent if unknown.")
    std: float | None = Field(
        default=None, description="Population standard deviation; absent if unknown."
    )
    min: float | None = Field(default=None, description="Lowest; absent if unknown.")
    max: float | None = Field(default=None, description="Highest; absent if unknown.")
    n: int | None = Field(default=None, description="Questions in it; absent if unknown.")
    interval: Interval | None = Field(
        default=None, description="Of the mean; needs the rows, and values that vary."
    )


class BenchmarkedModel(BaseModel):
    """The results of one model on a benchmark."""

    model_id: str = Field(description="The model.")
    correct: Rate | None = Field(
        default=None, description="Questions answered correctly; absent if not counted."
    )
    metrics: list[MetricSummary] = Field(description="One entry per metric.")


class BenchmarkDifference(BaseModel):
    """The second model minus the first, over the questions that both answered."""

    of: str = Field(description="`correct`, in points, or `score`, in its own unit.")
    model_id: str = Field(description="The first model.")
    model_id_2: str = Field(description="The second model.")
    questions: int = Field(description="Questions with a verdict on both answers.", ge=0)
    first: float = Field(
        description="The first model's figure here: correct answers or mean score."
    )
    second: float = Field(description="The second model's figure.")
    difference: float = Field(description="The second minus the first, in the unit of `of`.")
    interval: Interval | None = Field(
        default=None, description="Of the difference; absent if nothing varies."
    )
    p_value: float | None = Field(
        default=None, description="Exact McNemar or paired t test; absent if nothing varies."
    )
    bootstrap: Interval | None = Field(default=None, description="score: percentile bootstrap.")
    only_first: int | None = Field(
        default=None, description="correct: questions that only the first model answers correctly."
    )
    only_second: int | None = Field(
        default=None, description="correct: questions that only the second model answers correctly."
    )


class BenchmarkSummary(BaseModel):
    """The results of a benchmark evaluation, by model."""

    models: list[BenchmarkedModel] = Field(description="In the order of the request.")
    judge: str | None = Field(
        default=None, description="The judge of the answers; absent if unknown."
    )
    differences: list[BenchmarkDifference] = Field(
        default_factory=list[BenchmarkDifference],
        description="Between the two models; empty with one model or without rows: see `notes`.",
    )


class Clusters(Figures):
    """Rows that belong together: those with the same value of `cluster_column`."""

    column: str = Field(description="The column.")
    count: int = Field(description="Clusters.", ge=0)
    effective: float = Field(
        description="Equal clusters worth as much; below 6 there is no interval and no p-value."
    )
    largest_percent: float = Field(description="Share of the rows in the largest cluster.")
    rows_worth: float | None = Field(
        default=None, description="Independent rows as precise as these; absent in a comparison."
    )


CorrectedBy = Literal["stratified", "regression", "rogan-gladen", "labels alone"]
"""How a figure was corrected; `labels alone` where the judge adds nothing to the labels."""


class LabelledCell(BaseModel):
    """Labelled rows with one verdict and one label."""

    verdict: str = Field(description="By the judge.")
    label: str = Field(description="By the labeller.")
    rows: int = Field(description="Number of them.")


class CorrectedFigure(BaseModel):
    """A figure of all rows as it would be if people had judged them, by their labels."""

    of: str = Field(
        description="`pass rate`, `mean score`, `win rate of` a side, or `share of` a label."
    )
    unit: Literal["%", "points", "score"] = Field(description="Of all its numbers.")
    figure: Measured = Field(description="With its interval.")
    method: CorrectedBy = Field(description="`labels alone` if the judge adds nothing to them.")
    judge_alone: float = Field(description="The same figure by the judge's verdicts.")
    labels_alone: Measured | None = Field(
        default=None, description="By the labels; absent if their rows are no random sample."
    )
    worth_labels: float | None = Field(
        default=None, description="Labels as precise without the judge; absent if it adds nothing."
    )

    @property
    def is_off(self) -> bool:
        """Whether the judge's own figure lies outside of the interval."""
        if len(self.figure) < 3:
            return False
        return not self.figure[1] <= self.judge_alone <= self.figure[2]


class MoreLabels(BaseModel):
    """The labels that a narrower interval needs."""

    half_width: float = Field(description="Half of its width, in the unit of the first figure.")
    more: int | None = Field(
        default=None, description="More labels; absent if no number is enough for these rows."
    )
    minutes: float | None = Field(
        default=None, description="At the pace of these labels; absent if unknown."
    )


class WrongCalls(BaseModel):
    """Labelled rows with one value of a column."""

    value: str = Field(description="The value, as in `by`.")
    wrong: int = Field(description="Rows on which the judge is wrong by the label.")
    labels: int = Field(description="Rows with a label.")


class Ceiling(BaseModel):
    """The agreement of two labellers, which no judge can be expected to exceed."""

    rows: int = Field(description="Rows that both labelled.")
    same: float = Field(description="Rows with the same label, in percent.")
    kappa: float | None = Field(default=None, description="Absent if all labels are the same.")


class Calibration(Figures):
    """Labels beside the judge's verdicts, and the figures that they correct."""

    sentences: list[str] = Field(description="What may be said of it.")
    labels: int = Field(description="Labels in these figures, one a row.")
    waiting: int = Field(default=0, description="More labels, which count from the next step on.")
    kind: Literal["human", "model", "unknown"] = Field(
        default="human", description="Who gave the labels."
    )
    labellers: int = Field(default=1, description="How many gave them.")
    plan: Literal["random", "balanced", "chosen", "all"] = Field(
        default="chosen", description="How the labelled rows were selected."
    )
    seed: int | None = Field(default=None, description="The order of the sample follows from it.")
    skipped: int = Field(default=0, description="Rows of the sample that were skipped.")
    of_other_answers: int = Field(
        default=0, description="Labels about answers that this evaluation does not have."
    )
    matrix: list[LabelledCell] = Field(
        default_factory=list[LabelledCell], description="The commonest pairs of verdict and label."
    )
    agreement: Measured | None = Field(
        default=None, description="Rows with the same verdict and label, in percent."
    )
    majority_baseline: float | None = Field(
        default=None, description="Agreement of always giving the commonest label, in percent."
    )
    sensitivity: Measured | None = Field(
        default=None, description="Of the rows that people pass, those that the judge passes."
    )
    specificity: Measured | None = Field(
        default=None, description="Of the rows that people fail, those that the judge fails."
    )
    kappa: Measured | None = Field(default=None, description="Cohen's.")
    ac1: Measured | None = Field(default=None, description="Gwet's.")
    weighted_kappa: Measured | None = Field(default=None, description="score: squared weights.")
    pearson: Measured | None = Field(default=None, description="score: correlation.")
    spearman: Measured | None = Field(default=None, description="score: correlation of ranks.")
    mean_difference: Measured | None = Field(
        default=None, description="score: the judge's score minus the label, on average."
    )
    corrected: list[CorrectedFigure] = Field(
        default_factory=list[CorrectedFigure], description="The main figure first."
    )
    by_other_labels: CorrectedFigure | None = Field(
        default=None,
        description="The pass rate by labels of another evaluation by the same judge.",
    )
    labels_for: list[MoreLabels] = Field(
        default_factory=list[MoreLabels], description="What narrower intervals need."
    )
    wrong_by: list[WrongCalls] | None = Field(
        default=None, description="With `by`: wrong calls by value, the most first."
    )
    ceiling: Ceiling | None = Field(
        default=None, description="Agreement of two labellers; absent below 30 common rows."
    )
    not_computed: dict[str, str] = Field(
        default_factory=dict[str, str], description="Why a figure is absent, by its name."
    )


class Summary(BaseModel):
    """The results of an ended evaluation."""

    headline: str = Field(description="One sentence that can be quoted as it is.")
    pass_rate: Rate | None = Field(default=None, description="classify, score: passing rows.")
    labels: list[LabelCount] | None = Field(default=None, description="classify: by label.")
    scores: Scores | None = Field(default=None, description="score: mean and deviation.")
    wins: Wins | None = Field(default=None, description="compare: A, B and ties.")
    benchmark: BenchmarkSummary | None = Field(default=None, description="benchmark: by model.")
    failures: Failures | None = Field(default=None, description="Rows that no figure includes.")
    clusters: Clusters | None = Field(
        default=None, description="Only with `cluster_column`, if a value repeats."
    )
    calibration: Calibration | None = Field(
        default=None,
        description="People's labels: `sentences`; `agreement`, `kappa` and more, each "
        "`[figure, low, high]`; `corrected` figures.",
    )
    sequential: dict[str, Any] | None = Field(
        default=None,
        description="With `stop_when`: decision, e (20 decides), interval valid at every look, "
        "rows counted and not judged.",
    )
    notes: list[str] = Field(
        default_factory=list[str], description="Caveats to read before quoting a figure."
    )
