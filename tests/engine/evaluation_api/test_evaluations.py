"""Evaluations over REST, with rule judges: created, run, read, cancelled."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from evals_engine.config import ModelEndpoint, Quotas
from evals_engine.results.result_file import write_result_file
from evals_engine.results.totals import ClassifyTotals
from evals_engine.store.records import FinishedRow
from evals_schemas.evaluation_api.evaluations import ClassifyParameters
from tests.engine.model_server import ModelServer, completion
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, running_engine

ROWS = [
    {"expected": "Paris", "answer": "paris "},
    {"expected": "Rome", "answer": "Milan"},
    {"expected": "Oslo", "answer": "Oslo"},
    {"expected": "Bern", "answer": "Zurich"},
]
GOOD = json.dumps({"feedback": "", "label": "right"})
LABELS = {"labels": ["right", "wrong"], "pass_labels": ["right"]}


async def test_a_classify_evaluation_runs_to_labels_and_a_result_file(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(ROWS)
        created = await engine.create(
            "classify",
            judge=RULE_JUDGE,
            input_data_file_path=file_id,
            model_to_evaluate="answer",
            **LABELS,
        )
        assert re.fullmatch(r"eval-[0-9a-f]{4}-\d+", created)
        job = await engine.finished(created)
        assert job["status"] == "completed"
        assert [one["status"] for one in job["status_updates"]] == [
            "pending",
            "queued",
            "running",
            "completed",
        ]
        results = job["results"]
        assert results["label_counts"] == {"right": 2, "wrong": 2}
        assert results["pass_percentage"] == 50
        assert results["generation_fail_count"] == results["judge_fail_count"] == 0
        assert (job["progress"]["done"], job["progress"]["total"]) == (4, 4)
        rows = await engine.result_rows(job)
        assert [row["label"] for row in rows] == ["right", "wrong", "right", "wrong"]
        assert rows[0]["answer"] == "paris "
        assert rows[0]["evaluation_successful"] is True


async def test_a_score_evaluation_reports_mean_deviation_and_pass_share(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        job = await engine.finished(
            await engine.create(
                "score",
                judge=RULE_JUDGE,
                input_data_file_path=await engine.upload(ROWS),
                model_to_evaluate="answer",
                min_score=0,
                max_score=10,
                pass_threshold=5,
            )
        )
        scores = job["results"]["aggregated_scores"]
        assert scores["mean_score"] == 5
        assert scores["std_score"] == pytest.approx(5.773502691896258)
        assert scores["pass_percentage"] == 50
        assert job["results"]["failed_samples"] == 0


async def test_a_compare_evaluation_judges_both_orders_unless_told_not_to(tmp_path: Path) -> None:
    rows = [{**row, "other": row["expected"]} for row in ROWS]
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(rows)
        for single in (False, True):
            job = await engine.finished(
                await engine.create(
                    "compare",
                    judge=RULE_JUDGE,
                    input_data_file_path=file_id,
                    model_a="answer",
                    model_b="other",
                    disable_position_bias_correction=single,
                )
            )
            results = job["results"]
            assert (results["A_wins"], results["B_wins"], results["Ties"]) == (0, 2, 2)
            assert results["num_samples"] == 4
            first = (await engine.result_rows(job))[1]
            assert first["final_decision"] == "B"
            assert ("choice_flipped" in first) is not single


async def test_an_unused_column_ends_the_evaluation_in_the_vendors_words(tmp_path: Path) -> None:
    rows = [{**row, "id": 1, "category": "geo"} for row in ROWS]
    async with running_engine(tmp_path) as engine:
        job = await engine.finished(
            await engine.create(
                "classify",
                judge=RULE_JUDGE,
                input_data_file_path=await engine.upload(rows),
                model_to_evaluate="answer",
                **LABELS,
            )
        )
        assert job["status"] == "user_error"
        assert job["results"]["error"] == (
            "Unsupported dataset column(s): ['id', 'category']. Each column must be referenced by "
            "a model or judge template, or be a recognized field ('image_data_urls'). Remove "
            "unused columns or reference them in a template."
        )


async def test_a_column_that_does_not_exist_ends_the_evaluation_with_those_that_do(
    tmp_path: Path,
) -> None:
    async with running_engine(tmp_path) as engine:
        job = await engine.finished(
            await engine.create(
                "classify",
                judge=RULE_JUDGE,
                input_data_file_path=await engine.upload(ROWS),
                model_to_evaluate="Qwen/Qwen3.5-9B",
                **LABELS,
            )
        )
        assert job["status"] == "user_error"
        assert "['Qwen/Qwen3.5-9B']" in job["results"]["error"]
        assert "['expected', 'answer']" in job["results"]["error"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"judge": MODEL_JUDGE}, "parameters.judge.model_source"),
        (
            {"judge": MODEL_JUDGE | {"model_source": "dedicated", "model": "nope"}},
            "parameters.judge.model",
        ),
        (
            {
                "judge": MODEL_JUDGE
                | {"model_source": "external", "external_base_url": "https://evil.example/v1"}
            },
            "parameters.judge.external_base_url",
        ),
        ({"judge": RULE_JUDGE | {"model": "rule/nope"}}, "parameters.judge.model"),
        (
            {"judge": RULE_JUDGE | {"system_template": "{{ open"}},
            "parameters.judge.system_template",
        ),
        (
            {"model_to_evaluate": MODEL_JUDGE},
            "parameters.model_to_evaluate.input_template",
        ),
        ({"model_to_evaluate": None}, "parameters.model_to_evaluate"),
        ({"input_data_file_path": "file-none"}, "parameters.input_data_file_path"),
        ({"pass_labels": ["great"]}, "parameters"),
        ({"surprise": 1}, "parameters.surprise"),
    ],
)
async def test_a_request_that_cannot_run_is_refused_and_creates_nothing(
    tmp_path: Path, change: dict[str, Any], param: str
) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(ROWS)
        parameters = {
            "judge": RULE_JUDGE,
            "input_data_file_path": file_id,
            "model_to_evaluate": "answer",
            **LABELS,
        }
        body = {"type": "classify", "parameters": parameters | change}
        answer = await engine.http.post("/evaluation", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param
        assert answer.json()["error"]["message"]
        assert (await engine.http.get("/evaluation")).json() == []


async def test_a_body_that_is_no_json_or_too_large_is_refused(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        assert (await engine.http.post("/evaluation", content=b"{")).status_code == 400
        assert (await engine.http.post("/evaluation", content=b"[" * 2**20)).status_code == 400
        assert (await engine.http.post("/evaluation", content=b" " * 2**21)).status_code == 413


async def test_an_unknown_id_and_a_path_in_an_id_are_not_found(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        for path in ("/evaluation/eval-1", "/evaluation/..%2F..%2Fetc/status", "/files/file-1"):
            answer = await engine.http.get(path)
            assert answer.status_code == 404
            assert answer.json()["error"]["type"] == "not_found_error"


async def test_the_list_is_newest_first_filtered_and_limited(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(ROWS)
        ids = [
            await engine.create(
                "classify",
                judge=RULE_JUDGE,
                input_data_file_path=file_id,
                model_to_evaluate="answer",
                **LABELS,
            )
            for _ in range(3)
        ]
        for one in ids:
            await engine.finished(one)
        listed = (await engine.http.get("/evaluation")).json()
        assert [job["workflow_id"] for job in listed] == ids[::-1]
        assert (await engine.http.get("/evaluations?limit=1")).json() == listed[:1]
        assert (await engine.http.get("/evaluation?status=running")).json() == []
        for limit in ("101", "0", "-1", "ten", "0000000019999999"):
            assert (await engine.http.get(f"/evaluation?limit={limit}")).status_code == 400


async def test_a_wrong_token_is_refused_everywhere_and_the_right_one_is_not(tmp_path: Path) -> None:
    async with running_engine(tmp_path, token=SecretStr("open sesame")) as engine:
        for path in ("/evaluation", "/files", "/models"):
            assert (await engine.http.get(path)).status_code == 401
            wrong = {"Authorization": "Bearer wrong"}
            assert (await engine.http.get(path, headers=wrong)).status_code == 401
            right = {"Authorization": "Bearer open sesame"}
            assert (await engine.http.get(path, headers=right)).status_code == 200


async def test_the_rules_are_listed_as_rules_even_while_the_endpoint_is_down(
    tmp_path: Path,
) -> None:
    nobody = ModelEndpoint("http://127.0.0.1:9/v1")
    async with running_engine(tmp_path, serverless=nobody, max_retries=0) as engine:
        with anyio.fail_after(60):
            models = (await engine.http.get("/models")).json()
            names = (await engine.http.get("/evaluation/model-list")).json()["model_list"]
        # The vendor's first SDK refuses a list with a type that it does not know.
        assert {model["type"] for model in models} == {None}
        assert {model["id"].partition("/")[0] for model in models} == {"rule"}
        assert "rule/exact-match" in names


async def test_a_half_character_in_a_row_is_refused_at_upload(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        data = b'{"expected": "a", "answer": "\\ud83d"}\n'
        body = await engine.upload_bytes(data, "data.jsonl")
        assert "half of a surrogate pair" in body["error"]["message"]


def test_a_half_character_that_got_in_is_escaped_in_the_result_file(tmp_path: Path) -> None:
    ledger = iter([FinishedRow(0, "ok", json.dumps({"label": "right"}))])
    request = {"judge": RULE_JUDGE, "input_data_file_path": "file-1", **LABELS}
    totals = ClassifyTotals(ClassifyParameters.model_validate(request))
    path = tmp_path / "results.jsonl"
    write_result_file(path, [{"answer": "\ud83d"}], ledger, totals)
    assert json.loads(path.read_bytes()) == {"answer": "\ud83d", "label": "right"}


async def test_a_column_named_like_a_verdict_is_kept_beside_it(tmp_path: Path) -> None:
    rows = [{"label": "human says yes", "answer": "human says yes"}]
    judge = RULE_JUDGE | {"system_template": "{{ label }}"}
    async with running_engine(tmp_path) as engine:
        job = await engine.finished(
            await engine.create(
                "classify",
                judge=judge,
                input_data_file_path=await engine.upload(rows),
                model_to_evaluate="answer",
                **LABELS,
            )
        )
        (row,) = await engine.result_rows(job)
        assert (row["input_label"], row["label"]) == ("human says yes", "right")


async def test_an_ended_evaluation_is_deleted_with_its_result_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(ROWS)
        fields: dict[str, Any] = {
            "judge": RULE_JUDGE,
            "input_data_file_path": file_id,
            "model_to_evaluate": "answer",
        }
        first, second = [await engine.create("classify", **fields, **LABELS) for _ in range(2)]
        result_file = (await engine.finished(first))["results"]["result_file_id"]
        other = (await engine.finished(second))["results"]["result_file_id"]

        answer = await engine.http.delete(f"/evaluation/{first}")
        again = await engine.http.delete(f"/evaluation/{first}")

        assert answer.json() == {"id": first, "deleted": True}
        assert again.status_code == 404
        assert (await engine.http.get(f"/evaluation/{first}")).status_code == 404
        assert (await engine.http.get(f"/files/{result_file}")).status_code == 404
        assert not (tmp_path / "files" / result_file).exists()
        for kept in (file_id, other):
            assert (await engine.http.get(f"/files/{kept}/content")).status_code == 200
        assert [job["workflow_id"] for job in (await engine.http.get("/evaluation")).json()] == [
            second
        ]


async def test_an_evaluation_that_has_not_ended_is_not_deleted(tmp_path: Path) -> None:
    async with ModelServer(lambda _: completion(GOOD, delay=3600)) as server:
        serverless = ModelEndpoint(server.base_url)
        async with running_engine(tmp_path, serverless=serverless) as engine:
            file_id = await engine.upload(ROWS)
            created = await engine.create(
                "classify",
                judge=MODEL_JUDGE,
                input_data_file_path=file_id,
                model_to_evaluate="answer",
                **LABELS,
            )
            refused = await engine.http.delete(f"/evaluation/{created}")

            assert refused.status_code == 409
            assert "cancel it first" in refused.json()["error"]["message"]
            assert (await engine.http.get(f"/evaluation/{created}")).status_code == 200


async def test_what_exceeds_a_quota_is_refused_with_its_setting_until_something_is_deleted(
    tmp_path: Path,
) -> None:
    quotas = Quotas(evaluations=1, bytes=4_000, rows=10)
    async with running_engine(tmp_path, quotas=quotas) as engine:
        long = await engine.upload_bytes(b'{"a": 1}\n' * 11, "long.jsonl")
        large = await engine.upload_bytes(b'{"a": "%s"}\n' % (b"x" * 5_000), "large.jsonl")
        file_id = await engine.upload(ROWS)
        fields: dict[str, Any] = {
            "judge": RULE_JUDGE,
            "input_data_file_path": file_id,
            "model_to_evaluate": "answer",
        } | LABELS
        created = await engine.create("classify", **fields)
        await engine.finished(created)
        body = {"type": "classify", "parameters": fields}
        refused = await engine.http.post("/evaluation", json=body)
        await engine.http.delete(f"/evaluation/{created}")
        taken = await engine.http.post("/evaluation", json=body)

        assert "local.max_rows" in long["error"]["message"]
        assert "local.max_user_bytes" in large["error"]["message"]
        assert refused.status_code == 400
        assert "local.max_evaluations" in refused.json()["error"]["message"]
        assert taken.status_code == 200


async def test_requests_at_the_same_time_do_not_exceed_a_quota_together(tmp_path: Path) -> None:
    statuses: Counter[int] = Counter()
    async with running_engine(tmp_path, quotas=Quotas(bytes=5_000, evaluations=3)) as engine:
        fields = {"judge": RULE_JUDGE, "input_data_file_path": await engine.upload(ROWS)} | LABELS
        body = {"type": "classify", "parameters": fields | {"model_to_evaluate": "answer"}}
        content = b'{"a": "%s"}\n' % (b"x" * 3_000)

        async def upload() -> None:
            await engine.upload_bytes(content, "a.jsonl")

        async def create() -> None:
            statuses[(await engine.http.post("/evaluation", json=body)).status_code] += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(upload)
                tasks.start_soon(create)
        files = (await engine.http.get("/files")).json()["data"]
    assert [file["bytes"] for file in files].count(len(content)) == 1
    assert statuses == {200: 3, 400: 5}
