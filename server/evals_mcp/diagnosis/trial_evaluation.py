"""Judges one fixed row with the embedded engine, in a folder of its own that is deleted again."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import anyio

from evals_mcp.cleaning import clean
from evals_mcp.compose import open_providers
from evals_mcp.errors import EvalsMCPError
from evals_mcp.principals import LOCAL
from evals_mcp.providers.protocol import Provider
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import settings_class
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import TokenSource
from evals_schemas.evaluation_api.evaluations import ClassifyParameters, ClassifyRequest
from evals_schemas.evaluation_api.rules import CONTAINS
from evals_schemas.evaluation_types import CLASSIFY

ROW = {"question": "What is the capital of France?", "answer": "It is Paris.", "expected": "Paris"}
"""The row; any judge that works calls its answer right."""

RIGHT = "right"

_RUBRIC = "Is this answer to the question right? Question: {{ question }} Expected: {{ expected }}"
_SECONDS = 60.0
"""Seconds that a verdict may take; a large model may have to be loaded first."""
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Verdict:
    """What became of the row."""

    seconds: float
    label: str | None = None
    problem: str = ""
    """Why there is no verdict; empty if there is one."""


async def judge_one_row(
    model: str = CONTAINS, endpoint: TokenSource | None = None, longest: float = _SECONDS
) -> Verdict:
    """Return the verdict of a judge on the fixed row.

    Args:
        model: A rule, or a model of the endpoint.
        endpoint: The endpoint of models, a section `local.models`; None for a rule.
        longest: Seconds that it may take.
    """
    started = time.monotonic()
    label, problem = None, f"no verdict in {longest:.0f} s"
    with tempfile.TemporaryDirectory(prefix="evals-mcp-trial-") as name:
        folder = Path(name)
        with anyio.move_on_after(longest):
            async with open_providers(_settings(folder, endpoint)) as provider_of:
                try:
                    label, problem = await _judged(provider_of(LOCAL), folder, model)
                except EvalsMCPError as error:
                    problem = str(error)
    seconds = time.monotonic() - started
    return Verdict(seconds, label, clean(problem, 300) if label is None else "")


def _settings(folder: Path, endpoint: TokenSource | None) -> Settings:
    """Return settings that use nothing of this user's but the endpoint."""
    return settings_class(SERVICES).model_validate(
        {
            "server": {"provider": "local"},
            "local": {
                "data_dir": folder / "engine",
                "models": endpoint.model_dump() if endpoint else {},
                "compute_workers": 1,
                "stop_seconds": 0,
            },
            "state": {"folder": folder / "state"},
            "results": {"cache_dir": folder / "results"},
            "export": {"folder": folder / "exports"},
            "budget": {"key_file": folder / "confirm.key"},
        },
        context={"cwd": folder},
    )


async def _judged(provider: Provider, folder: Path, model: str) -> tuple[str | None, str]:
    """Return the label, or the reason why no label came back."""
    path = folder / "trial.jsonl"
    is_rule = model == CONTAINS
    read = {name: text for name, text in ROW.items() if not is_rule or name != "question"}
    path.write_text(json.dumps(read) + "\n", encoding="utf-8")
    stored = await provider.upload_dataset(path, path.name)
    parameters = {
        "judge": {
            "model": model,
            "model_source": "serverless",
            "system_template": "{{ expected }}" if is_rule else _RUBRIC,
        },
        "labels": [RIGHT, "wrong"],
        "pass_labels": [RIGHT],
        "model_to_evaluate": "answer",
        "input_data_file_path": stored.id,
    }
    request = ClassifyRequest(
        type=CLASSIFY, parameters=ClassifyParameters.model_validate(parameters)
    )
    created = await provider.create_evaluation(request)
    status = await provider.get_status(created.workflow_id)
    while not status.results:
        await anyio.sleep(_POLL_SECONDS)
        status = await provider.get_status(created.workflow_id)
    counts: dict[str, int] = status.results.get("label_counts") or {}
    label = next((label for label, count in counts.items() if count), None)
    return label, status.results.get("error") or "the judge's verdict could not be read"
