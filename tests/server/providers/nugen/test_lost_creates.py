from __future__ import annotations

from typing import Any

import httpx2
import pytest

from evals_mcp.errors import (
    AmbiguousCreateError,
)
from tests.server.nugen_exchanges import (
    CREATE,
    CREATED,
    LIST,
    SECOND,
    Played,
    Route,
    failing,
    html,
    line,
    listing,
    nugen,
    single,
)
from tests.server.scripted_service import answer, json_of

LOST = [
    pytest.param(failing(500), id="500"),
    pytest.param(failing(504), id="504"),
    pytest.param(html(), id="page"),
    pytest.param(answer(b'{"evaluation_id": "eval-n'), id="truncated"),
]


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_create_is_found_in_the_list_and_never_sent_again(
    lost: httpx2.Response,
) -> None:
    others = [
        line("eval-old", created_at="2026-08-20T10:00:00"),
        line("eval-other-model", model_id=SECOND),
        line("eval-other-benchmark", benchmark_id="benchmark-2"),
        line("eval-pair", model_id_2=SECOND),
    ]
    async with nugen(1, {CREATE: lost, LIST: listing(*others, line())}) as (provider, service):
        created = await provider.create_evaluation(single())

    assert (created.workflow_id, created.status) == (CREATED, "pending")
    assert len(service.sent("POST")) == 1


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        pytest.param([], "No such evaluation was found", id="none"),
        pytest.param([line(), line("eval-twin")], "eval-new, eval-twin", id="two"),
        pytest.param([line(created_at=None)], "any of which may be it: eval-new", id="no date"),
        pytest.param(
            [line(created_at="2026-09-01T17:30:01")], "may be it: eval-new", id="another zone"
        ),
    ],
)
async def test_a_lost_create_that_the_list_does_not_settle_is_left_to_the_caller(
    lines: list[dict[str, Any]], part: str
) -> None:
    async with nugen(1, {CREATE: failing(500), LIST: listing(*lines)}) as (provider, service):
        with pytest.raises(AmbiguousCreateError) as caught:
            await provider.create_evaluation(single())

    assert part in str(caught.value)
    assert len(service.sent("POST")) == 1


async def test_a_lost_create_with_an_unreadable_list_stays_unknown() -> None:
    async with nugen(1, {CREATE: failing(500), LIST: html()}) as (provider, _):
        with pytest.raises(AmbiguousCreateError, match="Whether the evaluation was started"):
            await provider.create_evaluation(single())


async def test_an_evaluation_that_was_listed_before_is_not_taken_for_a_lost_one() -> None:
    async with nugen(1, {CREATE: failing(500), LIST: listing(line())}) as (provider, _):
        await provider.list_evaluations()
        with pytest.raises(AmbiguousCreateError, match="No such evaluation was found"):
            await provider.create_evaluation(single())


async def test_the_name_tells_a_lost_evaluation_from_its_repetitions() -> None:
    def page(_: httpx2.Request) -> httpx2.Response:
        name = json_of(service.sent("POST")[0])["evaluation_name"]
        return listing(line("eval-twin", evaluation_name="mine"), line(evaluation_name=name))

    lost: dict[Route, Played] = {("POST", "/api/v3/evaluations/create"): failing(500), LIST: page}
    async with nugen(3, lost) as (provider, service):
        assert (await provider.create_evaluation(single())).workflow_id == CREATED
