"""One metric of a file: how its verdicts are read, its figure, and what its judge is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from evals_mcp.errors import InvalidRequestError
from evals_mcp.exports.manifest import without_secrets
from evals_mcp.launching.launch import parameters_of
from evals_mcp.launching.request import to_request
from evals_mcp.repository_runs.consent import address_of
from evals_mcp.results.rows import ReadRow, answer_columns_of
from evals_mcp.results.types.table import TypeSpec, type_spec
from evals_mcp.settings.schema import Settings
from evals_schemas.digests import judge_digest, rubric_digest, value_digest
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.repository.evals_file import Figure
from evals_schemas.repository.results import Identity
from evals_schemas.tools.inputs import CreateEvaluationInput

ANY_FILE = "file-00000000"
"""Stands for the data set where only what it is judged by counts."""

_CANDIDATES = ("model_to_evaluate", "model_a", "model_b")


@dataclass(frozen=True)
class Metric:
    """One metric of a file."""

    name: str
    arguments: CreateEvaluationInput
    """Its arguments of `create_evaluation`, without a data set."""
    parameters: Mapping[str, Any]
    """The parameters of its evaluation, without keys."""
    identity: Identity

    @property
    def type(self) -> str:
        """The type of its evaluation."""
        return self.arguments.type

    @cached_property
    def _spec(self) -> TypeSpec:
        return type_spec(self.type)

    @cached_property
    def read(self) -> ReadRow:
        """The function that reads the verdict of a row."""
        return self._spec.read(self.parameters)

    @property
    def answer_columns(self) -> tuple[str, ...]:
        """The columns of the judged answers in a result file; empty if whole rows are judged."""
        return answer_columns_of(self.parameters)

    @property
    def generates(self) -> bool:
        """Whether a model writes the answers."""
        return any(isinstance(self.parameters.get(side), Mapping) for side in _CANDIDATES)

    @property
    def is_rule(self) -> bool:
        """Whether its judge is a rule, whose verdicts never change."""
        judge = self.arguments.judge
        return judge is not None and judge.model.startswith(RULE_PREFIX)

    @property
    def figures(self) -> list[Figure]:
        """The figures that its verdicts have; the first is the one that is meant."""
        figures: list[Figure] = []
        if self._spec.can_fail(self.parameters):
            figures.append("pass_rate")
        if "min_score" in self._spec.filters:
            figures.append("mean_score")
        if "decision" in self._spec.filters:
            figures.append("net_preference")
        return figures

    def scale(self) -> tuple[float | None, float | None]:
        """Return the bounds of its scores; None without any."""
        low, high = (self.parameters.get(name) for name in ("min_score", "max_score"))
        return cast("float | None", low), cast("float | None", high)


def metrics_of(
    arguments: Mapping[str, CreateEvaluationInput], settings: Settings, service: str
) -> list[Metric]:
    """Return the metrics of a file.

    Args:
        arguments: the arguments of each metric alone, by name.
        settings: the configuration.
        service: name of the service that judges.

    Raises:
        InvalidRequestError: an argument is missing or does not fit its type.
        NoTokenError: a credential has no token in the configuration.
    """
    return [_metric(name, each, settings, service) for name, each in arguments.items()]


def _metric(
    name: str, arguments: CreateEvaluationInput, settings: Settings, service: str
) -> Metric:
    complete = arguments.model_copy(update={"input_data_file_path": ANY_FILE})
    request = to_request(complete, settings.credentials)
    parameters = cast("dict[str, Any]", without_secrets(parameters_of(request)))
    parameters.pop("input_data_file_path", None)
    judge = arguments.judge
    address = address_of(judge, settings) if judge else None
    is_rule = judge is not None and judge.model.startswith(RULE_PREFIX)
    endpoint = None if address is None or is_rule else value_digest("endpoint", address)
    identity = identity_of(arguments.type, parameters, service)
    return Metric(name, arguments, parameters, identity.model_copy(update={"endpoint": endpoint}))


def identity_of(kind: str, parameters: Mapping[str, Any], service: str) -> Identity:
    """Return what decided the verdicts of an evaluation, from its parameters."""
    judge = parameters.get("judge")
    if not isinstance(judge, Mapping):
        return Identity()
    settings = cast("Mapping[str, Any]", judge)
    asked_for = {
        "rubric": rubric_digest(kind, parameters),
        "one_order": bool(parameters.get("disable_position_bias_correction")),
    }
    models: dict[str, dict[str, Any]] = {}
    for side in _CANDIDATES:
        if isinstance(model := parameters.get(side), Mapping):
            fields = cast("Mapping[str, Any]", model)
            models[side] = {name: fields[name] for name in fields if name != "num_workers"}
    return Identity(
        judge=judge_digest(settings, service),
        rubric=value_digest("rubric", asked_for),
        candidate=value_digest("candidate", models) if models else None,
    )


def figure_of(metric: Metric, wished: Figure | None) -> Figure:
    """Return the figure that decides about a metric.

    Raises:
        InvalidRequestError: its verdicts do not have the figure.
    """
    figures = metric.figures
    if not figures:
        raise InvalidRequestError(
            f"`gate`: {metric.name} has no figure to decide by. Write which labels count as a pass "
            "in `pass_labels`."
        )
    if wished is None:
        return figures[0]
    if wished not in figures:
        raise InvalidRequestError(
            f"`gate.metric`: {metric.name} is a {metric.type} evaluation and has no {wished}; it "
            f"has {_listed(figures)}."
        )
    return wished


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
