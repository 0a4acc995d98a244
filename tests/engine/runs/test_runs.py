"""What a run does with models: generation, verdicts, failures, cancelling, resuming."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.models.endpoints import workers_for
from evals_engine.runs import run as runner
from evals_engine.store.database import StorageError
from evals_engine.store.ledger import Ledger
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient, running_engine

LABELS = {"labels": ["good", "bad"], "pass_labels": ["good"]}
CANDIDATE = {
    "model": "candidate-1",
    "model_source": "serverless",
    "system_template": "Answer briefly.",
    "input_template": "{{ question }}",
    "max_tokens": 100,
    "temperature": 0,
}


def rows(count: int) -> list[dict[str, Any]]:
    return [{"expected": f"e{n}", "answer": f"answer {n}"} for n in range(count)]


def verdict(value: object, key: str = "label") -> Reply:
    return completion(json.dumps({"feedback": "because", key: value}))


def config_for(tmp_path: Path, server: ModelServer, **changes: Any) -> EngineConfig:
    endpoint = ModelEndpoint(server.base_url)
    return EngineConfig(tmp_path / "engine", serverless=endpoint, max_retries=0, **changes)


async def classify(engine: EngineClient, file_id: str, **changes: Any) -> str:
    parameters = {
        "judge": MODEL_JUDGE,
        "input_data_file_path": file_id,
        "model_to_evaluate": "answer",
        **LABELS,
    }
    return await engine.create("classify", **parameters | changes)


async def test_a_candidate_answers_and_the_judge_sees_question_and_answer(tmp_path: Path) -> None:
    def reply(request: ChatRequest) -> Reply:
        if request.body["model"] == "candidate-1":
            return completion(f"It is {request.user}.")
        return verdict("good" if "It is q1." in str(request.user) else "bad")

    async with ModelServer(reply) as server, running_engine(config_for(tmp_path, server)) as engine:
        file_id = await engine.upload([{"question": f"q{n}", "expected": "x"} for n in range(3)])
        job = await engine.finished(await classify(engine, file_id, model_to_evaluate=CANDIDATE))
        assert job["status"] == "completed"
        assert job["results"]["label_counts"] == {"good": 1, "bad": 2}
        each = {"calls": 3, "input_tokens": 120, "output_tokens": 60, "unreported_calls": 0}
        assert job["results"]["usage"] == {
            "input_tokens": 240,
            "output_tokens": 120,
            "by_role": {"model_to_evaluate": each, "judge": each},
        }
        found = await engine.result_rows(job)
        assert [row["MODEL_TO_EVALUATE_OUTPUT"] for row in found] == [
            "It is q0.",
            "It is q1.",
            "It is q2.",
        ]


async def test_each_kind_of_failure_is_counted_under_its_own_name(tmp_path: Path) -> None:
    def reply(request: ChatRequest) -> Reply:
        question = str(request.user)
        if request.body["model"] == "candidate-1":
            if question == "q3":
                return completion("", finish_reason="length")
            return Reply(status=500) if question == "q0" else completion(question)
        if "\nq1\n" in question:
            return Reply(status=500)
        return verdict("excellent" if "\nq2\n" in question else "good")

    async with ModelServer(reply) as server, running_engine(config_for(tmp_path, server)) as engine:
        file_id = await engine.upload([{"question": f"q{n}", "expected": "x"} for n in range(20)])
        job = await engine.finished(await classify(engine, file_id, model_to_evaluate=CANDIDATE))
        assert job["status"] == "completed"
        results = job["results"]
        assert results["generation_fail_count"] == 2
        assert results["judge_fail_count"] == 1
        assert results["invalid_label_count"] == 1
        assert results["label_counts"] == {"good": 16, "bad": 0}
        # An answer that was cut, and two verdicts that could not be read, took tokens all the same.
        calls = {role: used["calls"] for role, used in results["usage"]["by_role"].items()}
        assert calls == {"model_to_evaluate": 19, "judge": 18}
        assert results["pass_percentage"] == 100
        failed = [row for row in await engine.result_rows(job) if not row["evaluation_successful"]]
        assert [row["label"] for row in failed] == [None] * 4
        assert all(row["evaluation_error"] for row in failed)


async def test_more_than_thirty_percent_failed_rows_fail_the_evaluation_with_the_reason(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(lambda _: Reply(status=503)) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        job = await engine.finished(await classify(engine, await engine.upload(rows(200))))
        assert job["status"] == "error"
        assert "more than 30%" in job["results"]["error"]
        assert "503" in job["results"]["error"]
        assert len(server.requests) < 200


async def test_an_evaluation_that_failed_at_its_endpoint_has_a_code_and_its_rows_have_none(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(lambda _: Reply(status=401)) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        job = await engine.finished(await classify(engine, await engine.upload(rows(10))))
        assert job["results"]["reason"] == "endpoint_refused"
        assert all("reason" not in row for row in await engine.result_rows(job))


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        (
            "I'd rather\nnot say \x1b[31m" + "x" * 500,
            "found in the judge's answer. In one such row the judge wrote: \"I'd rather not say",
        ),
        ("Label: good\nLabel: bad", 'two verdicts. In one such row the judge wrote: "Label: good'),
        (" ", "empty. In one such row the judge wrote: nothing"),
        ('{"label": "row {n}"}', "the judge gave no valid label. In one such row the judge wrote:"),
    ],
)
async def test_a_run_that_ends_over_unreadable_verdicts_quotes_once_what_the_judge_wrote(
    tmp_path: Path, text: str, ending: str
) -> None:
    numbers = iter(range(100))

    def reply(_: ChatRequest) -> Reply:
        return completion(text.replace("{n}", str(next(numbers))))

    async with ModelServer(reply) as server, running_engine(config_for(tmp_path, server)) as engine:
        job = await engine.finished(await classify(engine, await engine.upload(rows(4))))
        kept = [row["judge_raw_output"] for row in await engine.result_rows(job)]
    assert job["status"] == "error"
    error = job["results"]["error"]
    assert "of 4 rows failed, more than 30%" in error
    assert ending in error
    assert error.count("the judge wrote") == 1
    assert len(error) < 300
    assert all(row.startswith(text[:8]) for row in kept)


async def test_thirty_percent_exactly_is_still_a_result(tmp_path: Path) -> None:
    def reply(request: ChatRequest) -> Reply:
        bad = any(f"answer {n}\n" in str(request.user) for n in range(3))
        return Reply(status=500) if bad else verdict("good")

    async with ModelServer(reply) as server, running_engine(config_for(tmp_path, server)) as engine:
        job = await engine.finished(await classify(engine, await engine.upload(rows(10))))
        assert job["status"] == "completed"
        assert job["results"]["judge_fail_count"] == 3


async def test_a_judge_that_always_takes_the_first_answer_ends_in_ties(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda _: verdict("A", "choice")) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        data = [{"expected": "x", "one": "1", "two": "2"}]
        job = await engine.finished(
            await engine.create(
                "compare",
                judge=MODEL_JUDGE,
                input_data_file_path=await engine.upload(data),
                model_a="one",
                model_b="two",
            )
        )
        assert job["results"]["Ties"] == 1
        (row,) = await engine.result_rows(job)
        assert (row["choice_original"], row["choice_flipped"]) == ("A", "B")
        assert row["final_decision"] == "Tie"


async def test_rows_in_flight_never_exceed_the_workers(tmp_path: Path) -> None:
    async with (
        ModelServer(
            lambda _: completion('{"feedback": "", "label": "good"}', delay=0.02)
        ) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        judge = MODEL_JUDGE | {"num_workers": 3}
        file_id = await engine.upload(rows(30))
        await engine.finished(await classify(engine, file_id, judge=judge))
        assert server.most_in_flight == 3


async def test_a_cancelled_evaluation_keeps_what_was_judged_and_says_that_it_is_partial(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(
            lambda _: completion('{"feedback": "", "label": "good"}', delay=0.02)
        ) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        judge = MODEL_JUDGE | {"num_workers": 2}
        created = await classify(engine, await engine.upload(rows(500)), judge=judge)
        await engine.until(created, lambda job: job["progress"]["done"] >= 4)
        cancelled = await engine.http.post(f"/evaluation/{created}/cancel")
        assert cancelled.status_code == 200
        job = await engine.finished(created)
        assert job["status"] == "user_error"
        done = job["progress"]["done"]
        assert f"Cancelled after {done} of 500 rows" in job["results"]["error"]
        assert job["results"]["reason"] == "cancelled"
        assert job["results"]["label_counts"]["good"] == done == len(await engine.result_rows(job))
        again = await engine.http.post(f"/evaluation/{created}/cancel")
        assert again.json()["status"] == "user_error"


async def test_a_graceful_stop_leaves_the_run_to_the_next_process(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    def reply(request: ChatRequest) -> Reply:
        seen[str(request.user)] += 1
        return completion('{"feedback": "", "label": "good"}', delay=0.01)

    async with ModelServer(reply) as server:
        config = config_for(tmp_path, server)
        async with running_engine(config) as engine:
            judge = MODEL_JUDGE | {"num_workers": 4}
            created = await classify(engine, await engine.upload(rows(100)), judge=judge)
            await engine.until(created, lambda job: job["progress"]["done"] >= 30)
        async with running_engine(config) as engine:
            job = await engine.finished(created)
            assert job["status"] == "completed"
            assert job["results"]["label_counts"]["good"] == 100
            assert len(await engine.result_rows(job)) == 100
    assert len(seen) == 100
    assert sum(seen.values()) == 100, "a row in flight at the stop was judged again"


async def test_a_key_that_came_with_the_request_is_used_and_never_written(tmp_path: Path) -> None:
    secret = "sk-planted-0123456789"
    async with ModelServer(lambda _: verdict("good")) as server:
        config = config_for(tmp_path, server, external=(ModelEndpoint(server.base_url),))
        judge = MODEL_JUDGE | {
            "model_source": "external",
            "external_base_url": server.base_url,
            "external_api_token": secret,
        }
        async with running_engine(config) as engine:
            job = await engine.finished(
                await classify(engine, await engine.upload(rows(3)), judge=judge)
            )
            assert job["status"] == "completed"
            assert job["parameters"]["judge"]["external_api_token"] == "[redacted]"
        assert server.requests[0].headers["authorization"] == f"Bearer {secret}"
    for path in (tmp_path / "engine").rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes()


async def test_a_key_in_a_request_that_is_the_configured_one_outlives_its_process(
    tmp_path: Path,
) -> None:
    async with ModelServer(lambda _: verdict("good")) as server:
        known = ModelEndpoint(server.base_url, SecretStr("configured"))
        config = config_for(tmp_path, server, external=(known,))
        judge = MODEL_JUDGE | {
            "model_source": "external",
            "external_base_url": server.base_url,
            "external_api_token": "configured",
        }
        async with running_engine(config, runs_evaluations=False) as engine:
            evaluation = await classify(engine, await engine.upload(rows(1)), judge=judge)
        async with running_engine(config) as engine:
            job = await engine.finished(evaluation)
        assert job["status"] == "completed", job
        assert "external_api_token" not in job["parameters"]["judge"]
        assert server.requests[0].headers["authorization"] == "Bearer configured"
    for path in (tmp_path / "engine").rglob("*"):
        assert path.is_dir() or b"configured" not in path.read_bytes()


async def test_a_configured_key_serves_an_external_model_that_brings_none(tmp_path: Path) -> None:
    async with ModelServer(lambda _: verdict("good")) as server:
        known = ModelEndpoint(server.base_url, SecretStr("configured"))
        config = config_for(tmp_path, server, external=(known,))
        judge = MODEL_JUDGE | {"model_source": "external", "external_base_url": server.base_url}
        async with running_engine(config) as engine:
            job = await engine.finished(
                await classify(engine, await engine.upload(rows(1)), judge=judge)
            )
        assert job["status"] == "completed"
        assert server.requests[0].headers["authorization"] == "Bearer configured"


async def test_a_deleted_data_set_is_refused_while_it_is_read_and_free_afterwards(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(
            lambda _: completion('{"feedback": "", "label": "good"}', delay=0.05)
        ) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        file_id = await engine.upload(rows(20))
        created = await classify(engine, file_id)
        assert (await engine.http.delete(f"/files/{file_id}")).status_code == 409
        await engine.finished(created)
        assert (await engine.http.delete(f"/files/{file_id}")).status_code == 200


async def test_a_bug_in_one_run_ends_it_and_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(rows(3))
        with monkeypatch.context() as patch:
            patch.delattr("evals_engine.runs.run.Run._judge_rows")
            job = await engine.finished(await classify(engine, file_id, judge=RULE_JUDGE))
        assert job["status"] == "error"
        assert "Internal error" in job["results"]["error"]
        job = await engine.finished(await classify(engine, file_id, judge=RULE_JUDGE))
        assert job["status"] == "completed"


async def test_a_disk_that_takes_nothing_for_a_while_costs_no_row_and_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Counter[str] = Counter()

    def reply(request: ChatRequest) -> Reply:
        seen[str(request.user)] += 1
        return completion('{"feedback": "", "label": "good"}', delay=0.005)

    add_rows = Ledger.add_rows
    full = [True]

    def add(ledger: Ledger, *arguments: Any) -> bool:
        if full[0]:
            raise StorageError("database or disk is full")
        return add_rows(ledger, *arguments)

    monkeypatch.setattr(Ledger, "add_rows", add)
    async with ModelServer(reply) as server, running_engine(config_for(tmp_path, server)) as engine:
        created = await classify(engine, await engine.upload(rows(800)))
        with anyio.fail_after(60):
            while True:
                status = (await engine.http.get(f"/evaluation/{created}/status")).json()
                if "note" in status["progress"]:
                    break
        assert "disk is full" in status["progress"]["note"]
        full[0] = False
        job = await engine.finished(created)
        assert job["results"]["label_counts"] == {"good": 800, "bad": 0}
    assert seen.total() == len(seen) == 800


async def test_a_result_file_that_cannot_be_written_is_written_by_a_later_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place = runner.put_in_place
    attempts: list[Path] = []

    def once_full(part: Path, path: Path) -> None:
        attempts.append(path)
        if len(attempts) == 1:
            raise OSError(28, "No space left on device")
        put_in_place(part, path)

    monkeypatch.setattr(runner, "put_in_place", once_full)
    async with ModelServer(lambda _: verdict("good")) as server:
        config = config_for(tmp_path, server, lease_seconds=1.0)
        async with running_engine(config) as engine:
            job = await engine.finished(await classify(engine, await engine.upload(rows(20))))
            assert job["status"] == "completed"
            assert len(await engine.result_rows(job)) == 20
    assert len(server.requests) == 20
    assert len(set(attempts)) >= 2
    assert not attempts[0].exists()
    assert not list((tmp_path / "engine" / "files").glob("*.part"))


async def test_a_model_that_hangs_does_not_hold_up_a_cancel_for_long(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda _: completion("late", delay=3600)) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        created = await classify(engine, await engine.upload(rows(3)))
        await engine.until(created, lambda job: job["status"] == "running")
        await engine.http.post(f"/evaluation/{created}/cancel")
        with anyio.fail_after(60):
            while True:
                status = (await engine.http.get(f"/evaluation/{created}/status")).json()
                if "note" in status["progress"]:
                    break
                assert status["status"] == "running"
        assert "being cancelled" in status["progress"]["note"]
        job = await engine.finished(created, seconds=60)
        assert "Cancelled after 0 of 3 rows" in job["results"]["error"]


async def test_any_number_of_workers_may_be_asked_for_and_a_bounded_one_is_given(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(lambda _: verdict("good")) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        judge = MODEL_JUDGE | {"num_workers": 10**9}
        job = await engine.finished(
            await classify(engine, await engine.upload(rows(50)), judge=judge)
        )
        assert job["results"]["label_counts"]["good"] == 50
    assert workers_for(JudgeModelConfig.model_validate(judge)) == 1_024


async def test_a_data_set_whose_bytes_are_gone_is_named_as_the_reason(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(rows(3))
        (tmp_path / "files" / file_id).unlink()
        job = await engine.finished(await classify(engine, file_id, judge=RULE_JUDGE))
        assert job["status"] == "user_error"
        assert "upload it again" in job["results"]["error"]


async def test_the_rows_so_far_can_be_read_while_it_runs_and_not_afterwards(tmp_path: Path) -> None:
    async with (
        ModelServer(
            lambda _: completion('{"feedback": "", "label": "good"}', delay=0.02)
        ) as server,
        running_engine(config_for(tmp_path, server)) as engine,
    ):
        judge = MODEL_JUDGE | {"num_workers": 2}
        created = await classify(engine, await engine.upload(rows(60)), judge=judge)
        await engine.until(created, lambda job: job["progress"]["done"] >= 6)
        so_far = await engine.http.get(f"/evaluation/{created}/rows")
        found = [json.loads(line) for line in so_far.text.splitlines()]
        assert 6 <= len(found) < 60
        assert {row["label"] for row in found} == {"good"}
        assert not {"usage", "input_tokens"} & found[0].keys()
        await engine.finished(created)
        assert (await engine.http.get(f"/evaluation/{created}/rows")).status_code == 409
