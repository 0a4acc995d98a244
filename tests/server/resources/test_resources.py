"""What a client lists and reads by address, in both eras of the protocol."""

from __future__ import annotations

import json

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ResourceTemplateReference, TextResourceContents

from evals_mcp.errors import UnavailableError
from evals_mcp.resources.kinds import KINDS
from evals_schemas.evaluation_api.files import File
from evals_schemas.rubrics.table import newest
from tests.server.fake_provider import FakeProvider, classify_job, jsonl
from tests.server.serving import MODES, Mode, Served, served

ROWS = [
    {"question": f"Question {number}", "answer": "no", "label": "bad", "feedback": "It is wrong."}
    for number in range(50)
]


def provider(error: Exception | None = None) -> FakeProvider:
    return FakeProvider(
        jobs=[classify_job(f"eval-{number:04x}-1") for number in range(25)],
        files=[File(id="file-1", filename="support.jsonl", LineCount=2, bytes=90)],
        contents={"file-1": jsonl({"question": "?", "expected": "4"}), "file-9": jsonl(*ROWS)},
        error=error,
    )


async def read(server: Served, address: str) -> TextResourceContents:
    (content,) = (await server.client.read_resource(address)).contents
    assert isinstance(content, TextResourceContents)
    assert content.uri == address
    return content


@pytest.mark.parametrize("mode", MODES)
async def test_the_page_the_rubrics_and_the_newest_evaluations_and_data_sets_are_listed(
    mode: Mode,
) -> None:
    async with served(provider(), mode=mode) as server:
        listed = (await server.client.list_resources()).resources

    addresses = [resource.uri.partition("//")[2] for resource in listed]
    assert addresses[0].startswith("evals-mcp/page-")
    assert addresses[1 : len(newest()) + 1] == [
        f"rubrics/{rubric.name}@{rubric.version}" for rubric in newest()
    ]
    assert addresses[len(newest()) + 1 :] == [
        *(f"evaluations/eval-{number:04x}-1" for number in range(20)),
        "datasets/file-1",
    ]
    assert listed[-1].name == "file-1 support.jsonl"


async def test_every_listed_resource_can_be_read() -> None:
    async with served(provider()) as server:
        for resource in (await server.client.list_resources()).resources:
            (content,) = (await server.client.read_resource(resource.uri)).contents
            assert content.mime_type == resource.mime_type


@pytest.mark.parametrize("mode", MODES)
async def test_an_evaluation_is_the_answer_of_the_tool_as_json_and_as_text(mode: Mode) -> None:
    async with served(provider(), mode=mode) as server:
        as_json = await read(server, "evals://evaluations/eval-0003-1")
        report = await read(server, "evals://evaluations/eval-0003-1/report")
        answer = await server.answer("get_evaluation", evaluation_id="eval-0003-1")
        text = await server.text("get_evaluation", evaluation_id="eval-0003-1")

    assert json.loads(as_json.text) == answer
    assert report.text == text


async def test_failing_rows_are_forty_at_most_and_marked_as_data() -> None:
    async with served(provider()) as server:
        failing = await read(server, "evals://evaluations/eval-0003-1/failing")

    assert failing.text.count("It is wrong.") in range(1, 41)
    assert "data" in failing.text


async def test_a_data_set_names_its_rows_and_columns() -> None:
    async with served(provider()) as server:
        described = json.loads((await read(server, "evals://datasets/file-1")).text)

    assert described == {
        "file_id": "file-1",
        "name": "support.jsonl",
        "rows": 2,
        "bytes": 90,
        "columns": ["question", "expected"],
    }


@pytest.mark.parametrize("name", ["correctness", "correctness@1"])
async def test_a_rubric_is_its_text(name: str) -> None:
    async with served(provider()) as server:
        rubric = await read(server, f"evals://rubrics/{name}")

    assert rubric.text == newest()[0].text()


REFUSED = {
    "evals://evaluations/eval-none": "There is no evaluation of that id; call list_evaluations.",
    "evals://evaluations/file-1": "id of a data set",
    "evals://datasets/file-7": "not a data set of yours",
    "evals://rubrics/beauty": "the rubrics are correctness, faithfulness",
    "evals://evaluations/": "the addresses are evals://evaluations",
    "evals://evaluations/eval-1/other": "the addresses are evals://evaluations",
    "file:///etc/passwd": "the addresses are evals://evaluations",
    "evals://datasets/..%2F..%2Fetc": "not a data set of yours",
}


@pytest.mark.parametrize("address", REFUSED)
async def test_what_cannot_be_read_is_an_error_that_says_what_can(address: str) -> None:
    async with served(provider()) as server:
        with pytest.raises(MCPError) as refused:
            await server.client.read_resource(address)

    assert REFUSED[address] in str(refused.value)
    assert refused.value.code == -32602


async def test_without_a_service_the_page_and_the_rubrics_are_listed_still() -> None:
    async with served(provider(UnavailableError("The service does not answer."))) as server:
        listed = (await server.client.list_resources()).resources

        assert len(listed) == 1 + len(newest())
        with pytest.raises(MCPError, match="The service does not answer"):
            await server.client.read_resource("evals://evaluations/eval-0003-1")


async def test_each_address_has_a_template_and_offers_values_for_its_variable() -> None:
    async with served(provider()) as server:
        templates = (await server.client.list_resource_templates()).resource_templates
        offered = {
            template.uri_template: (
                await server.client.complete(
                    ResourceTemplateReference(uri=template.uri_template),
                    {"name": "any", "value": ""},
                )
            ).completion.values
            for template in templates
        }

    assert list(offered) == [kind.template for kind in KINDS]
    assert all(offered.values())
    assert offered["evals://rubrics/{name}"][0] == "correctness"


@pytest.mark.parametrize("kind", KINDS, ids=[kind.template for kind in KINDS])
def test_an_address_leads_back_to_its_value(kind: object) -> None:
    assert isinstance(kind, type(KINDS[0]))
    for value in ("local:eval-1", "a/b c", "ü{x}"):
        assert kind.value_in(kind.address(value)) == value
