from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider
from tests.server.planning.requests import candidate, completed, stored
from tests.server.serving import served

from evals_mcp.errors import UnsupportedError
from evals_mcp.tools import cancel_evaluation
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.models import Model


@dataclass
class Unstoppable(FakeProvider):
    """Has no cancel, as the vendor's service."""

    stalls: bool = False

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        raise UnsupportedError("local cannot cancel. It goes on, and costs, until it ends.")

    async def list_models(self) -> list[Model]:
        if self.stalls:
            await anyio.sleep_forever()
        return self.models


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a plan take as long as a busy machine needs."""
    monkeypatch.setattr(cancel_evaluation, "PLAN_SECONDS", 300.0)


def unstoppable(stalls: bool = False, **changes: Any) -> Unstoppable:
    job = completed(**changes).model_copy(update={"status": "running", "results": None})
    like = stored()
    return Unstoppable(contents=like.contents, models=like.models, jobs=[job], stalls=stalls)


async def test_where_nothing_can_be_stopped_the_answer_says_what_it_will_cost() -> None:
    async with served(unstoppable()) as server:
        text = await server.refusal("cancel_evaluation", evaluation_id="eval-1")

    assert text == snapshot(
        "local cannot cancel. It goes on, and costs, until it ends. Without a cancel it takes "
        "about $0.05 to $0.44 in all (200 calls)."
    )


async def test_without_a_price_it_says_the_tokens() -> None:
    provider = unstoppable(model_to_evaluate=candidate(model="unpriced-1"))

    async with served(provider) as server:
        text = await server.refusal("cancel_evaluation", evaluation_id="eval-1")

    assert "tokens in all (400 calls)." in text


@pytest.mark.parametrize("parameters", [{}, {"judge": {"model": "x"}}])
async def test_an_evaluation_that_cannot_be_planned_leaves_the_answer_as_it_is(
    parameters: dict[str, Any],
) -> None:
    provider = unstoppable()
    provider.jobs = [provider.jobs[0].model_copy(update={"parameters": parameters})]

    async with served(provider) as server:
        text = await server.refusal("cancel_evaluation", evaluation_id="eval-1")

    assert text == "local cannot cancel. It goes on, and costs, until it ends."


async def test_a_service_that_does_not_answer_holds_the_answer_up_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancel_evaluation, "PLAN_SECONDS", 0.2)

    async with served(unstoppable(stalls=True)) as server:
        text = await server.refusal("cancel_evaluation", evaluation_id="eval-1")

    assert text.endswith("until it ends.")
