"""The tools over the recorded exchanges: whichever generation answers, a model reads the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.nugen_exchanges import (
    BENCHMARK_ID,
    FIRST,
    NOW,
    PAIR,
    RUNNING,
    SECOND,
    SINGLE,
    nugen,
)
from tests.server.serving import FakeTime, served, settings, text_of

CREATE = {"type": "benchmark", "model_id": FIRST, "benchmark_id": BENCHMARK_ID}

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_evaluations", {}),
    ("list_datasets", {}),
    ("list_models", {}),
    ("upload_dataset", {"rows": [{"question": "2 + 2?", "answer": "4"}], "benchmark": True}),
    ("create_evaluation", {**CREATE, "model_id_2": SECOND, "dry_run": True}),
    ("create_evaluation", {**CREATE, "again": True}),
    ("get_status", {"evaluation_id": RUNNING}),
    ("get_status", {"evaluation_id": SINGLE}),
    ("get_evaluation", {"evaluation_id": SINGLE}),
    ("get_evaluation", {"evaluation_id": PAIR}),
    ("read_results", {"evaluation_id": SINGLE}),
    ("read_results", {"evaluation_id": RUNNING}),
    ("cancel_evaluation", {"evaluation_id": RUNNING}),
    ("get_evaluation", {"evaluation_id": "no-such"}),
]


async def _answers(generation: int, folder: Path) -> list[tuple[str, str, bool]]:
    """What each call is answered."""
    configured = settings(folder, budget={"confirm_above_calls": 1000})
    async with (
        nugen(generation) as (provider, _),
        served(provider, configured=configured, clock=FakeTime().clock(NOW)) as server,
    ):
        answers = [await server.call(tool, **arguments) for tool, arguments in CALLS]
    return [
        (_plain(text_of(one)), _plain(json.dumps(one.structured_content)), one.is_error)
        for one in answers
    ]


def _plain(text: str) -> str:
    """Without the one word that is quoted as the service writes it."""
    return text.replace("'FAILED'", "'failed'")


@pytest.mark.parametrize("generation", [2, 3])
async def test_a_later_generation_is_reported_like_the_first(
    generation: int, tmp_path: Path
) -> None:
    first = await _answers(1, tmp_path / "first")
    later = await _answers(generation, tmp_path / "later")

    assert [error for *_, error in first] == [False] * 11 + [True] * 3
    for (tool, arguments), one, other in zip(CALLS, first, later, strict=True):
        assert other == one, (tool, arguments)
