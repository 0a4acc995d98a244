from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from dirty_equals import IsPartialDict
from inline_snapshot import snapshot

from evals_mcp.errors import (
    BadAnswerError,
    DatasetFaultError,
    InvalidRequestError,
    NotFoundError,
    TokenRefusedError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_schemas.evaluation_api.evaluations import (
    ENDED,
    EvaluationStatus,
    parse_evaluation_request,
)
from tests.server.nugen_exchanges import (
    BENCHMARK_ID,
    CREATE,
    CREATED,
    FAILED,
    FIRST,
    NUGEN_TOKEN,
    PAIR,
    ROWS,
    RUNNING,
    SECOND,
    SINGLE,
    Played,
    Route,
    comparison,
    content,
    failing,
    html,
    lines_of,
    nugen,
    recorded,
    single,
    status_of,
)
from tests.server.scripted_service import answer, assert_nothing_leads_to, json_of

DOWNLOAD: Route = ("GET", f"/api/v3/evaluations/{SINGLE}/download")

GENERATIONS = pytest.mark.parametrize("generation", [1, 2, 3])


# The three generations


async def all_answers(provider: NugenProvider, path: Path) -> dict[str, Any]:
    """All answers of a provider, by operation."""
    listed = await provider.list_evaluations()
    return {
        "created": [
            (await provider.create_evaluation(single())).model_dump(),
            (await provider.create_evaluation(comparison())).model_dump(),
        ],
        "jobs": {
            evaluation_id: (await provider.get_evaluation(evaluation_id)).model_dump()
            for evaluation_id in (SINGLE, PAIR, RUNNING, FAILED)
        },
        "statuses": {
            evaluation_id: (await provider.get_status(evaluation_id)).model_dump()
            for evaluation_id in (SINGLE, RUNNING)
        },
        "list": [(job.workflow_id, job.status, job.created_at, job.parameters) for job in listed],
        "rows": await content(provider.dataset_content(f"rows-{SINGLE}")),
        "questions": await content(provider.dataset_content(BENCHMARK_ID)),
        "benchmarks": [
            file.model_dump(exclude={"processing_status"})
            for file in await provider.list_datasets()
        ],
        "uploaded": (await provider.upload_benchmark(path, "capitals.jsonl")).model_dump(),
        "models": [model.model_dump(exclude_none=True) for model in await provider.list_models()],
    }


def without_words(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers without the word that is quoted from the service."""
    answers["jobs"][FAILED]["results"]["error"] = answers["jobs"][FAILED]["results"][
        "error"
    ].replace("FAILED", "failed")
    return answers


@pytest.mark.parametrize("generation", [2, 3])
async def test_a_later_generation_is_answered_from_like_the_first(
    generation: int, tmp_path: Path
) -> None:
    path = tmp_path / "capitals.jsonl"
    path.write_text('{"question": "2 + 2?", "answer": 4}\n{"question": "P?", "answer": "L"}\n')
    async with nugen(1) as (provider, _):
        first = await all_answers(provider, path)
    async with nugen(generation) as (provider, _):
        later = await all_answers(provider, path)

    assert without_words(later) == without_words(first)


async def test_a_single_evaluation_has_figures_rows_and_the_mark_of_its_times() -> None:
    async with nugen() as (provider, _):
        job = await provider.get_evaluation(SINGLE)

    assert job.model_dump(mode="json", exclude_none=True) == snapshot(
        {
            "status": "completed",
            "results": {
                "models": [
                    {
                        "model_id": "model-xyz789",
                        "metrics": {
                            "accuracy": {"mean": 0.5},
                            "relevance": {"mean": 0.75},
                            "score": {"mean": 0.625},
                        },
                        "questions": 2,
                        "correct": 1,
                    }
                ],
                "result_file_id": "rows-eval-one",
                "note": "The service writes its times without a zone; they are read as UTC.",
            },
            "progress": {"done": 2, "total": 2},
            "workflow_id": "eval-one",
            "type": "benchmark",
            "parameters": {"benchmark_id": "benchmark-abc123", "model_id": "model-xyz789"},
            "created_at": "2026-09-01T09:00:00",
            "updated_at": "2026-09-01T09:05:00",
        }
    )


async def test_a_comparison_tells_both_models_in_the_order_of_the_request() -> None:
    async with nugen(3) as (provider, _):
        job = await provider.get_evaluation(PAIR)

    assert job.parameters == {"benchmark_id": BENCHMARK_ID, "model_id": FIRST, "model_id_2": SECOND}
    assert job.results == snapshot(
        {
            "models": [
                {
                    "model_id": "model-xyz789",
                    "metrics": {"accuracy": {"mean": 0.5, "std": 0.5, "min": 0.0, "max": 1.0}},
                    "questions": 2,
                    "correct": 1,
                },
                {
                    "model_id": "model-def456",
                    "metrics": {"accuracy": {"mean": 1.0, "std": 0.5, "min": 0.0, "max": 1.0}},
                    "questions": 2,
                    "correct": 2,
                },
            ],
            "result_file_id": "rows-eval-two",
            "note": "The service writes its times without a zone; they are read as UTC.",
        }
    )
    assert "12345" not in str(job.results)


@GENERATIONS
async def test_the_generation_is_found_out_once_with_reads_alone(generation: int) -> None:
    async with nugen(generation) as (provider, service):
        assert not service.requests
        await provider.create_evaluation(single())
        await provider.get_status(RUNNING)

    found = ["GET /api/v3/benchmarks/list", "GET /api/v3/benchmark/list"][
        : 1 if generation == 3 else 2
    ]
    assert service.paths[: len(found)] == found
    assert len(service.requests) == len(found) + 2
    assert len(service.sent("POST")) == 1


async def test_a_generation_that_is_set_is_not_looked_for() -> None:
    async with nugen(3, configured=3) as (provider, service):
        await provider.create_evaluation(comparison())

    (sent,) = service.requests
    assert sent.url.path == "/api/v3/evaluations/create"
    assert json_of(sent) == {
        "model_id": SECOND,
        "baseline_model_id": FIRST,
        "benchmark_id": BENCHMARK_ID,
        "evaluation_name": f"{FIRST} vs {SECOND} 2026-09-01 12:00:00.000000",
    }


async def test_a_service_that_answers_pages_for_unknown_paths_is_recognized_by_the_other() -> None:
    async with nugen(1, {("GET", "/api/v3/benchmarks/list"): html()}) as (provider, _):
        assert [file.id for file in await provider.list_datasets()] == [BENCHMARK_ID]


async def test_an_api_of_no_known_generation_names_the_settings_to_check() -> None:
    async with nugen(1, {("GET", "/api/v3/benchmark/list"): failing(404)}) as (provider, service):
        with pytest.raises(UnsupportedError, match=r"nugen\.base_url.*nugen\.generation"):
            await provider.create_evaluation(single())

    assert not service.sent("POST")


async def test_a_service_that_is_down_at_first_is_asked_again_with_the_next_call() -> None:
    down = {("GET", "/api/v3/benchmarks/list"): failing(503)}
    async with nugen(3, dict(down)) as (provider, service):
        with pytest.raises(UnavailableError):
            await provider.get_status(RUNNING)
        service.routes |= recorded(3)
        assert (await provider.get_status(RUNNING)).status == "running"


async def test_a_wrong_generation_in_the_configuration_is_named() -> None:
    async with nugen(1, configured=3) as (provider, service):
        with pytest.raises(UnsupportedError, match=r"generation 3 .*nugen\.generation"):
            await provider.create_evaluation(single())

    assert len(service.requests) == 1


# Creating


@pytest.mark.parametrize("metrics", [["accuracy", "relevance"], {"accuracy": {"weight": 1}}, None])
async def test_metrics_are_sent_as_a_list_an_object_or_not_at_all(metrics: Any) -> None:
    async with nugen() as (provider, service):
        request = single().model_copy(update={"custom_metrics": metrics})
        created = await provider.create_evaluation(request, key="not for the vendor")
        listed = await provider.get_evaluation(SINGLE)

    (sent,) = service.sent("POST")
    body = {"model_id": FIRST, "benchmark_id": BENCHMARK_ID}
    assert json_of(sent) == body | ({"custom_metrics": metrics} if metrics else {})
    assert "idempotency-key" not in sent.headers
    assert (created.workflow_id, created.status) == (CREATED, "pending")
    assert "custom_metrics" not in listed.parameters


async def test_metrics_that_a_generation_cannot_take_are_refused_and_not_dropped() -> None:
    async with nugen(3) as (provider, service):
        with pytest.raises(UnsupportedError, match="leave it out"):
            await provider.create_evaluation(
                single().model_copy(update={"custom_metrics": ["accuracy"]})
            )

    assert not service.sent("POST")


async def test_a_judged_evaluation_is_refused_with_what_to_do_instead() -> None:
    request = parse_evaluation_request(
        {
            "type": "classify",
            "parameters": {
                "judge": {"model": "m", "model_source": "serverless", "system_template": "s"},
                "input_data_file_path": "file-1",
                "labels": ["a", "b"],
                "pass_labels": ["a"],
            },
        }
    )
    async with nugen() as (provider, service):
        with pytest.raises(UnsupportedError, match="`type: benchmark`") as caught:
            await provider.create_evaluation(request)

    assert "classify" in str(caught.value)
    assert not service.requests


@pytest.mark.parametrize(
    ("refused", "kind", "parts"),
    [
        pytest.param(
            failing(404, {"detail": "Benchmark not found in your library"}),
            NotFoundError,
            ["Benchmark not found in your library", "list_datasets", "list_models"],
            id="unknown benchmark",
        ),
        pytest.param(
            failing(422, {"detail": [{"loc": ["body", "model_id"], "msg": "Field required"}]}),
            InvalidRequestError,
            ["`model_id`", "Field required"],
            id="a field",
        ),
        pytest.param(
            failing(400, {"detail": f"bad token {NUGEN_TOKEN}"}),
            InvalidRequestError,
            ["[removed]"],
            id="with the token in it",
        ),
        pytest.param(failing(422, {"detail": []}), InvalidRequestError, ["no reason"], id="empty"),
        pytest.param(failing(401), TokenRefusedError, ["NUGEN_API_KEY"], id="token"),
        pytest.param(failing(429), UnavailableError, ["nothing was started"], id="too many"),
    ],
)
async def test_a_refused_create_says_who_must_act_and_is_not_searched_for(
    refused: httpx2.Response, kind: type[Exception], parts: list[str]
) -> None:
    async with nugen(1, {CREATE: refused}, configured=1) as (provider, service):
        with pytest.raises(kind) as caught:
            await provider.create_evaluation(single())

    assert len(service.requests) == 1
    for part in parts:
        assert part in str(caught.value)
    assert_nothing_leads_to(NUGEN_TOKEN, caught.value)


@pytest.mark.parametrize(
    ("named", "shown"), [("model_id", "model_id_2"), ("baseline_model_id", "model_id")]
)
async def test_a_refused_model_is_named_by_the_field_of_the_request(named: str, shown: str) -> None:
    refused = failing(422, {"detail": [{"loc": ["body", named], "msg": "unknown model"}]})
    async with nugen(3, {("POST", "/api/v3/evaluations/create"): refused}) as (provider, _):
        with pytest.raises(InvalidRequestError, match=f"`{shown}`: 'unknown model'"):
            await provider.create_evaluation(comparison())


# Rows, questions, benchmarks, models


async def test_rows_carry_the_model_that_the_evaluation_names() -> None:
    async with nugen() as (provider, _):
        rows = lines_of(await content(provider.dataset_content(f"rows-{SINGLE}")))

    assert rows == [row | {"model_id": FIRST} for row in ROWS]


async def test_the_rows_of_an_evaluation_that_was_read_need_no_second_look_at_its_results() -> None:
    async with nugen() as (provider, service):
        await provider.get_evaluation(SINGLE)
        rows = lines_of(await content(provider.dataset_content(f"rows-{SINGLE}")))

    assert [row["model_id"] for row in rows] == [FIRST] * len(rows)
    assert sum(path.endswith(f"/{SINGLE}/results") for path in service.paths) == 1


async def test_rows_of_a_comparison_keep_the_model_that_each_names() -> None:
    named = [row | {"model_id": model} for row in ROWS for model in (FIRST, SECOND)]
    path = f"/api/v3/evaluations/{PAIR}/download"
    async with nugen(1, {("GET", path): answer({"detailed_results": named})}) as (provider, _):
        rows = lines_of(await content(provider.dataset_content(f"rows-{PAIR}")))

    assert [row["model_id"] for row in rows] == [FIRST, SECOND, FIRST, SECOND]


async def test_a_row_without_a_score_says_why() -> None:
    row = {"question_id": True, "question": "?", "score": "n/a", "model_answer": {"a": 1}}
    async with nugen(1, {DOWNLOAD: answer({"detailed_results": [row]})}) as (provider, _):
        (found,) = lines_of(await content(provider.dataset_content(f"rows-{SINGLE}")))

    assert found == {
        "question_id": "true",
        "question": "?",
        "expected_answer": None,
        "model_answer": '{"a": 1}',
        "score": None,
        "relevance": None,
        "model_id": FIRST,
        "error": "The service gives no score.",
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"detailed_results": [{"question": "a"}, {"ques', id="broken off"),
        pytest.param(b'{"detailed_results": [{"question": "a"}', id="without an end"),
        pytest.param(b'{"rows": []}', id="another name"),
        pytest.param(b'{"detailed_results": [1]}', id="numbers"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_rows_that_are_none_are_a_bad_answer(body: bytes) -> None:
    async with nugen(1, {DOWNLOAD: answer(body)}) as (provider, _):
        with pytest.raises(BadAnswerError, match="read the evaluation's rows"):
            await content(provider.dataset_content(f"rows-{SINGLE}"))


async def test_many_rows_arrive_in_blocks_and_every_text_survives() -> None:
    texts = [f"{number} \ud800 é" + "x" * 1000 for number in range(300)]
    body = {"detailed_results": [{"question": text, "score": 1} for text in texts]}
    async with (
        nugen(1, {DOWNLOAD: answer(body)}) as (provider, _),
        provider.dataset_content(f"rows-{SINGLE}") as stream,
    ):
        blocks = [block async for block in stream]

    assert len(blocks) > 3
    assert [row["question"] for row in lines_of(b"".join(blocks))] == texts


async def test_rows_asked_for_too_early_are_refused_in_the_services_words() -> None:
    async with nugen() as (provider, _):
        with pytest.raises(InvalidRequestError, match="not completed yet"):
            await content(provider.dataset_content(f"rows-{RUNNING}"))


async def test_an_unknown_benchmark_names_the_tool_that_lists_them() -> None:
    async with nugen() as (provider, _):
        with pytest.raises(NotFoundError, match=r"No benchmark 'benchmark-0'.*list_datasets"):
            await content(provider.dataset_content("benchmark-0"))
        with pytest.raises(NotFoundError, match="not a valid benchmark id"):
            await content(provider.dataset_content("../secrets"))


async def test_an_upload_sends_an_array_of_numbered_questions(tmp_path: Path) -> None:
    path = tmp_path / "capitals.jsonl"
    path.write_bytes('\ufeff{"question": "Perú?", "answer": 4, "other": 1}\n\n'.encode())
    async with nugen() as (provider, service):
        stored = await provider.upload_benchmark(path, "capitals.jsonl")

    (sent,) = service.sent("POST")
    body = sent.content.decode()
    assert '[\n{"question_num": 1, "question": "Per\\u00fa?", "answer": "4"}\n]' in body
    for field in ('name="name"', 'name="document_id"', 'name="description"', 'name="file"'):
        assert field in body
    assert stored.model_dump() == IsPartialDict(
        id=BENCHMARK_ID, filename="capitals", purpose="benchmark", LineCount=2, Processed=True
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"question": "a", "answer": "b"}\n{"question": "a"}\n', "line 2 has no `answer`"),
        ("[]\n", "line 1 has no `question`"),
        ("{\n", "line 1 has no `question`"),
    ],
)
async def test_a_file_that_is_no_benchmark_is_not_sent(
    text: str, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    async with nugen() as (provider, service):
        with pytest.raises(DatasetFaultError, match=part):
            await provider.upload_benchmark(path, "rows.jsonl")
        with pytest.raises(DatasetFaultError, match="cannot be read"):
            await provider.upload_benchmark(tmp_path / "nothing.jsonl", "nothing.jsonl")

    assert not service.sent("POST")


async def test_a_lost_answer_to_an_upload_sends_the_caller_to_the_list(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "a", "answer": "b"}\n')
    async with nugen(1, {("POST", "/api/v3/benchmark/upload"): failing(500)}) as (
        provider,
        service,
    ):
        with pytest.raises(UnavailableError, match="list_datasets before uploading"):
            await provider.upload_benchmark(path, "rows.jsonl")

    assert len(service.sent("POST")) == 1


async def test_what_the_service_has_not_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with nugen() as (provider, service):
        with pytest.raises(UnsupportedError, match="`benchmark: true`"):
            await provider.upload_dataset(tmp_path / "rows.jsonl", "rows.jsonl")
        with pytest.raises(UnsupportedError, match="cannot cancel"):
            await provider.cancel_evaluation(RUNNING)
        assert await provider.list_judges() is None
        assert provider.rows_so_far(RUNNING) is None
        assert provider.types == {"benchmark"}
        assert provider.capabilities.reports_progress
        assert provider.service_of(RUNNING).name == "nugen"
        assert NUGEN_TOKEN not in provider.account

    assert not service.requests


async def test_models_of_both_lists_are_listed_once() -> None:
    async with nugen() as (provider, _):
        models = await provider.list_models()

    assert [(model.id, model.display_name) for model in models] == [
        (FIRST, "One"),
        (SECOND, "Two"),
        ("ours-1", "Ours"),
    ]


async def test_a_service_with_one_list_of_models_has_those() -> None:
    without: dict[Route, Played] = {("GET", "/api/v3/models/aligned"): failing(404)}
    async with nugen(1, without) as (provider, service):
        assert [model.id for model in await provider.list_models()] == [FIRST, SECOND]
        service.routes["GET", "/api/v3/models/base"] = failing(404)
        with pytest.raises(UnsupportedError):
            await provider.list_models()


# The embedded engine's additions


async def test_the_embedded_engine_is_given_the_key_and_cancels() -> None:
    path = f"/api/v3/evaluations/{RUNNING}"
    cancelled = status_of("failed", error="Cancelled after 3 of 10 rows; they are kept.")
    changes: dict[Route, Played] = {
        ("POST", f"{path}/cancel"): cancelled,
        ("GET", f"{path}/status"): cancelled,
    }
    async with nugen(1, changes, configured=1, embedded=True, deadline=None) as (provider, service):
        await provider.create_evaluation(single(), key="k-1")
        job = await provider.cancel_evaluation(RUNNING)

    assert service.sent("POST")[0].headers["idempotency-key"] == "k-1"
    assert job.status == "user_error"
    assert EvaluationStatus.model_validate(job.model_dump()).status in ENDED


async def test_a_lost_answer_to_a_cancel_sends_the_caller_to_the_status() -> None:
    lost: dict[Route, Played] = {("POST", f"/api/v3/evaluations/{RUNNING}/cancel"): failing(500)}
    async with nugen(1, lost, embedded=True) as (provider, _):
        with pytest.raises(UnavailableError, match="get_status to see whether it was cancelled"):
            await provider.cancel_evaluation(RUNNING)
