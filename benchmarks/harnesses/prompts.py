"""Writes the messages that the engine sends to a judge, so that a harness can send the same."""

from __future__ import annotations

import json
from pathlib import Path

import anyio

from benchmarks.engine_client import LABELS, TEMPLATE, row
from evals_engine.compute.pool import ComputePool, OwnerPool
from evals_engine.judges.model_judge import ModelJudge
from evals_engine.judges.structured_output import Messages
from evals_engine.judges.verdict_forms import LabelForm
from evals_engine.models.completions import Completion
from evals_engine.templates.template import open_template


def write_prompts(path: Path, rows: int) -> None:
    """Write one line a row, `{"messages": [...]}`."""
    anyio.run(_write, path, rows)


async def _write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as out:

        async def ask(messages: Messages) -> Completion:
            out.write(json.dumps({"messages": messages}) + "\n")
            return Completion('{"label": "good"}', truncated=False, input_tokens=0, output_tokens=0)

        async with ComputePool(1) as pool:
            template = await open_template(TEMPLATE, "template", OwnerPool(pool, "benchmark"))
            judge = ModelJudge(template, LabelForm(tuple(LABELS)), ask)
            for number in range(rows):
                one = row(number)
                await judge.verdict(one, None, one["answer"])
