"""Checks that the models of a request exist and suit their roles, as far as the lists show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from evals_mcp.cleaning import quoted
from evals_mcp.near_names import near_names
from evals_mcp.planning.checks.findings import Findings
from evals_mcp.planning.inputs.facts import RequestFacts
from evals_mcp.planning.inputs.service_lists import ServiceLists
from evals_schemas.datasets.reader import IMAGE_COLUMN
from evals_schemas.evaluation_api.evaluations import (
    AnyParameters,
    Endpoint,
    JudgeModelConfig,
    ModelRequest,
    candidates,
)
from evals_schemas.evaluation_api.models import NO_TEXT_TYPES
from evals_schemas.evaluation_api.rules import RULE_NAMES, RULE_PREFIX

_VISION_MODELS = re.compile(
    r"(?:^|[-_/:. ])(?:vl|vlm|v|omni|ocr)\d*(?:$|[-_/:. ])|vision|multimodal|llava|pixtral"
    r"|moondream|gpt-4o|gpt-4\.1|gpt-[5-9]|(?:^|/)o[134]|claude|gemini|gemma-?[3-9]|llama-?4|maverick"
    r"|scout|internvl|minicpm-v|qwen-?3\.[5-9]|kimi-k2\.[5-9]",
    re.IGNORECASE,
)
"""Names of models that accept images, which no service lists. A name missing here causes an
unnecessary warning, never a refusal."""


def check_models(facts: RequestFacts) -> Findings:
    """Return problems and warnings about the models of a request."""
    parameters = facts.request.parameters
    names = Findings.merged(
        _check_name(role, endpoint, facts) for role, endpoint in models_called(parameters).items()
    )
    warnings = (
        *_self_judging(parameters),
        *_beyond_context(parameters, facts.lists),
        *_blind_models(facts),
    )
    return Findings.merged([names, Findings(warnings=warnings)])


def models_called(parameters: AnyParameters) -> dict[str, Endpoint]:
    """Return the endpoints of a request by role; the judge is included even if it is a rule."""
    sides = candidates(parameters).items()
    endpoints: dict[str, Endpoint] = {
        name: side for name, side in sides if isinstance(side, ModelRequest)
    }
    return endpoints | {"judge": parameters.judge}


def no_endpoint(field: str, service: str, setting: str) -> str:
    """Return the problem of a model at a service whose setting for an endpoint is absent."""
    return (
        f"`{field}`: {service} has no endpoint for models. Ask the administrator to set {setting} "
        "to an OpenAI-compatible API, or use a rule judge, such as rule/contains, on a column of "
        "ready answers."
    )


def _models_elsewhere(facts: RequestFacts) -> str:
    """Return how a data set gets to a service with models; empty without such a service."""
    if not facts.models_at:
        return ""
    return (
        f" For a model of {facts.models_at}, store the rows there: call upload_dataset, then "
        "create_evaluation with the new file_id."
    )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a sentence with the nearest names or, without any, with the tool that lists them."""
    near = [quoted(other, 80) for other in near_names(name, names)]
    return f"Did you mean {' or '.join(near)}?" if near else "Call list_models for the names."


def rule_as_candidate(field: str, name: str) -> str:
    """Return the problem of a rule in the place of a model that answers."""
    return f"`{field}` is {quoted(name, 60)}: a rule can judge, but not answer."


def _check_name(role: str, endpoint: Endpoint, facts: RequestFacts) -> Findings:
    """Return problems and warnings about the name of one model."""
    name, source = endpoint.model, endpoint.model_source
    missing_endpoint = facts.capabilities.missing_endpoint
    if name.startswith(RULE_PREFIX):
        return Findings(tuple(_rule_problems(role, name, facts)))
    if source == "external":
        return Findings()
    if missing_endpoint and source == "serverless":
        problem = no_endpoint(f"{role}.model", facts.service, missing_endpoint)
        return Findings((problem + _models_elsewhere(facts),))
    if kind := _no_text_type(name, facts.lists):
        return Findings((_wrong_type(role, name, kind),))
    return _check_listed(role, endpoint, facts)


def _check_listed(role: str, endpoint: Endpoint, facts: RequestFacts) -> Findings:
    """Return a problem or a warning about a model that the service does not list.

    A service with a list of models for evaluations refuses every other name. The embedded engine
    passes any name on, because some endpoints accept more names than they list.
    """
    name, is_serverless = endpoint.model, endpoint.model_source == "serverless"
    lists, is_complete = facts.lists, facts.capabilities.lists_models
    if not _is_listed(name, lists.model_names):
        texts = tuple(_unlisted(role, endpoint, facts))
        is_refused = is_complete and lists.judges is not None and is_serverless
        return Findings(problems=texts) if is_refused else Findings(warnings=texts)
    if lists.judges and is_serverless and is_complete:
        return Findings(warnings=tuple(_not_for_evaluations(role, name, lists.judges)))
    return Findings()


def _beyond_context(parameters: AnyParameters, lists: ServiceLists) -> Iterator[str]:
    """Yield a warning for each `max_tokens` above the context length that is listed."""
    for role, endpoint in models_called(parameters).items():
        model = (lists.models or {}).get(endpoint.model)
        limit = endpoint.max_tokens if isinstance(endpoint, ModelRequest | JudgeModelConfig) else 0
        if model is None or endpoint.model_source != "serverless" or not limit:
            continue
        if model.context_length and limit > model.context_length:
            yield (
                f"`{role}.max_tokens` {limit:,} is above the context length of "
                f"{quoted(endpoint.model, 60)}, {model.context_length:,} tokens including the "
                "prompt: the calls may be refused. Set a lower value."
            )


def _self_judging(parameters: AnyParameters) -> Iterator[str]:
    """Yield a warning if a judge rates its own answers.

    Models prefer their own answers (Zheng et al., arXiv 2306.05685, section 3.3).
    """
    same = [
        name
        for name, side in candidates(parameters).items()
        if isinstance(side, ModelRequest) and side.model == parameters.judge.model
    ]
    if (same and len(same) < len(candidates(parameters))) or same == ["model_to_evaluate"]:
        yield (
            f"`judge.model` and `{same[0]}.model` are the same: a model tends to prefer its own "
            "answers. Choose another judge."
        )


def _blind_models(facts: RequestFacts) -> Iterator[str]:
    """Yield a warning for each model that should read the images and may be unable to."""
    if IMAGE_COLUMN not in facts.profile.columns:
        return
    parameters = facts.request.parameters
    endpoints = models_called(parameters)
    if parameters.judge.model.startswith(RULE_PREFIX) and len(endpoints) == 1:
        yield f"Nothing uses the images in `{IMAGE_COLUMN}`: a rule reads text only."
        return
    if facts.capabilities.is_engine:
        endpoints.pop("judge")
        if not endpoints:
            yield (
                f"Nothing uses the images in `{IMAGE_COLUMN}`: {facts.service} sends images to "
                "a model that answers, not to the judge."
            )
    for role, endpoint in endpoints.items():
        if not endpoint.model.startswith(RULE_PREFIX) and not _VISION_MODELS.search(endpoint.model):
            yield (
                f"`{role}.model` {quoted(endpoint.model, 60)} may not accept the images in "
                f"`{IMAGE_COLUMN}`, judging by its name."
            )


def _rule_problems(role: str, name: str, facts: RequestFacts) -> Iterator[str]:
    if role != "judge":
        yield rule_as_candidate(f"{role}.model", name)
        return
    if not facts.capabilities.runs_rules:
        if facts.lists.models is not None and name not in facts.lists.models:
            yield (
                f"`judge.model` {quoted(name, 60)} is a rule, and {facts.service} has no rules: "
                f"name a model from list_models{_rules_elsewhere(facts)}."
            )
        return
    if name not in RULE_NAMES:
        near = near_names(name, RULE_NAMES, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        yield (
            f"`judge.model`: there is no rule {quoted(name, 60)}.{hint} The rules are "
            f"{', '.join(RULE_NAMES)}."
        )


def _rules_elsewhere(facts: RequestFacts) -> str:
    if facts.rules_at is None:
        return ", or ask the administrator to offer local beside it (local.beside_vendors)"
    return (
        f", or judge a column of ready answers, without `metrics`: {facts.rules_at} then runs the "
        "rule"
    )


def _no_text_type(name: str, lists: ServiceLists) -> str | None:
    """Return the listed type of a model that cannot answer with text; None for other models."""
    model = (lists.models or {}).get(name)
    return model.type if model is not None and model.type in NO_TEXT_TYPES else None


def _wrong_type(role: str, name: str, kind: str) -> str:
    verb, list_role = ("judge", "judge") if role == "judge" else ("answer", "candidate")
    return (
        f"`{role}.model` {quoted(name, 60)} is listed as a model of type {kind} and cannot {verb}: "
        f"call list_models with role {list_role} for models that can."
    )


def _is_listed(name: str, names: frozenset[str]) -> bool:
    """Return whether a name is listed; Ollama accepts a model without the listed tag `latest`."""
    return name in names or f"{name}:latest" in names


def _unlisted(role: str, endpoint: Endpoint, facts: RequestFacts) -> Iterator[str]:
    lists, dedicated = facts.lists, facts.capabilities.dedicated_models
    if lists.models is None or (endpoint.model_source == "dedicated" and dedicated is None):
        return
    names = [name for name in lists.model_names if not name.startswith(RULE_PREFIX)]
    hint = did_you_mean(endpoint.model, names)
    rule = f"{RULE_PREFIX}{endpoint.model.replace('_', '-')}"
    if rule in RULE_NAMES:
        hint = f"Did you mean {rule}, which calls no model?"
    elif not names:
        hint = "It lists no model at all: is its model endpoint running?"
    yield f"`{role}.model`: {facts.service} does not list {quoted(endpoint.model, 60)}. {hint}"


def _not_for_evaluations(role: str, name: str, judges: frozenset[str]) -> Iterator[str]:
    if name not in judges:
        yield (
            f"`{role}.model` {quoted(name, 60)} is not among the models that the service accepts "
            f"in evaluations. {did_you_mean(name, judges)}"
        )
