import json
import logging
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import Client

from evals_mcp.errors import NoTokenError, UnavailableError
from evals_mcp.instructions import INSTRUCTIONS
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from evals_mcp.settings.schema import Settings
from evals_mcp.tools.catalog import BY_NAME
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model, Pricing
from evals_schemas.tools.portable_schema import portable_schema
from tests.server.fake_provider import FakeProvider, classify_job, jsonl
from tests.server.serving import MODES, Mode, served, settings, text_of
from tests.server.tokens import tokens

RULE = {"model": "rule/contains", "system_template": "{{expected}}"}


def judged_row(number: int) -> dict[str, Any]:
    """A row with every column as long as in life."""
    return {
        "question": f"Question {number}: " + "what is it about? " * 20,
        "answer": f"Answer {number}: " + "it is about rain. " * 20,
        "label": "good" if number % 3 else "bad",
        "feedback": "The answer does not name the cause. " * 10,
    }


def full_provider() -> FakeProvider:
    """A hundred of everything, with names as long as they are in life."""
    ids = [f"eval-{number:04x}-17636400{number:02d}" for number in range(100)]
    name = "meta-llama/Meta-Llama-3.1-405B-Instruct-Turbo"
    return FakeProvider(
        jobs=[classify_job(job, judge_failures=3) for job in ids],
        files=[
            File(id=f"file-7b8ba57e-8bbf-4fd7-a2ac-06e8e5c0{n:04d}", filename=f"answers-{n}.jsonl")
            for n in range(100)
        ],
        models=[
            Model(
                id=f"{name}-{n}",
                type="chat",
                context_length=131072,
                pricing=Pricing(input=3.5, output=3.5),
            )
            for n in range(100)
        ],
        judges=[f"{name}-{n}" for n in range(50)],
        contents={
            "file-1": jsonl({"answer": "4", "expected": "4"}),
            "file-9": jsonl(*(judged_row(number) for number in range(75))),
        },
    )


EVERY_TOOL: dict[str, dict[str, Any]] = {
    "upload_dataset": {
        "rows": [{f"column {n}": "word " * 500 for n in range(30)} for _ in range(5)]
    },
    "list_datasets": {},
    "list_models": {},
    "create_evaluation": {
        "type": "classify",
        "input_data_file_path": "file-1",
        "judge": RULE,
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
    },
    "get_status": {"evaluation_id": "eval-0000-1763640000"},
    "get_evaluation": {"evaluation_id": "eval-0000-1763640000"},
    "read_results": {"evaluation_id": "eval-0000-1763640000"},
    "export_results": {"evaluation_id": "eval-0000-1763640000"},
    "label_rows": {"evaluation_id": "eval-0000-1763640000"},
    "compare_evaluations": {
        "evaluation_id_a": "eval-0000-1763640000",
        "evaluation_id_b": "eval-0001-1763640001",
    },
    "list_evaluations": {},
    "cancel_evaluation": {"evaluation_id": "eval-0000-1763640000"},
    "delete_data": {"id": "eval-0000-1763640000"},
}


@pytest.mark.parametrize("mode", MODES)
async def test_every_tool_answers_within_its_budget_and_its_output_schema(
    mode: Mode, tmp_path: Path
) -> None:
    async with served(full_provider(), mode, settings(tmp_path)) as server:
        listed = {tool.name: tool for tool in (await server.client.list_tools()).tools}
        assert listed.keys() == EVERY_TOOL.keys()
        for name, arguments in EVERY_TOOL.items():
            result = await server.call(name, **arguments)
            assert not result.is_error, text_of(result)
            schema = listed[name].output_schema
            assert schema is not None
            jsonschema.validate(result.structured_content, schema)
            jsonschema.validate(result.structured_content, portable_schema(BY_NAME[name].returns))
            assert tokens(text_of(result)) <= 2000, name
            assert tokens(result.structured_content) <= 2000, name


@pytest.mark.parametrize("mode", MODES)
async def test_the_next_step_and_every_id_are_in_the_text_too(mode: Mode, tmp_path: Path) -> None:
    async with served(full_provider(), mode, settings(tmp_path)) as server:
        for name, arguments in EVERY_TOOL.items():
            result = await server.call(name, **arguments)
            text, content = text_of(result), result.structured_content
            assert content["next_step"] in text
            for key in ("evaluation_id", "file_id", "next_cursor", "result_file_id", "headline"):
                assert str(content.get(key, "")) in text


async def test_the_tool_list_fits_its_budget() -> None:
    async with served(FakeProvider()) as server:
        listed = (await server.client.list_tools()).tools

    seen = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
        for tool in listed
    ]
    assert sum(map(tokens, seen)) <= 3_800
    whole = [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed]
    assert sum(map(tokens, whole)) <= 9_000, "what clients see that forward output schemas"
    assert tokens(INSTRUCTIONS) <= 450


async def test_every_tool_states_its_four_annotations_and_its_title() -> None:
    async with served(FakeProvider()) as server:
        listed = (await server.client.list_tools()).tools

    for tool in listed:
        assert tool.title
        assert tool.annotations is not None
        hints = tool.annotations.model_dump(exclude={"title"})
        assert set(hints) == {
            "read_only_hint",
            "destructive_hint",
            "idempotent_hint",
            "open_world_hint",
        }
        assert None not in hints.values(), tool.name


async def test_the_instructions_name_every_step_of_the_workflow() -> None:
    async with served(FakeProvider(), "legacy") as server:
        assert server.client.instructions == INSTRUCTIONS
    for step in ("upload_dataset", "create_evaluation", "get_status", "get_evaluation"):
        assert step in INSTRUCTIONS


@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_tool_is_answered_with_the_tools_there_are(mode: Mode) -> None:
    async with served(FakeProvider(), mode) as server:
        text = await server.refusal("run_evaluation")

    assert all(name in text for name in EVERY_TOOL)


async def test_an_expected_failure_is_its_own_text() -> None:
    provider = FakeProvider(error=UnavailableError("The service is overloaded; try later."))
    async with served(provider) as server:
        text = await server.refusal("list_evaluations")

    assert text == "The service is overloaded; try later."


async def test_a_bug_is_logged_by_place_and_never_by_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider = FakeProvider(error=RuntimeError("row content sk-secret"))
    async with served(provider) as server:
        with caplog.at_level(logging.ERROR):
            text = await server.refusal("list_evaluations")

    assert text.startswith("Internal error, logged as ")
    bug = text.removeprefix("Internal error, logged as ").partition(";")[0]
    assert bug in caplog.text
    assert "RuntimeError" in caplog.text
    assert "list_evaluations" in caplog.text
    assert "sk-secret" not in caplog.text + text


async def test_wait_for_previous_is_dropped() -> None:
    async with served(FakeProvider()) as server:
        answer = await server.answer("list_evaluations", wait_for_previous=True)

    assert answer["evaluations"] == []


async def test_numbers_and_json_in_strings_and_nulls_are_read() -> None:
    provider = full_provider()
    async with served(provider) as server:
        page = await server.answer("list_evaluations", limit="3", status=None, cursor=None)
        await server.answer(
            "create_evaluation",
            type="classify",
            input_data_file_path="file-1",
            judge=json.dumps({**RULE, "num_workers": "4", "max_tokens": None}),
            labels='["good", "bad"]',
            pass_labels='["good"]',
            response_column="answer",
        )

    assert len(page["evaluations"]) == 3
    (request,) = provider.requests
    assert request.parameters.judge.num_workers == 4


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("get_status", {"evaluation_idd": "eval-1"}, "did you mean `evaluation_id`?"),
        ("get_status", {}, "`evaluation_id` is missing"),
        ("get_status", {"evaluation_id": "e", "wait_seconds": 90}, "from 0 to 45, in seconds"),
        ("get_status", {"evaluation_id": "file-1"}, "id of a data set"),
        ("get_status", {"evaluation_id": "../files"}, "is not an id"),
        (
            "list_evaluations",
            {"type": "rank"},
            "one of classify, score, compare, benchmark; got 'rank'",
        ),
        ("list_evaluations", {"status": []}, "got an array of 0"),
        ("list_evaluations", {"status": {"is": "running"}}, "got an object"),
        ("list_evaluations", {"cursor": 5}, "`cursor` must be a string; got 5"),
        ("get_evaluation", {"evaluation_id": ""}, "a string, not empty; got ''"),
        ("list_models", {"limit": "x" * 99}, "got a string of 99 characters"),
        ("list_datasets", {"page": 2}, "the newest data sets are shown"),
        ("list_models", {"filter": "x" * 99, "limit": "many"}, "a whole number from 1 to 200"),
    ],
)
async def test_a_wrong_argument_is_refused_by_name(
    tool: str, arguments: dict[str, Any], expected: str
) -> None:
    async with served(FakeProvider()) as server:
        text = await server.refusal(tool, **arguments)

    assert expected in text
    assert len(text) < 500


async def test_bad_arguments_are_refused_before_the_provider_is_opened() -> None:
    def never(_: Settings) -> Any:
        raise AssertionError("opened")

    server = build_server("0.0", lambda: open_services(settings(), never))
    with anyio.fail_after(60):
        async with Client(server) as client:
            result = await client.call_tool("get_status", {})

    assert "evaluation_id" in text_of(result)


@pytest.mark.parametrize("mode", MODES)
async def test_a_missing_token_is_told_by_the_first_call_and_not_before(mode: Mode) -> None:
    configured = settings(server={"provider": "together"})
    server = build_server("0.0", lambda: open_services(configured))
    with anyio.fail_after(60):
        async with Client(server, mode=mode) as client:
            assert (await client.list_tools()).tools
            results = [await client.call_tool("list_datasets", {}) for _ in range(2)]

    for result in results:
        assert result.is_error
        for name in ("TOGETHER_API_KEY", "[together]", "token_env", "local"):
            assert name in text_of(result)


async def test_a_provider_that_could_not_open_is_tried_again_by_the_next_call() -> None:
    tries = 0

    def failing(_: Settings) -> Any:
        nonlocal tries
        tries += 1
        raise NoTokenError("no token")

    server = build_server("0.0", lambda: open_services(settings(), failing))
    with anyio.fail_after(60):
        async with Client(server) as client:
            for _ in range(2):
                await client.call_tool("list_datasets", {})

    assert tries == 2


async def test_calls_at_the_same_time_open_the_provider_once() -> None:
    provider = full_provider()
    async with served(provider) as server, anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(server.answer, "list_datasets")
