"""Answers stay short, whatever names others have chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, classify_job
from tests.server.serving import served, settings
from tests.server.tokens import tokens

from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model

NAMES = (
    "a name of several words that is long enough to be cut {}, " * 3,
    "名前{}" * 40,
    "🙂🙃{}" * 40,
)


def provider(name: str) -> FakeProvider:
    labels = [name.format(*[number] * 40) for number in range(1_000)]
    job = classify_job()
    job.parameters |= {"labels": labels, "pass_labels": labels[:500]}
    assert job.results is not None
    job.results["label_counts"] = dict.fromkeys(labels, 1)
    return FakeProvider(
        jobs=[job],
        files=[File(id=f"file-{n}", filename=label) for n, label in enumerate(labels)],
        models=[Model(id=label, type="chat") for label in labels],
    )


@pytest.mark.parametrize("name", NAMES, ids=["words", "Japanese", "emoji"])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_evaluation", {"evaluation_id": "eval-1"}),
        ("get_status", {"evaluation_id": "eval-1"}),
        ("list_evaluations", {}),
        ("list_datasets", {}),
        ("list_models", {}),
        ("delete_data", {"id": "file-1"}),
    ],
)
async def test_a_thousand_long_names_do_not_make_an_answer_long(
    tool: str, arguments: dict[str, Any], name: str, tmp_path: Path
) -> None:
    async with served(provider(name), configured=settings(tmp_path)) as server:
        text = await server.text(tool, **arguments)
        answer = await server.answer(tool, **arguments)

    assert tokens(text) <= 2_000
    assert tokens(json.dumps(answer, ensure_ascii=False)) <= 2_000
