"""The metrics of an engine on SQLite: what they count, and who may read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from evals_engine.config import EngineConfig
from evals_engine.http.metrics import as_text
from evals_engine.store.metrics import Metric, Series
from tests.engine.http.test_owners import PARAMETERS, TOKENS, bearer, serving
from tests.engine.running import running_engine
from tests.engine.scraped import parsed, scraped

ROWS = [{"expected": "a", "answer": "a"}, {"expected": "a", "answer": "b"}]
OWN, METRICS, SERVER = "own-token", "metrics-token", "server-token"


async def test_rows_are_counted_and_stay_counted_when_their_evaluation_is_deleted(
    tmp_path: Path,
) -> None:
    async with running_engine(tmp_path) as engine:
        before = await scraped(engine.http)
        assert before["evals_database_up", ""] == 1
        assert before["evals_rows_done_total", ""] == 0
        file = await engine.upload(ROWS)
        create = {**PARAMETERS, "input_data_file_path": file}
        first = await engine.create("classify", **create)
        await engine.finished(first)
        await engine.finished(await engine.create("classify", **create))
        assert (await scraped(engine.http))["evals_rows_done_total", ""] == 4
        assert (await engine.http.delete(f"/evaluation/{first}")).status_code == 200
        after = await scraped(engine.http)
    assert after["evals_rows_done_total", ""] == 4
    assert after["evals_rows_failed_total", ""] == 0
    assert after["evals_evaluations", "pending"] == after["evals_evaluations", "running"] == 0


async def test_evaluations_that_wait_are_counted_without_their_owners(tmp_path: Path) -> None:
    config = EngineConfig(tmp_path, tokens=TOKENS, token=SecretStr(OWN), runs_evaluations=False)
    async with serving(config) as (_, http):
        own = bearer("alice-token")
        form = {"file": ("secret-name.jsonl", b'{"expected": "a", "answer": "secret-cell"}\n')}
        upload = await http.post(
            "/v1/files/upload", files=form, data={"purpose": "eval"}, headers=own
        )
        body: dict[str, Any] = {
            "type": "classify",
            "parameters": {**PARAMETERS, "input_data_file_path": upload.json()["id"]},
        }
        created = await http.post("/v1/evaluation", json=body, headers=own)
        answer = await http.get("/metrics/", headers=bearer(OWN))
    assert parsed(answer.text)["evals_evaluations", "pending"] == 1
    hidden = (created.json()["workflow_id"], upload.json()["id"], "alice", "secret", "token")
    assert not [text for text in hidden if text in answer.text]


@pytest.mark.parametrize(
    ("settings", "token", "status"),
    [
        ({}, None, 200),
        ({"metrics_token": METRICS}, METRICS, 200),
        ({"metrics_token": METRICS}, None, 401),
        ({"token": OWN}, OWN, 200),
        ({"token": OWN}, None, 401),
        ({"token": OWN, "tokens": TOKENS}, "alice-token", 401),
        ({"token": OWN, "server_token": SERVER}, SERVER, 401),
        ({"token": OWN, "metrics_token": METRICS}, METRICS, 200),
        ({"token": OWN, "metrics_token": METRICS}, OWN, 200),
        ({"tokens": TOKENS}, "alice-token", 403),
        ({"server_token": SERVER}, SERVER, 403),
        ({"server_token": SERVER}, None, 403),
        ({"server_token": SERVER, "metrics_token": METRICS}, METRICS, 200),
    ],
)
async def test_figures_of_all_owners_are_read_with_the_token_for_them(
    tmp_path: Path, settings: dict[str, Any], token: str | None, status: int
) -> None:
    given: dict[str, Any] = {
        name: SecretStr(each) if isinstance(each, str) else each for name, each in settings.items()
    }
    headers = bearer(token) if token else {}
    async with serving(EngineConfig(tmp_path, runs_evaluations=False, **given)) as (_, http):
        answer = await http.get("/metrics", headers=headers)
        assert answer.status_code == status, answer.text
        assert ("evals_rows_done_total" in answer.text) is (status == 200)
        if status == 403:
            assert "[engine.metrics]" in answer.json()["error"]["message"]
        elsewhere = await http.get("/v1/evaluation", headers=headers)
    if token == METRICS and len(settings) > 1:
        assert elsewhere.status_code == 401


async def test_without_a_token_other_machines_read_nothing(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path, runs_evaluations=False)) as (_, http):
        answer = await http.get("/metrics", headers={"Host": "engine.example"})
        assert answer.status_code == 403
        assert (await http.post("/metrics")).status_code == 405


@pytest.mark.parametrize("token", ["", OWN, SERVER, "alice-token"])
def test_a_token_of_the_metrics_that_is_anothers_is_refused(tmp_path: Path, token: str) -> None:
    from evals_engine.app import create_app  # noqa: PLC0415

    config = EngineConfig(
        tmp_path,
        token=SecretStr(OWN),
        tokens=TOKENS,
        server_token=SecretStr(SERVER),
        metrics_token=SecretStr(token),
    )
    with pytest.raises(ValueError, match="metrics a token of their own") as refused:
        create_app(config)
    assert not token or token not in str(refused.value)


def test_texts_that_the_format_would_read_otherwise_come_back() -> None:
    value = 'a "quoted"\\n\\path\nline'
    series = Series("evals_x", "gauge", "A \\ meaning\nof two lines.", "place")
    large = Series("evals_y_total", "counter", "Many.")
    text = as_text([Metric(series, {value: 0.25}), Metric(large, {"": 2**53 + 0.0})])
    assert parsed(text) == {("evals_x", value): 0.25, ("evals_y_total", ""): 2**53}
