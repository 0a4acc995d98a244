"""The evaluation API: requests, jobs, statuses and results.

The contract is Together's (`POST /evaluation` and its neighbours, OpenAPI 2.0.0). Fields that only
the embedded engine answers with are marked so; a vendor's client ignores them.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from evals_schemas.contract import Answer, Request
from evals_schemas.datasets.repeated_inputs import RepeatedInput
from evals_schemas.evaluation_api.defaults import (
    CANDIDATE_MAX_TOKENS,
    JUDGE_MAX_TOKENS,
    TEMPERATURE,
)
from evals_schemas.sequential.record import SequentialField
from evals_schemas.sequential.stop_when import CONTINUES, STOP_WHEN, ContinuesField, StopWhenField

ModelSource = Literal["serverless", "dedicated", "external"]
State = Literal["pending", "queued", "running", "completed", "error", "user_error"]

ENDED: frozenset[str] = frozenset({"completed", "error", "user_error"})
"""The final states of an evaluation."""


class Endpoint(Request):
    """The fields that name a model and its endpoint, shared by judges and candidates."""

    model: str = Field(description="Model name.", min_length=1, max_length=500)
    model_source: ModelSource = Field(
        description="serverless: the service's own models; dedicated: an endpoint id; "
        "external: any OpenAI-compatible API."
    )
    system_template: str = Field(description="System prompt as a Jinja2 template over the columns.")
    external_base_url: str | None = Field(
        default=None,
        description="OpenAI-compatible base URL, for an external model.",
        max_length=2_000,
    )
    external_api_token: str | None = Field(
        default=None, description="The external API's key. Never stored, never answered."
    )
    num_workers: int | None = Field(
        default=None, description="Calls in flight at once; the service chooses if absent.", ge=1
    )


class JudgeModelConfig(Endpoint):
    """The judge: a model with a rubric, or a rule (`rule/…`) with the expected text as template."""

    max_tokens: int | None = Field(
        default=None, description=f"Longest verdict in tokens; {JUDGE_MAX_TOKENS} if absent.", ge=1
    )
    temperature: float | None = Field(
        default=None, description=f"0 to 2; {TEMPERATURE} if absent.", ge=0, le=2
    )


class ModelRequest(Endpoint):
    """A candidate: a model that answers every row before the judge sees it."""

    input_template: str = Field(description="User prompt as a Jinja2 template over the columns.")
    max_tokens: int | None = Field(
        default=None,
        description=f"Longest answer in tokens; {CANDIDATE_MAX_TOKENS} if absent.",
        ge=1,
    )
    temperature: float | None = Field(
        default=None, description=f"0 to 2; {TEMPERATURE} if absent.", ge=0, le=2
    )


ColumnOrModel = str | ModelRequest
"""A string names a data-set column of ready answers; an object is a model to run."""


class Parameters(Request):
    """The parameters of every type of evaluation."""

    judge: JudgeModelConfig = Field(description="The judge of each row.")
    input_data_file_path: str = Field(
        description="Id of an uploaded data set, such as `file-…`.", min_length=1
    )


class ClassifyParameters(Parameters):
    """The judge puts each answer under one of your labels."""

    labels: list[str] = Field(
        description="Every label the judge may give.", min_length=2, max_length=1_000
    )
    pass_labels: list[str] = Field(
        description="The labels that count as a pass, each one of `labels`.",
        min_length=1,
        max_length=1_000,
    )
    model_to_evaluate: ColumnOrModel | None = Field(
        default=None, description="A column of ready answers, or a model to run."
    )

    @model_validator(mode="after")
    def labels_are_told_apart(self) -> Self:
        """Refuse labels that verdicts cannot be matched to, and pass labels that are not labels."""
        seen = {label.strip().casefold() for label in self.labels}
        if "" in seen or len(seen) < len(self.labels):
            raise ValueError("labels: each must be non-empty and differ by more than case")
        if unknown := [label for label in self.pass_labels if label not in self.labels]:
            raise ValueError(f"pass_labels: {unknown} not in labels {self.labels}")
        return self


class ScoreParameters(Parameters):
    """The judge gives each answer a number in your range."""

    min_score: float = Field(description="Lowest score.", allow_inf_nan=False)
    max_score: float = Field(description="Highest score.", allow_inf_nan=False)
    pass_threshold: float = Field(
        description="A score of this or more is a pass.", allow_inf_nan=False
    )
    model_to_evaluate: ColumnOrModel | None = Field(
        default=None, description="A column of ready answers, or a model to run."
    )

    @model_validator(mode="after")
    def range_holds_the_threshold(self) -> Self:
        """Refuse an empty range, and a threshold that no score or every score would meet."""
        if self.min_score >= self.max_score:
            raise ValueError(f"max_score: must be above min_score ({self.min_score:g})")
        if not self.min_score <= self.pass_threshold <= self.max_score:
            raise ValueError(
                f"pass_threshold: must lie in {self.min_score:g}..{self.max_score:g}, "
                f"got {self.pass_threshold:g}"
            )
        return self


class CompareParameters(Parameters):
    """The judge picks the better of two answers to each row."""

    model_a: ColumnOrModel | None = Field(
        default=None, description="Side A: a column of ready answers, or a model to run."
    )
    model_b: ColumnOrModel | None = Field(
        default=None, description="Side B: a column of ready answers, or a model to run."
    )
    disable_position_bias_correction: bool | None = Field(
        default=None,
        description="true judges each pair once, in the order A, B; otherwise both orders are "
        "judged and a disagreement is a tie.",
    )

    @model_validator(mode="after")
    def both_sides_are_named(self) -> Self:
        """Refuse a comparison with a side missing."""
        for side in ("model_a", "model_b"):
            if getattr(self, side) is None:
                raise ValueError(f"{side}: name a column of ready answers or a model to run")
        return self


AnyParameters = ClassifyParameters | ScoreParameters | CompareParameters


ANSWERS_FROM = "answers_from"
"""The field of a request, and of the parameters of its evaluation, that names the evaluation whose
generated answers it judges."""


BESIDE_PARAMETERS = frozenset({ANSWERS_FROM, STOP_WHEN, CONTINUES})
"""Fields that a request has beside its parameters, and that its evaluation has among them."""


class CreateRequest(Request):
    """What the requests of all types have beside their parameters."""

    answers_from: str | None = Field(
        default=None,
        description="The embedded engine only: an evaluation of the same rows and candidates, "
        "whose answers are judged once it has ended. Nothing is generated again.",
        max_length=200,
    )
    stop_when: StopWhenField = None
    continues: ContinuesField = None


class ClassifyRequest(CreateRequest):
    """Create an evaluation that labels answers."""

    type: Literal["classify"] = Field(description="Always `classify`.")
    parameters: ClassifyParameters = Field(description="What to judge, and how.")


class ScoreRequest(CreateRequest):
    """Create an evaluation that scores answers."""

    type: Literal["score"] = Field(description="Always `score`.")
    parameters: ScoreParameters = Field(description="What to judge, and how.")


class CompareRequest(CreateRequest):
    """Create an evaluation that compares two answers."""

    type: Literal["compare"] = Field(description="Always `compare`.")
    parameters: CompareParameters = Field(description="What to judge, and how.")


EvaluationRequest = Annotated[
    ClassifyRequest | ScoreRequest | CompareRequest, Field(discriminator="type")
]


def parse_evaluation_request(body: object) -> ClassifyRequest | ScoreRequest | CompareRequest:
    """Validate the body of a create.

    Raises:
        pydantic.ValidationError: a field is missing, unknown, or holds a value not allowed.
    """
    return TypeAdapter[ClassifyRequest | ScoreRequest | CompareRequest](
        EvaluationRequest
    ).validate_python(body)


def candidates(parameters: AnyParameters) -> dict[str, ColumnOrModel]:
    """Return the sides that are judged, by field; empty if the row itself is judged."""
    if isinstance(parameters, CompareParameters):
        sides = {"model_a": parameters.model_a, "model_b": parameters.model_b}
    else:
        sides = {"model_to_evaluate": parameters.model_to_evaluate}
    return {field: side for field, side in sides.items() if side is not None}


class EvaluationDeleted(Answer):
    """The answer to the deletion of an evaluation."""

    id: str = Field(description="The id that no longer exists.")
    deleted: bool = Field(default=True, description="Always true.")


class EvaluationCreated(Answer):
    """The answer to a create."""

    workflow_id: str = Field(description="The evaluation's id.")
    status: str = Field(default="pending", description="Its first status; see `State`.")


class StatusUpdate(Answer):
    """One status change of an evaluation."""

    status: str = Field(description="The status it reached; see `State`.")
    message: str = Field(default="", description="Why.")
    timestamp: datetime | None = Field(default=None, description="When; absent where unknown.")


class Progress(Answer):
    """The number of rows that are finished and stored."""

    done: int = Field(description="Rows finished.", ge=0)
    total: int | None = Field(
        default=None, description="Rows in the data set; absent until counted.", ge=0
    )
    note: str | None = Field(
        default=None, description="Why there is no progress; absent if there is."
    )


def _decoded(value: object) -> object:
    """Return `label_counts` from either form: the object of live output, the string of the spec."""
    return json.loads(value) if isinstance(value, str) else value


class Results(Answer):
    """What every finished evaluation reports. A count is absent where the service omits it."""

    generation_fail_count: int | None = Field(
        default=None, description="Rows for which no answer could be generated.", ge=0
    )
    judge_fail_count: int | None = Field(
        default=None, description="Rows whose judge call failed.", ge=0
    )
    result_file_id: str | None = Field(
        default=None, description="File with every row's verdict; absent when none was written."
    )
    error: str | None = Field(
        default=None, description="Why the evaluation failed; absent when it did not."
    )
    reason: str | None = Field(
        default=None,
        description="Code for `error`, see `Reason`; only the embedded engine has codes.",
    )
    sequential: SequentialField = None
    repeated_input: RepeatedInput | None = Field(
        default=None,
        description="An input that rows repeat, by which they may belong together; the embedded "
        "engine only, absent if rows repeat no input.",
    )


class ClassifyResults(Results):
    """Labels counted over the rows with a valid verdict."""

    label_counts: Annotated[dict[str, int], BeforeValidator(_decoded)] | None = Field(
        default=None, description="Rows by label."
    )
    pass_percentage: float | None = Field(
        default=None, description="Share of passing rows, 0 to 100; absent when no row was valid."
    )
    invalid_label_count: int | None = Field(
        default=None, description="Rows whose verdict was not one of the labels.", ge=0
    )


class AggregatedScores(Answer):
    """Mean, deviation and pass share of the valid scores."""

    mean_score: float | None = Field(default=None, description="Mean; absent without a score.")
    std_score: float | None = Field(
        default=None,
        description="Standard deviation; the embedded engine's is the sample's (n - 1).",
    )
    pass_percentage: float | None = Field(
        default=None, description="Share of scores at or above the threshold, 0 to 100."
    )


class ScoreResults(Results):
    """Scores summed up over the rows with a valid verdict."""

    aggregated_scores: AggregatedScores | None = Field(
        default=None, description="Mean, deviation, pass share; absent without a score."
    )
    failed_samples: int | None = Field(
        default=None, description="Rows without a valid score, for any reason.", ge=0
    )
    invalid_score_count: int | None = Field(
        default=None, description="Rows whose verdict held no number in the range.", ge=0
    )


class CompareResults(Results):
    """Wins counted over the rows with a valid verdict."""

    num_samples: int | None = Field(default=None, description="Rows compared.", ge=0)
    A_wins: int | None = Field(default=None, description="Rows where A was better.", ge=0)
    B_wins: int | None = Field(default=None, description="Rows where B was better.", ge=0)
    Ties: int | None = Field(
        default=None, description="Rows judged equal, or differently in the two orders.", ge=0
    )
    invalid_choice_count: int | None = Field(
        default=None, description="Rows with no readable verdict; the embedded engine only."
    )
    one_order_counts: dict[str, int] | None = Field(
        default=None,
        description="Of A_wins, B_wins and Ties, under A, B and Tie: rows of which only one order "
        "has a readable verdict. The embedded engine only; absent when one order was judged.",
    )
    order_counts: dict[str, int] | None = Field(
        default=None,
        description="Rows with a verdict in both orders, by both verdicts, such as `A,Tie`. The "
        "embedded engine only; absent when one order was judged.",
    )


class EvaluationStatus(Answer):
    """The status, with the results once there are any."""

    status: str = Field(
        description="A `State`, or a state of a later version, which counts as running."
    )
    results: dict[str, Any] | None = Field(
        default=None, description="See `type_models.parse_results`; absent until finished."
    )
    progress: Progress | None = Field(
        default=None, description="Rows done; the embedded engine only."
    )
    sequential: SequentialField = None


class EvaluationJob(EvaluationStatus):
    """One evaluation as a service stores it."""

    workflow_id: str = Field(description="The evaluation's id.")
    type: str | None = Field(
        default=None, description="What the judge does: an `EvaluationType`, or a later one."
    )
    owner_id: str | None = Field(default=None, description="Who created it; admins only.")
    status_updates: list[StatusUpdate] | None = Field(
        default=None, description="Its status changes; admins and the embedded engine only."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="The request's parameters, keys removed."
    )
    created_at: datetime | None = Field(default=None, description="When it was created.")
    updated_at: datetime | None = Field(default=None, description="When it last changed.")
