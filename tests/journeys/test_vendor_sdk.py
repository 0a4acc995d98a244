"""The vendor's own Python SDK against the engine over loopback, unchanged."""

import json
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from together import Together

from evals_schemas.evaluation_api.evaluations import ENDED
from tests.journeys.lossy_proxy import lossy_proxy
from tests.journeys.served import served_engine

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = [
    {"expected": "Paris", "answer": "Paris"},
    {"expected": "Rome", "answer": "Milan"},
    {"expected": "Oslo", "answer": "oslo"},
]


def evaluate(client: Together, data: Path) -> list[dict[str, object]]:
    """Upload, create, poll, retrieve, list and download, as in the vendor's documentation."""
    file = client.files.upload(file=data, purpose="eval")
    assert file.id is not None
    evaluation_id = created(client, file.id)
    assert ended(client, evaluation_id) == "completed"
    job = client.evals.retrieve(evaluation_id)
    assert job.results is not None
    assert evaluation_id in [one.workflow_id for one in client.evals.list()]
    content = client.files.content(job.results.model_dump()["result_file_id"]).read()
    return [json.loads(line) for line in content.splitlines()]


def created(client: Together, file_id: str) -> str:
    """Create an evaluation, and return its id."""
    answer = client.evals.create(
        type="classify",
        parameters={
            "judge": {
                "model": "rule/exact-match",
                "model_source": "serverless",
                "system_template": "{{ expected }}",
            },
            "labels": ["right", "wrong"],
            "pass_labels": ["right"],
            "model_to_evaluate": "answer",
            "input_data_file_path": file_id,
        },
    )
    assert answer.workflow_id is not None
    return answer.workflow_id


def ended(client: Together, evaluation_id: str) -> str | None:
    """Poll until the evaluation is done; the guard of the journey ends the wait."""
    while True:
        status = client.evals.status(evaluation_id).status
        if status in ENDED:
            return status


@pytest.mark.parametrize("suffix", ["", "/v1"])
async def test_the_vendors_sdk_runs_an_evaluation_from_upload_to_download(
    tmp_path: Path, suffix: str
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    async with served_engine(tmp_path / "engine") as engine:
        base_url = engine.url.removesuffix("/v1") + suffix
        with anyio.fail_after(300), Together(base_url=base_url, api_key="any") as client:
            rows = await to_thread.run_sync(evaluate, client, data)
    assert [row["label"] for row in rows] == ["right", "wrong", "right"]


async def test_a_create_whose_answers_are_lost_is_retried_by_the_sdk_and_starts_once(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    async with (
        served_engine(tmp_path / "engine") as engine,
        lossy_proxy(engine.url, "500 after", "dropped after") as proxy,
    ):
        url, lossy = (base.removesuffix("/v1") for base in (engine.url, proxy.url))
        with (
            anyio.fail_after(300),
            Together(base_url=url, api_key="any") as client,
            Together(base_url=lossy, api_key="any") as unlucky,
        ):
            file = await to_thread.run_sync(lambda: client.files.upload(file=data, purpose="eval"))
            evaluation_id = await to_thread.run_sync(created, unlucky, file.id)
            listed = await to_thread.run_sync(client.evals.list)
    assert proxy.creates == 3
    assert [job.workflow_id for job in listed] == [evaluation_id]
