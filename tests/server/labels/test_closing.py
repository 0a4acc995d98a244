"""A person who has had enough closes the sample where the labels are given, in every client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.client import ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from evals_mcp.tools.labelling.label_rows import CLOSE, SKIP
from evals_mcp.tools.labelling.waiting import Hidden
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import ROWS, labels
from tests.server.serving import MODES, Mode, Served, served, settings
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider

ONE = {"evaluation_id": "eval-1"}
SCALE = {"min_score": 0, "max_score": 100, "pass_threshold": 50}


def service() -> FakeProvider:
    return provider(job(), file_1=jsonl(*ROWS))


class User:
    """Answers each question with the next of some answers, then with nothing."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)
        self.forms: list[dict[str, Any]] = []

    async def __call__(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        self.forms.append(dict(params.requested_schema))
        if not self._answers:
            return ElicitResult(action="cancel")
        return ElicitResult(action="accept", content=self._answers.pop(0))


async def shown(server: Served) -> tuple[int, list[str]]:
    """Return how many rows are shown, and what is said of the others."""
    page = await server.answer("read_results", **ONE, show="all", limit=1)
    return page["matching"], page["notes"]


@pytest.mark.parametrize("mode", MODES)
async def test_the_question_of_the_client_offers_to_close_the_sample(
    mode: Mode, tmp_path: Path
) -> None:
    user = User({"label": "good"}, {"label": CLOSE})
    async with served(service(), mode, settings(tmp_path), ask_user=user) as server:
        answer = await server.answer("label_rows", **ONE)
        closed = await shown(server)
        user_again = await server.answer("label_rows", **ONE)

    assert user.forms[0]["properties"]["label"]["enum"] == ["good", "bad", SKIP, CLOSE]
    assert answer["labels"]["labelled"] == 1
    assert answer["labels"]["rows"] == []
    assert answer["next_step"].startswith("The user has closed the sample")
    assert closed == (len(ROWS), [])
    assert user_again["labels"]["rows"], "nothing was labelled, so another row is shown"


@pytest.mark.parametrize("mode", MODES)
async def test_the_next_label_opens_a_closed_sample_again(mode: Mode, tmp_path: Path) -> None:
    user = User({"label": CLOSE}, {"label": "bad"})
    async with served(service(), mode, settings(tmp_path), ask_user=user) as server:
        await server.answer("label_rows", **ONE)
        assert (await shown(server))[1] == []
        await server.answer("label_rows", **ONE)
        rows, notes = await shown(server)
    assert rows == len(ROWS) - 29
    assert "in the question of label_rows or on the page" in notes[0]


async def test_a_number_comes_with_a_box_that_closes_the_sample(tmp_path: Path) -> None:
    parameters = {"judge": {"model": "m", "system_template": "t"}, "model_to_evaluate": "answer"}
    scored = job(kind="score", parameters={**parameters, **SCALE})
    rows = [{"question": "?", "answer": f"{n}", "score": n} for n in range(40)]
    user = User({"label": 7, "close": False}, {"close": True})
    async with served(
        provider(scored, file_1=jsonl(*rows)), configured=settings(tmp_path), ask_user=user
    ) as server:
        answer = await server.answer("label_rows", **ONE)
    assert user.forms[0]["properties"].keys() == {"label", "skip", "close"}
    assert answer["next_step"].startswith("The user has closed the sample")
    assert answer["labels"]["labelled"] == 1


async def test_a_label_with_the_name_of_the_choice_stays_a_label(tmp_path: Path) -> None:
    names = {"labels": [CLOSE, SKIP], "pass_labels": [CLOSE]}
    named = job(parameters={**job().parameters, **names})
    rows = [{"question": f"{n}?", "answer": f"{n}", "label": SKIP} for n in range(40)]
    service = provider(named, file_1=jsonl(*rows))
    user = User({"label": CLOSE}, {"label": SKIP})
    async with served(service, configured=settings(tmp_path), ask_user=user) as server:
        answer = await server.answer("label_rows", **ONE)
    assert answer["labels"]["labelled"] == 2
    assert user.forms[0]["properties"]["label"]["enum"] == [CLOSE, SKIP]
    async with session_of(service, tmp_path) as session:
        counted = await labels(session)
    assert counted is not None
    assert {label.value for label in counted.labels} == {CLOSE, SKIP}


def test_a_user_of_another_machine_is_not_sent_to_a_terminal_of_this_one() -> None:
    (note,) = Hidden(frozenset({1}), "eval-1", in_terminal=False).notes
    assert note.endswith("closes the sample in the question of label_rows or on the page.")
