"""An idle engine, which commands open to look at evaluations, leaves them to other processes."""

from __future__ import annotations

from pathlib import Path

from evals_mcp.compose import open_idle_providers
from evals_mcp.principals import LOCAL
from tests.server.serving import own_provider, served, settings

RULE = {"model": "rule/contains", "system_template": "{{expected}}"}


async def test_it_stores_and_stops_but_runs_nothing(tmp_path: Path) -> None:
    configured = settings(tmp_path, local={"data_dir": tmp_path / "engine"})
    async with (
        open_idle_providers(configured) as provider_of,
        served(provider_of(LOCAL), configured=configured) as idle,
    ):
        rows = [{"answer": "1", "expected": "1"}, {"answer": "2", "expected": "1"}]
        stored = await idle.answer("upload_dataset", rows=rows)
        made = [
            await idle.answer(
                "create_evaluation",
                type="classify",
                labels=["good", "bad"],
                pass_labels=["good"],
                response_column="answer",
                judge=RULE,
                input_data_file_path=stored["file_id"],
                again=True,
            )
            for _ in range(2)
        ]
        first, second = (each["evaluation_id"] for each in made)
        assert (await idle.answer("get_status", evaluation_id=first))["status"] == "pending"
        await idle.answer("cancel_evaluation", evaluation_id=second)
        assert (await idle.answer("get_status", evaluation_id=second))["finished"]
        async with (
            own_provider(configured) as provider,
            served(provider, configured=configured) as server,
        ):
            wait = {"evaluation_id": first, "wait_seconds": 45}
            while not (await server.answer("get_status", **wait))["finished"]:
                continue
        assert (await idle.answer("get_status", evaluation_id=first))["status"] == "completed"
