import base64
import json

import pytest
from tests.server.fake_provider import FakeProvider, classify_job
from tests.server.serving import served

from evals_mcp.tools.calls.cursors import write_cursor
from evals_schemas.evaluation_api.evaluations import EvaluationJob


def provider(number: int = 25) -> FakeProvider:
    return FakeProvider(jobs=[classify_job(f"eval-{n}") for n in range(number)])


async def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    ids: list[str] = []
    async with served(provider()) as server:
        cursor = None
        while True:
            page = await server.answer("list_evaluations", limit=10, cursor=cursor)
            ids += [line["evaluation_id"] for line in page["evaluations"]]
            if (cursor := page.get("next_cursor")) is None:
                break

    assert ids == [f"eval-{n}" for n in range(25)]


async def test_a_new_evaluation_does_not_move_the_next_page() -> None:
    fake = provider()
    async with served(fake) as server:
        page = await server.answer("list_evaluations")
        fake.jobs.insert(0, classify_job("eval-new"))
        following = await server.answer("list_evaluations", cursor=page["next_cursor"])

    assert following["evaluations"][0]["evaluation_id"] == "eval-10"


async def test_the_type_is_filtered_over_everything_the_service_lists() -> None:
    fake = provider()
    fake.jobs.append(EvaluationJob(workflow_id="eval-s", type="score", status="running"))
    async with served(fake) as server:
        page = await server.answer("list_evaluations", type="score")

    assert [line["evaluation_id"] for line in page["evaluations"]] == ["eval-s"]


async def test_it_says_when_the_service_may_have_more_than_it_lists() -> None:
    async with served(provider(120)) as server:
        first = await server.answer("list_evaluations", limit=50)
        last = await server.answer("list_evaluations", limit=50, cursor=first["next_cursor"])

    assert "note" not in first
    assert "100" in last["note"]
    assert "next_cursor" not in last


def other(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        ("%%%", "not one of this server's"),
        (other([1]), "not one of this server's"),
        (write_cursor(["running", None], "eval-1"), "other filters"),
        (write_cursor([None, None], "gone"), "no longer lists"),
        (write_cursor([None, None], ["x"]), "no longer lists"),
    ],
)
async def test_a_cursor_that_leads_nowhere_is_refused(cursor: str, expected: str) -> None:
    async with served(provider()) as server:
        assert expected in await server.refusal("list_evaluations", cursor=cursor)


async def test_no_evaluation_is_an_answer_too() -> None:
    async with served(FakeProvider()) as server:
        assert "create_evaluation" in await server.text("list_evaluations")


async def test_a_failed_evaluation_is_listed_with_the_start_of_its_reason() -> None:
    reason = "12 of 20 rows failed, more than 30%; most often: " + "word " * 100
    job = EvaluationJob(workflow_id="eval-1", status="error", results={"error": reason})
    async with served(FakeProvider(jobs=[job])) as server:
        page = await server.answer("list_evaluations")

    shown = page["evaluations"][0]["error"]
    assert shown.startswith("12 of 20 rows failed, more than 30%; most often: word")
    assert len(shown) <= 80


async def test_a_state_by_another_name_is_answered_with_the_one_that_is_meant() -> None:
    async with served(FakeProvider()) as server:
        text = await server.refusal("list_evaluations", status="cancelled")

    assert "got 'cancelled': did you mean user_error?" in text
