"""Checks of what judges and of the services with keys."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio

from evals_mcp.diagnosis.findings import Finding, shortened_key
from evals_mcp.diagnosis.local_models import PORTS, LocalModels, find_local_models, models_at
from evals_mcp.diagnosis.trial_evaluation import Verdict, judge_one_row
from evals_mcp.errors import EvalsMCPError
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.service_spec import ServiceSpec, keyed_services
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import TokenSource, is_loopback

_BASE_URL = "EVALS_MCP_LOCAL__MODELS__BASE_URL"


def check_rules() -> Finding:
    """Judge a row with a rule, through the whole engine."""
    verdict: Verdict = anyio.run(judge_one_row)
    if verdict.label == "right":
        return Finding("ok", "rule judges", f"one row judged in {verdict.seconds:.1f} s")
    found = verdict.problem or f"the verdict on a right answer was {verdict.label!r}"
    return Finding("fail", "rule judges", found, f"{shlex.quote(sys.executable)} -m pip check")


def check_model_judges(settings: Settings, ports: Mapping[int, str] = PORTS) -> Finding:
    """Look for the endpoint of model judges: the configured one, or one on this machine."""
    local = settings.section(LocalSettings)
    base_url = local.models.base_url
    if local.url is not None:
        return Finding("ok", "model judges", f"those of the engine at {local.url}; not called here")
    if base_url is None:
        found = find_local_models(ports, skipped=(settings.engine.port,))
        if not found:
            return Finding(
                "note", "model judges", "no endpoint set, and no server of models on this machine"
            )
        first = found[0]
        return Finding(
            "warn",
            "model judges",
            f"none set; {first.program} answers on {first.base_url} with {_count(first)}",
            "evals-mcp setup",
        )
    parts = urlsplit(base_url)
    if not is_loopback(parts.hostname or "") or parts.scheme != "http":
        return Finding("ok", "model judges", f"endpoint {base_url}; not called by this check")
    models = models_at(base_url, parts.port or 80)
    if models is None:
        return Finding(
            "fail",
            "model judges",
            f"{base_url} does not answer as a server of models",
            "evals-mcp setup",
        )
    return Finding("ok", "model judges", f"{base_url} answers with {_count(models)}")


def _count(models: LocalModels) -> str:
    count = len(models.models)
    return f"{count} model{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Key:
    """The key of a service, and where it comes from."""

    spec: ServiceSpec
    token: str
    source: str


def keys_of(settings: Settings, environ: Mapping[str, str]) -> list[Key]:
    """Return the keys that are set."""
    keys: list[Key] = []
    for spec in keyed_services(settings.services):
        section: TokenSource = getattr(settings, spec.name)
        if section.token is None:
            continue
        token = section.token.get_secret_value()
        if section.token_file:
            source = str(section.token_file)
        elif section.token_env and environ.get(section.token_env, "").strip() == token:
            source = section.token_env
        else:
            source = f"{spec.name}.token"
        keys.append(Key(spec, token, source))
    return keys


def check_services(
    settings: Settings, environ: Mapping[str, str], *, online: bool
) -> Iterator[Finding]:
    """Yield what was found about the services that need a key."""
    keys = {key.spec.name: key for key in keys_of(settings, environ)}
    for spec in keyed_services(settings.services):
        key = keys.get(spec.name)
        if key is None:
            yield Finding("skip", spec.name, f"no key ({spec.key_variable})")
            continue
        text = f"key {shortened_key(key.token)} from {key.source}"
        if not online:
            yield Finding("ok", spec.name, f"{text}; --online asks the service")
            continue
        try:
            yield Finding("ok", spec.name, f"{text}, {anyio.run(_accepted, settings, spec.name)}")
        except EvalsMCPError as error:
            mend = f"export {spec.key_variable}=…" if spec.key_variable else None
            yield Finding("fail", spec.name, f"{text}: {error}", mend)


async def _accepted(settings: Settings, name: str) -> str:
    """Ask a service for a list, which costs nothing; return how it went.

    Raises:
        EvalsMCPError: the service does not accept the key, or cannot be reached.
    """
    from evals_mcp.compose import open_providers  # noqa: PLC0415 - only with --online
    from evals_mcp.principals import LOCAL  # noqa: PLC0415

    async with open_providers(settings, [name], idle=True) as provider_of:
        try:
            evaluations = await provider_of(LOCAL).list_datasets()
            return f"accepted ({len(evaluations)} data sets)"
        except EvalsMCPError as error:
            failure = error
    raise failure
