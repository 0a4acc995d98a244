from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from evals_mcp.errors import (
    AmbiguousCreateError,
    EvalsMCPError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.protocol import AnyRequest, ListFailure
from evals_mcp.providers.rest.ids import BENCHMARK, DATASET, EVALUATION
from evals_mcp.providers.several.ids import ServiceIds, ShapedIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.providers.several.types import refuse_unsupported_type
from evals_mcp.service_spec import advice_for_type
from evals_mcp.services import SERVICES
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
    parse_evaluation_request,
)
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model
from tests.server.fake_provider import NOON, FakeProvider, classify_job, jsonl

JUDGE = {"model": "m", "model_source": "serverless", "system_template": "{{ answer }}"}


def judged(file_id: str) -> AnyRequest:
    return parse_evaluation_request(
        {
            "type": "classify",
            "parameters": {
                "judge": JUDGE,
                "input_data_file_path": file_id,
                "labels": ["good", "bad"],
                "pass_labels": ["good"],
            },
        }
    )


def benchmark_job(evaluation_id: str, at: datetime | None = None) -> EvaluationJob:
    return EvaluationJob.model_validate(
        {
            "workflow_id": evaluation_id,
            "type": "benchmark",
            "status": "completed",
            "created_at": at,
            "parameters": {"model_id": "m1", "benchmark_id": "b-1"},
            "results": {"models": [], "result_file_id": f"rows-{evaluation_id}"},
        }
    )


NAMES = frozenset(spec.name for spec in SERVICES)


def together(**fields: Any) -> FakeProvider:
    return FakeProvider(name="together", account="a1", **fields)


def nugen(**fields: Any) -> FakeProvider:
    return FakeProvider(name="nugen", account="a2", types=frozenset({"benchmark"}), **fields)


def both(first: FakeProvider, second: FakeProvider) -> SeveralProviders:
    advice = partial(advice_for_type, SERVICES, missing_key=None)
    return SeveralProviders("together and nugen", ServiceIds([first, second], NAMES), advice)


async def test_ids_of_every_service_but_the_first_name_their_service() -> None:
    several = both(together(jobs=[classify_job("eval-1")]), nugen(jobs=[benchmark_job("eval-1")]))
    one = await several.get_evaluation("together:eval-1")
    other = await several.get_evaluation("nugen:eval-1")

    assert one.workflow_id == "eval-1"
    assert one.parameters["input_data_file_path"] == "file-1"
    assert (one.results or {})["result_file_id"] == "file-9"
    assert other.workflow_id == "nugen:eval-1"
    assert other.parameters["benchmark_id"] == "nugen:b-1"
    assert (other.results or {})["result_file_id"] == "nugen:rows-eval-1"
    assert several.service_of("nugen:eval-1").name == "nugen"
    assert several.service_of("eval-1").name == "together"


async def test_what_was_handed_out_can_be_passed_back() -> None:
    first = together(
        jobs=[classify_job("eval-1")],
        statuses=[EvaluationStatus(status="completed", results={"result_file_id": "file-9"})],
        contents={"file-9": jsonl({"label": "good"}), "eval-1": b"{}\n"},
    )
    several = both(first, nugen())
    status = await several.get_status("together:eval-1")
    cancelled = await several.cancel_evaluation("together:eval-1")
    async with several.dataset_content((status.results or {})["result_file_id"]) as blocks:
        read = b"".join([block async for block in blocks])

    assert cancelled.workflow_id == "eval-1"
    assert read == first.contents["file-9"]
    assert several.rows_so_far("together:eval-1") is not None


@pytest.mark.parametrize("given", ["eval-9", "together:eval-9", "nugen:", ":eval-1", "Nugen:x"])
async def test_an_id_that_no_service_has_is_answered_by_the_default_service(given: str) -> None:
    several = both(together(jobs=[classify_job("eval-1")]), nugen())
    assert await several.complete_id(given, EVALUATION) == given.removeprefix("together:")
    with pytest.raises(NotFoundError):
        await several.get_evaluation(given)


async def test_an_id_without_a_name_leads_to_the_first_service_that_has_it() -> None:
    first = together(jobs=[classify_job("eval-1")], files=[File(id="file-1")])
    second = nugen(jobs=[benchmark_job("eval-1"), benchmark_job("eval-2")])
    second.files.append(File(id="benchmark-7", purpose="benchmark"))
    several = both(first, second)
    for given, complete in [
        ("eval-1", "eval-1"),
        ("together:eval-1", "eval-1"),
        ("nugen:eval-1", "nugen:eval-1"),
        ("eval-2", "nugen:eval-2"),
    ]:
        assert await several.complete_id(given, EVALUATION) == complete
    assert await several.complete_id("file-1", DATASET) == "file-1"
    assert await several.complete_id("benchmark-7", BENCHMARK) == "nugen:benchmark-7"


async def test_a_service_that_is_down_does_not_hide_where_an_id_leads() -> None:
    down = together(error=UnavailableError("together could not be reached."))
    several = both(down, nugen(jobs=[benchmark_job("eval-2")]))
    assert await several.complete_id("eval-2", EVALUATION) == "nugen:eval-2"
    assert await several.complete_id("eval-3", EVALUATION) == "eval-3"


async def test_a_request_with_ids_of_an_earlier_form_goes_where_its_data_lie() -> None:
    local = FakeProvider(types=frozenset({"classify"}), files=[File(id="file-2")])
    several = SeveralProviders("both", ServiceIds([together(), local], NAMES))
    request = await several.with_public_ids(judged("file-2"))
    assert not isinstance(request, BenchmarkRequest)
    assert request.parameters.input_data_file_path == "local:file-2"
    await several.create_evaluation(request)
    assert local.requests[0].parameters.input_data_file_path == "file-2"


async def test_a_request_goes_to_the_service_of_its_data_with_that_services_own_id() -> None:
    first, second = together(), nugen()
    several = both(first, second)
    created = await several.create_evaluation(judged("together:file-1"))
    run = await several.create_evaluation(BenchmarkRequest(model_id="m", benchmark_id="nugen:b-1"))

    assert created.workflow_id == "eval-0001-1"
    assert run.workflow_id == "nugen:eval-0001-1"
    assert first.requests[0].parameters.input_data_file_path == "file-1"
    assert second.benchmark_requests[0].benchmark_id == "b-1"
    assert several.types == {"classify", "score", "compare", "benchmark"}


async def test_a_data_set_of_a_service_that_does_not_take_the_type_is_steered_elsewhere() -> None:
    several = both(together(), nugen())
    with pytest.raises(InvalidRequestError) as caught:
        await several.create_evaluation(judged("nugen:file-1"))

    assert str(caught.value) == snapshot(
        "'nugen:file-1' belongs to nugen, which runs no classify evaluation; together does. Call "
        "list_datasets for a data set of together, or store the rows there with upload_dataset."
    )


async def test_a_type_that_none_takes_names_the_setting() -> None:
    several = both(together(), together())
    with pytest.raises(UnsupportedError) as caught:
        await several.create_evaluation(BenchmarkRequest(model_id="m", benchmark_id="nugen:b"))

    assert "NUGEN_API_KEY" in str(caught.value)
    assert 'provider = "local"' in str(caught.value)


async def test_where_two_take_a_type_the_benchmark_decides() -> None:
    local = FakeProvider(types=frozenset({"classify", "score", "compare", "benchmark"}))
    vendor = nugen()
    several = SeveralProviders("local and nugen", ServiceIds([local, vendor], NAMES))
    await several.create_evaluation(BenchmarkRequest(model_id="m", benchmark_id="nugen:b-1"))
    await several.create_evaluation(BenchmarkRequest(model_id="m", benchmark_id="local:b-2"))

    assert [request.benchmark_id for request in vendor.benchmark_requests] == ["b-1"]
    assert [request.benchmark_id for request in local.benchmark_requests] == ["b-2"]


async def test_a_lost_create_says_how_the_ids_it_names_look_here() -> None:
    class Losing(FakeProvider):
        async def create_evaluation(
            self, request: AnyRequest, key: str | None = None
        ) -> EvaluationCreated:
            raise AmbiguousCreateError("It may be eval-7.")

    several = SeveralProviders("both", ServiceIds([together(), Losing()], NAMES))
    with pytest.raises(AmbiguousCreateError) as caught:
        await several.create_evaluation(judged("local:file-1"))

    assert str(caught.value) == "It may be eval-7. Its ids begin with local: here."


async def test_lists_are_one_with_the_newest_first() -> None:
    naive = NOON.replace(tzinfo=None)
    first = together(jobs=[classify_job("eval-2"), classify_job("eval-1")])
    first.jobs[0].created_at = NOON + timedelta(hours=2)
    second = nugen(
        jobs=[benchmark_job("eval-4", naive + timedelta(hours=3)), benchmark_job("eval-3")]
    )
    listed = await both(first, second).list_evaluations(limit=3)

    assert [job.workflow_id for job in listed] == [
        "nugen:eval-4",
        "eval-2",
        "eval-1",
    ]


async def test_a_service_that_fails_hides_no_other_and_is_named() -> None:
    broken = nugen(error=UnavailableError("nugen could not be reached."))
    jobs, failures = await both(together(jobs=[classify_job()]), broken).evaluations_with_failures()

    assert [job.workflow_id for job in jobs] == ["eval-1"]
    assert failures == [ListFailure("nugen", "Without those of nugen: nugen could not be reached.")]
    alone, none = await together(jobs=[classify_job()]).evaluations_with_failures()
    assert (len(alone), none) == (1, [])


async def test_where_all_fail_the_first_ones_reason_is_reported() -> None:
    several = both(
        together(error=UnavailableError("first")), nugen(error=UnavailableError("second"))
    )
    with pytest.raises(EvalsMCPError, match="first"):
        await several.list_evaluations()


async def test_data_sets_are_one_list_and_uploads_go_where_the_type_is_run(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(jsonl({"question": "q", "answer": "a"}))
    first = together(files=[File(id="file-old", created_at=5)])
    several = both(first, nugen())
    stored = await several.upload_dataset(path, "rows.jsonl")
    benchmark = await several.upload_benchmark(path, "rows.jsonl")
    files, failures = await several.datasets_with_failures()

    assert stored.id == "file-2"
    assert (benchmark.id, benchmark.purpose) == ("nugen:file-1", "benchmark")
    assert [file.id for file in files] == ["file-2", "nugen:file-1", "file-old"]
    assert failures == []


async def test_models_are_one_list_and_judges_those_that_any_service_tells() -> None:
    first = together(models=[Model(id="m"), Model(id="n")], judges=["m"])
    second = nugen(models=[Model(id="m", type="base"), Model(id="o")])
    several = both(first, second)

    assert [model.id for model in await several.list_models()] == ["m", "n", "o"]
    assert await several.list_judges() == ["m"]
    assert await both(together(), nugen()).list_judges() is None


def test_the_account_is_another_with_another_members_token() -> None:
    other = FakeProvider(name="nugen", account="a3")

    assert both(together(), nugen()).account == both(together(), nugen()).account
    assert both(together(), nugen()).account != both(together(), other).account


def shaped() -> tuple[SeveralProviders, FakeProvider, FakeProvider]:
    judging = FakeProvider(jobs=[classify_job("eval-1")])
    benchmarks = FakeProvider(types=frozenset({"benchmark"}), jobs=[benchmark_job("beval-1")])
    return SeveralProviders("local", ShapedIds(judging, benchmarks)), judging, benchmarks


async def test_two_contracts_of_one_service_are_distinguished_by_the_ids_own_form() -> None:
    several, judging, benchmarks = shaped()
    benchmarks.contents["rows-beval-1"] = b"{}"

    assert (await several.get_evaluation("eval-1")).workflow_id == "eval-1"
    job = await several.get_evaluation("beval-1")
    assert (job.workflow_id, job.parameters["benchmark_id"]) == ("beval-1", "b-1")
    async with several.dataset_content("rows-beval-1") as blocks:
        assert [block async for block in blocks] == [b"{}"]
    names = {several.service_of(each).name for each in ("beval-1", "eval-1")}
    assert names == {several.name} == {"local"}
    await several.create_evaluation(judged("file-1"), "key")
    await several.create_evaluation(BenchmarkRequest(model_id="m", benchmark_id="benchmark-1"))
    assert (len(judging.requests), len(benchmarks.benchmark_requests)) == (1, 1)


async def test_a_benchmark_where_a_data_set_is_due_is_refused_as_what_it_is() -> None:
    several, _, _ = shaped()
    with pytest.raises(InvalidRequestError) as caught:
        await several.create_evaluation(judged("benchmark-1"))

    assert str(caught.value) == snapshot(
        "'benchmark-1' is not a data set, which a classify evaluation needs. Call list_datasets "
        "for a data set of local, or store the rows there with upload_dataset."
    )


async def test_one_service_of_two_contracts_stands_among_others() -> None:
    several, _, _ = shaped()
    outer = SeveralProviders("local and nugen", ServiceIds([several, nugen()], NAMES))
    job = await outer.get_evaluation("local:beval-1")

    assert job.workflow_id == "beval-1"
    assert (job.results or {})["result_file_id"] == "rows-beval-1"
    assert outer.service_of("local:beval-1").name == "local"


def alone(member: FakeProvider, **lacking: str) -> SeveralProviders:
    ids = ServiceIds([member], NAMES)
    missing_key = lacking.get if lacking else None
    advice = partial(advice_for_type, SERVICES, missing_key=missing_key)
    return SeveralProviders(member.name, ids, advice)


async def test_one_service_alone_takes_its_ids_with_and_without_its_name() -> None:
    provider = alone(nugen(jobs=[benchmark_job("beval-1")]))
    for given in ("beval-1", "nugen:beval-1"):
        assert (await provider.get_evaluation(given)).workflow_id == "beval-1"
    assert provider.account == "a2"
    assert provider.service_of("nugen:beval-1").name == "nugen"


async def test_an_id_of_a_service_that_is_not_configured_is_refused() -> None:
    with pytest.raises(NotFoundError) as caught:
        await alone(nugen()).get_evaluation("together:eval-1")
    assert str(caught.value) == snapshot(
        "The evaluation id 'together:eval-1' belongs to together, which is not configured here; "
        "nugen is. Call list_evaluations for the existing ids."
    )


async def test_a_user_who_sends_keys_learns_which_one_is_needed() -> None:
    provider = alone(together(), nugen="send your nugen key as X-Key")
    with pytest.raises(UnsupportedError) as caught:
        refuse_unsupported_type("benchmark", provider)
    assert str(caught.value) == snapshot(
        "together does not run benchmark evaluations, only classify, compare, score. For "
        "benchmark: send your nugen key as X-Key."
    )
    with pytest.raises(UnsupportedError, match="This server offers no benchmark"):
        refuse_unsupported_type("benchmark", alone(together(), other="x"))
