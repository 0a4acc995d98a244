"""What only a person may say is refused at once, with where the person says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.client import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import ROWS, labels
from tests.server.serving import served, settings
from tests.server.tokens import tokens
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider

ONE = {"evaluation_id": "eval-1"}
MOST_TOKENS = 120

LABELS: list[dict[str, Any]] = [
    {"label": "right"},
    {"label": {"position": 1, "value": "good"}},
    {"label": {"position": 1, "value": "good", "ticket": "A" * 27}},
    {"labels": [{"row": 1, "label": "good"}]},
    {"position": 1, "value": "good"},
    {"verdict": "good"},
    {"ticket": "A" * 27},
    {"close": True},
    {"should_be": "good", "plan": "no plan"},
]
"""What a model tries that labels, or closes the sample, in the user's place."""

CALLS_OF_THE_PAGE: list[dict[str, Any]] = [
    {"mark": "right"},
    {"mark": {"row": 1, "opinion": "right"}},
    {"label": "good"},
    {"label": {"position": 1, "value": "good"}},
    {"label": {"close": True}},
    {"row": 1, "opinion": "wrong"},
    {"mark": {"row": 1, "opinion": "right"}, "ticket": ["A" * 27]},
]


def service() -> FakeProvider:
    return provider(job(), file_1=jsonl(*ROWS))


@pytest.mark.parametrize("said", LABELS)
async def test_a_label_of_a_model_is_not_corrected_but_sent_to_a_person(
    said: dict[str, Any], tmp_path: Path
) -> None:
    async with served(service(), configured=settings(tmp_path)) as server:
        refused = await server.refusal("label_rows", **ONE, **said)
    assert refused.startswith("Nothing was labelled: a label is what a person says")
    assert "Correct this" not in refused
    for place in ("page of get_evaluation", "`evals-mcp label ID`", "`evals-mcp view`"):
        assert place in refused
    assert "`labels_are` model" in refused
    assert "client asks" not in refused, "this client cannot ask"
    assert tokens(refused) <= MOST_TOKENS
    async with session_of(service(), tmp_path) as session:
        assert await labels(session) is None


@pytest.mark.parametrize("said", CALLS_OF_THE_PAGE)
async def test_a_model_that_calls_in_place_of_the_page_is_told_so_whatever_it_sends(
    said: dict[str, Any], tmp_path: Path
) -> None:
    async with served(service(), configured=settings(tmp_path)) as server:
        refused = await server.refusal("mark_row", **ONE, **said)
        forged = await server.refusal("mark_row", **ONE, mark={"row": "?"}, ticket="A" * 27)
    assert refused.startswith("Nothing was stored: a mark or a label is what a person says")
    assert "Correct this" not in refused
    assert tokens(refused) <= MOST_TOKENS
    assert forged.startswith("Nothing was stored: `ticket` is not one")


async def test_a_client_that_can_ask_is_told_to_ask(tmp_path: Path) -> None:
    async def nobody(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="cancel")

    async with served(service(), configured=settings(tmp_path), ask_user=nobody) as server:
        refused = await server.refusal("label_rows", **ONE, label="right")
    assert "Call label_rows with no more than `evaluation_id` and `plan`" in refused
    assert tokens(refused) <= MOST_TOKENS


async def test_a_word_that_is_no_label_is_still_corrected(tmp_path: Path) -> None:
    async with served(service(), configured=settings(tmp_path)) as server:
        assert "Correct this" in await server.refusal("label_rows", **ONE, plan="all of them")
        assert (await server.answer("label_rows", **ONE, label=None))["labels"]["labelled"] == 0
