"""The file `evals.toml`: the arguments of `create_evaluation`, its data, its consent and a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from evals_schemas.contract import Request
from evals_schemas.tools.inputs import CreateEvaluationInput

FILE_ONLY = ("data", "max_usd", "max_calls", "candidate_version", "gate")
"""Fields of the file that `create_evaluation` does not have."""

NOT_IN_A_FILE = frozenset(
    {"input_data_file_path", "dry_run", "confirm", "again", "retry_of", "answers_of", "changes"}
)
"""Arguments of `create_evaluation` that a file does not have: they are about a single call."""

MOST_PINNED = 50
"""Most rows that a gate may pin; a pinned row that fails is judged twice more."""

FEWEST_PAIRS = 30
"""Fewest rows with a verdict on both sides that a gate decides by."""

Figure = Literal["pass_rate", "mean_score", "net_preference"]


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


class MetricRule(Request):
    """What a gate demands of one metric."""

    metric: Figure | None = Field(
        default=None,
        description="The figure that decides: pass_rate, mean_score or net_preference; the pass "
        "rate if absent, else the figure that the type has.",
    )
    margin: float | None = Field(
        default=None,
        description="The largest loss that is acceptable: points of a pass rate or preference, 5 "
        "up to 300 rows and 3 above if absent; for a mean score in its own unit, and required.",
        ge=0.001,
        allow_inf_nan=False,
    )
    floor: float | None = Field(
        default=None,
        description="The lowest acceptable figure: percent, or a score. Absent: none.",
        allow_inf_nan=False,
    )


class GateRules(MetricRule):
    """The section `[gate]`: when a change passes."""

    certainty: float = Field(
        default=95,
        description="Percent, 80 to 99.9: how sure it must be that the loss is within the margin.",
        ge=80,
        le=99.9,
    )
    fail_if: Literal["worse", "worse_than_margin"] = Field(
        default="worse",
        description="worse: a loss that is certain fails; worse_than_margin: only one that is "
        "certainly above the margin.",
    )
    unclear: Literal["warn", "fail", "more"] = Field(
        default="warn",
        description="warn: not enough evidence exits with 0 and an annotation; fail: with 3; more: "
        "`sample` rows are judged first, further ones only while nothing is decided, then as warn.",
    )
    max_rows: int | None = Field(
        default=None,
        description="With `stop_when` or `unclear` more: the most rows that are compared, drawn at "
        "random. All if absent.",
        ge=FEWEST_PAIRS,
    )
    pinned: str | None = Field(
        default=None,
        description="A column that is true in rows which must never fail, at most 50.",
        min_length=1,
    )
    key: Annotated[Sequence[str], BeforeValidator(_one_or_more)] = Field(
        default=(),
        description="Columns that identify a row; all columns that are not judged if absent.",
    )
    cluster_column: str | None = Field(
        default=None,
        description="A column whose equal values mark rows that belong together.",
        min_length=1,
    )
    anchors: int = Field(
        default=60,
        description="Rows of an older baseline that are judged again, once a week, to see whether "
        "the judge has moved; 0 for none.",
        ge=0,
        le=500,
    )
    metrics: Mapping[str, MetricRule] = Field(
        default_factory=dict[str, MetricRule],
        description="By the name of a metric: a margin, floor or figure of its own.",
    )


class EvalsFile(CreateEvaluationInput):
    """The whole file."""

    data: str = Field(
        description="The data set: a .jsonl, .csv, .tsv, .json or .parquet file, by its path from "
        "the folder of evals.toml.",
        min_length=1,
    )
    max_usd: float | None = Field(
        default=None,
        description="US dollars that one run may cost at most. It is the consent: nothing is "
        "asked. Absent: only what costs nothing is run.",
        ge=0,
        allow_inf_nan=False,
    )
    max_calls: int | None = Field(
        default=None,
        description="Model calls that one run may make at models whose price is unknown. Absent: "
        "none, apart from models on this machine.",
        ge=0,
    )
    candidate_version: str | None = Field(
        default=None,
        description="A name for the state of the candidate, such as a commit: answers that it has "
        "generated for the baseline under the same name are kept.",
        min_length=1,
        max_length=200,
    )
    gate: GateRules | None = Field(default=None, description="When a change passes.")

    @model_validator(mode="after")
    def only_arguments_of_a_file(self) -> EvalsFile:
        """Refuse arguments that are about a single call."""
        for name in sorted(self.model_fields_set & NOT_IN_A_FILE):
            instead = "give data" if name == "input_data_file_path" else "leave it out"
            raise ValueError(f"{name}: is not an argument of evals.toml; {instead}")
        return self
