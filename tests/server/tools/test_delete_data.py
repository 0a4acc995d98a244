from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from tests.server.fake_provider import FakeProvider, classify_job
from tests.server.serving import served

from evals_mcp.tools.catalog import BY_NAME
from evals_schemas.evaluation_api.files import File


@dataclass
class Deleting(FakeProvider):
    """A service that can delete."""

    deleted: list[str] = field(default_factory=list[str])

    async def delete_evaluation(self, evaluation_id: str) -> None:
        self.deleted.append(evaluation_id)

    async def delete_dataset(self, file_id: str) -> None:
        self.deleted.append(file_id)


def stored(**changes: object) -> Deleting:
    job = classify_job().model_copy(update=changes)
    return Deleting(jobs=[job], files=[File(id="file-1", filename="![x](https://evil)", bytes=9)])


@pytest.mark.parametrize(
    ("data_id", "what"),
    [
        ("file-1", "data set '![x] (https: //evil)': 9 bytes"),
        ("eval-1", "classify evaluation with its result file"),
    ],
)
async def test_what_goes_is_said_first_and_deleted_once_the_user_agreed(
    data_id: str, what: str
) -> None:
    fake = stored()
    async with served(fake) as server:
        shown = await server.answer("delete_data", id=data_id)
        assert not fake.deleted
        text = await server.text("delete_data", id=data_id, confirm=True)

    assert shown["deleted"] is False
    assert shown["what"] == what
    assert fake.deleted == [data_id]
    assert text.startswith(f"Deleted: {data_id}, ")
    assert text.count(data_id) == 1
    assert "](" not in text


@pytest.mark.parametrize("data_id", ["file-1", "eval-1"])
async def test_what_an_unfinished_evaluation_needs_is_not_deleted(data_id: str) -> None:
    fake = stored(status="running", parameters={"input_data_file_path": "file-1"})
    async with served(fake) as server:
        refusal = await server.refusal("delete_data", id=data_id, confirm=True)

    assert not fake.deleted
    assert "cancel_evaluation" in refusal
    assert "Nothing was deleted" in refusal


@pytest.mark.parametrize("data_id", ["file-9", "eval-9"])
async def test_an_unknown_id_deletes_nothing(data_id: str) -> None:
    fake = stored()
    async with served(fake) as server:
        refusal = await server.refusal("delete_data", id=data_id, confirm=True)

    assert not fake.deleted
    assert "list_" in refusal


async def test_a_service_that_cannot_delete_says_so() -> None:
    fake = FakeProvider(jobs=[classify_job()])
    async with served(fake) as server:
        refusal = await server.refusal("delete_data", id="eval-1", confirm=True)

    assert "cannot delete" in refusal


def test_hosts_are_told_that_the_tool_destroys() -> None:
    annotations = BY_NAME["delete_data"].tool.annotations

    assert annotations is not None
    assert annotations.destructive_hint
    assert not annotations.read_only_hint
