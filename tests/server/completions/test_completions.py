"""What a client is offered while a person types an argument of a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp_types import PromptReference

from evals_mcp.completions.remembered import OfferedValue, Remembered
from evals_mcp.errors import UnavailableError
from evals_mcp.prompts.catalog import PROMPTS
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model
from tests.server.fake_provider import FakeProvider, classify_job, jsonl
from tests.server.serving import MODES, Mode, Served, served, settings


def provider(error: Exception | None = None) -> FakeProvider:
    return FakeProvider(
        jobs=[classify_job("eval-0b-2"), classify_job("eval-0a-1")],
        files=[File(id="file-1", filename="support.jsonl"), File(id="file-2", filename="tax.csv")],
        contents={"file-1": jsonl({"question": "?", "answer_v1": "4", "answer_v2": "5"})},
        models=[Model(id="rule/contains", type="rule"), Model(id="big", type="chat")],
        error=error,
    )


async def typed(
    server: Served, prompt: str, argument: str, text: str = "", **others: str
) -> list[str]:
    """The values that are offered after a person has typed this text."""
    result = await server.client.complete(
        PromptReference(name=prompt), {"name": argument, "value": text}, others or None
    )
    return result.completion.values


@pytest.mark.parametrize("mode", MODES)
async def test_evaluations_are_offered_by_id_the_newest_first(mode: Mode) -> None:
    async with served(provider(), mode=mode) as server:
        assert await typed(server, "regression_check", "evaluation") == ["eval-0b-2", "eval-0a-1"]
        assert await typed(server, "regression_check", "evaluation", "0A") == ["eval-0a-1"]


async def test_data_sets_are_offered_by_their_names_and_files_of_this_machine_come_first(
    tmp_path: Path,
) -> None:
    for name in ("b.csv", "a.jsonl", "notes.md"):
        (tmp_path / name).touch()
    async with served(provider(), configured=settings(tmp_path)) as server:
        everything = await typed(server, "compare_versions", "file")
        by_name = await typed(server, "compare_versions", "file", "tax")

    assert everything == ["a.jsonl", "b.csv", "file-1", "file-2"]
    assert by_name == ["file-2"]


async def test_columns_are_those_of_the_data_set_that_was_typed_before(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("prompt,old,new\n1,2,3\n")
    async with served(provider(), configured=settings(tmp_path)) as server:
        stored = await typed(server, "compare_versions", "a", "v", file="file-1")
        own = await typed(server, "compare_versions", "b", file="own.csv")
        outside = await typed(server, "compare_versions", "b", file="../own.csv")
        missing = await typed(server, "compare_versions", "b", file="file-77")
        unnamed = await typed(server, "compare_versions", "b")

    assert stored == ["answer_v1", "answer_v2"]
    assert own == ["prompt", "old", "new"]
    assert outside == missing == unnamed == []


async def test_judges_are_models_without_the_rules() -> None:
    async with served(provider()) as server:
        assert await typed(server, "check_judge", "judge") == ["big"]


async def test_nothing_is_offered_for_free_text_and_for_unknown_names() -> None:
    async with served(provider()) as server:
        assert await typed(server, "write_rubric", "goal") == []
        assert await typed(server, "write_rubric", "other") == []
        assert await typed(server, "no_such_prompt", "file") == []


async def test_a_service_that_fails_offers_nothing_and_is_asked_again() -> None:
    failing = provider(UnavailableError("The service does not answer."))
    async with served(failing) as server:
        assert await typed(server, "regression_check", "evaluation") == []
        failing.error = None
        assert await typed(server, "regression_check", "evaluation", "0a") == ["eval-0a-1"]


async def test_a_service_is_asked_once_while_a_person_types() -> None:
    asked = provider()
    async with served(asked) as server:
        await typed(server, "regression_check", "evaluation", "e")
        asked.jobs.clear()
        assert await typed(server, "regression_check", "evaluation", "ev")


async def test_names_that_cannot_be_typed_are_not_offered() -> None:
    hostile = provider()
    hostile.contents["file-1"] = jsonl({"good": 1, "two\nlines": 1, "\u202eevil": 1, "x" * 500: 1})
    async with served(hostile) as server:
        assert await typed(server, "compare_versions", "a", file="file-1") == ["good"]


async def test_at_most_a_hundred_values_are_sent_and_the_rest_is_counted() -> None:
    full = provider()
    full.jobs = [classify_job(f"eval-{number:04x}-1") for number in range(100)]
    full.contents["file-1"] = jsonl({f"column {number}": 1 for number in range(150)})
    async with served(full) as server:
        result = await server.client.complete(
            PromptReference(name="compare_versions"), {"name": "a", "value": ""}, {"file": "file-1"}
        )

    completion = result.completion
    assert (len(completion.values), completion.total, completion.has_more) == (100, 150, True)


def test_a_kept_list_is_of_one_principal_and_ends_after_thirty_seconds() -> None:
    now = [0.0]
    remembered = Remembered(lambda: now[0])
    remembered.keep(("ann", "evaluation"), (OfferedValue("eval-1"),))

    assert remembered.get(("ben", "evaluation")) is None
    assert remembered.get(("ann", "evaluation")) == (OfferedValue("eval-1"),)
    now[0] = 31.0
    assert remembered.get(("ann", "evaluation")) is None


def test_every_list_but_the_256_used_last_is_forgotten() -> None:
    remembered = Remembered(lambda: 0.0)
    for number in range(257):
        remembered.keep(("ann", str(number)), ())

    assert remembered.get(("ann", "0")) is None
    assert remembered.get(("ann", "1")) == ()


def test_what_each_argument_names_is_stated() -> None:
    stated = {
        f"{prompt.name}.{one.name}": one.values
        for prompt in PROMPTS.values()
        for one in prompt.arguments
    }

    assert stated["compare_versions.file"] == "data_set"
    assert [name for name, values in stated.items() if values is None] == [
        "write_rubric.goal",
        "guard_repository.loss",
    ]
