"""Whether the models of a request exist and can do what is asked of them, as far as lists tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from evals_mcp.cleaning import clean
from evals_mcp.near_names import near_names
from evals_mcp.planning.inputs.service_lists import Lookups
from evals_mcp.providers.protocol import LOCAL
from evals_schemas.datasets.reader import IMAGE_COLUMN
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    Endpoint,
    JudgeModelConfig,
    ModelRequest,
    candidates,
)
from evals_schemas.evaluation_api.models import NO_TEXT_TYPES
from evals_schemas.evaluation_api.rules import RULE_PREFIX

RULES = ("exact-match", "contains", "regex", "numeric", "similarity")
"""The rules of the embedded engine, without their prefix."""

_EYES = re.compile(
    r"(?:^|[-_/:. ])(?:vl|vlm|v|omni|ocr)\d*(?:$|[-_/:. ])|vision|multimodal|llava|pixtral"
    r"|moondream|gpt-4o|gpt-4\.1|gpt-[5-9]|(?:^|/)o[134]|claude|gemini|gemma-?[3-9]|llama-?4|maverick"
    r"|scout|internvl|minicpm-v|qwen-?3\.[5-9]|kimi-k2\.[5-9]",
    re.IGNORECASE,
)
"""Names of models that take pictures: no list of a service says it. What is missing here brings a
warning too many, never a refusal."""


def models_called(parameters: AnyParameters) -> dict[str, Endpoint]:
    """The endpoints of a request by role, the judge's among them even where it is a rule."""
    sides = candidates(parameters).items()
    found: dict[str, Endpoint] = {
        name: side for name, side in sides if isinstance(side, ModelRequest)
    }
    return found | {"judge": parameters.judge}


def model_problems(
    parameters: AnyParameters, lookups: Lookups, service: str, *, serves_models: bool
) -> tuple[list[str], list[str]]:
    """Problems and warnings about names of models.

    The embedded engine may have no endpoint that `serves_models`.

    A service with a list of what it takes in evaluations refuses every other name. The embedded
    engine passes any name on: some endpoints know models under more names than they list.
    """
    problems: list[str] = []
    warnings: list[str] = []
    for role, endpoint in models_called(parameters).items():
        name = endpoint.model
        if name.startswith(RULE_PREFIX):
            problems += _rule_problem(role, name, lookups, service)
        elif service == LOCAL and endpoint.model_source == "serverless" and not serves_models:
            problems.append(no_endpoint(f"{role}.model"))
        elif endpoint.model_source != "external" and (kind := _no_text(name, lookups)):
            problems.append(_wrong_kind(role, name, kind))
        elif endpoint.model_source != "external" and not _is_listed(name, lookups.model_names):
            text = _unlisted(role, endpoint, lookups, service)
            refused = service != LOCAL and lookups.judges is not None
            told = problems if refused and endpoint.model_source == "serverless" else warnings
            told += text
        elif lookups.judges and endpoint.model_source == "serverless" and service != LOCAL:
            warnings += _not_for_evaluations(role, name, lookups.judges)
    return problems, warnings


def beyond_context(parameters: AnyParameters, lookups: Lookups) -> Iterator[str]:
    """Longest answers that are longer than all that a model can hold, as far as that is listed."""
    for role, endpoint in models_called(parameters).items():
        model = (lookups.models or {}).get(endpoint.model)
        wanted = endpoint.max_tokens if isinstance(endpoint, ModelRequest | JudgeModelConfig) else 0
        if model is None or endpoint.model_source != "serverless" or not wanted:
            continue
        if model.context_length and wanted > model.context_length:
            yield (
                f"`{role}.max_tokens` {wanted:,} is above the context length of "
                f"{clean(endpoint.model, 60)}, {model.context_length:,} tokens with the prompt: "
                "the calls may be refused. Give less."
            )


def self_judging(parameters: AnyParameters) -> Iterator[str]:
    """A judge is kinder to its own answers (Zheng et al., arXiv 2306.05685, section 3.3)."""
    same = [
        name
        for name, side in candidates(parameters).items()
        if isinstance(side, ModelRequest) and side.model == parameters.judge.model
    ]
    if (same and len(same) < len(candidates(parameters))) or same == ["model_to_evaluate"]:
        yield (
            f"`judge.model` and `{same[0]}.model` are the same: a model tends to prefer its own "
            "answers. Take another judge."
        )


def blind_models(parameters: AnyParameters, columns: Sequence[str], service: str) -> Iterator[str]:
    """Who would have to look at the pictures and cannot."""
    if IMAGE_COLUMN not in columns:
        return
    endpoints = models_called(parameters)
    if parameters.judge.model.startswith(RULE_PREFIX) and len(endpoints) == 1:
        yield f"`{IMAGE_COLUMN}` is there and nobody looks at it: a rule has no eyes."
        return
    if service == LOCAL:
        endpoints.pop("judge")
        if not endpoints:
            yield (
                f"`{IMAGE_COLUMN}` is there and nobody looks at it: on {LOCAL} the pictures go to "
                "a model that answers, not to the judge."
            )
    for role, endpoint in endpoints.items():
        if not endpoint.model.startswith(RULE_PREFIX) and not _EYES.search(endpoint.model):
            yield (
                f"`{role}.model` {clean(endpoint.model, 60)} may have no eyes for "
                f"`{IMAGE_COLUMN}`, by its name."
            )


def no_endpoint(field: str) -> str:
    """The problem of a model on the embedded engine where nothing answers for models."""
    return (
        f"`{field}`: {LOCAL} has no endpoint for models. Whoever runs this server sets "
        "local.models.base_url to an OpenAI-compatible API; until then it takes rule judges, such "
        "as rule/contains, and columns of ready answers."
    )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A sentence with the nearest names, or where the names are."""
    near = [clean(other, 80) for other in near_names(name, names)]
    return f"Did you mean {' or '.join(near)}?" if near else "list_models has the names."


def _rule_problem(role: str, name: str, lookups: Lookups, service: str) -> list[str]:
    if role != "judge":
        return [f"`{role}.model` is {clean(name, 60)}: a rule judges and cannot answer."]
    if service != LOCAL:
        if lookups.models is None or name in lookups.models:
            return []
        return [
            (
                f"`judge.model` {clean(name, 60)} is a rule, and {service} has none: name a model "
                f"from list_models, or whoever runs this server configures the provider {LOCAL}."
            )
        ]
    rules = [f"{RULE_PREFIX}{rule}" for rule in RULES]
    if name in rules:
        return []
    near = near_names(name, rules, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    known = f"`judge.model`: there is no rule {clean(name, 60)!r}.{hint}"
    return [f"{known} There are {', '.join(rules)}."]


def _no_text(name: str, lookups: Lookups) -> str | None:
    """The listed type of a model that answers with no text; None for any other."""
    model = (lookups.models or {}).get(name)
    return model.type if model is not None and model.type in NO_TEXT_TYPES else None


def _wrong_kind(role: str, name: str, kind: str) -> str:
    cannot, part = ("judge", "judge") if role == "judge" else ("answer", "candidate")
    return (
        f"`{role}.model` {clean(name, 60)} is listed as a model of type {kind} and cannot "
        f"{cannot}: list_models with role {part} has those that can."
    )


def _is_listed(name: str, names: frozenset[str]) -> bool:
    """Ollama lists a model with its tag, and takes it without where that is `latest`."""
    return name in names or f"{name}:latest" in names


def _unlisted(role: str, endpoint: Endpoint, lookups: Lookups, service: str) -> list[str]:
    if lookups.models is None or (endpoint.model_source == "dedicated" and service != LOCAL):
        return []
    names = [name for name in lookups.model_names if not name.startswith(RULE_PREFIX)]
    known = f"`{role}.model`: {service} does not list {clean(endpoint.model, 60)!r}."
    if not names:
        return [f"{known} It lists no model at all: is its model endpoint running?"]
    return [f"{known} {did_you_mean(endpoint.model, names)}"]


def _not_for_evaluations(role: str, name: str, judges: frozenset[str]) -> list[str]:
    if name in judges:
        return []
    return [
        (
            f"`{role}.model` {clean(name, 60)} is not among the models that the service takes in "
            f"evaluations. {did_you_mean(name, judges)}"
        )
    ]
