"""People label rows whose verdicts are hidden; models label nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp.client import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from evals_mcp.errors import InvalidRequestError, UnsupportedError
from evals_mcp.labels.labelling import is_swapped
from evals_mcp.labels.sample import SamplePlan
from evals_mcp.tools.labelling.label_rows import SKIP
from evals_mcp.views.app.mark_row import mark_row
from evals_mcp.views.labels import LabelCall, labels_page
from evals_mcp.views.marks import mark_ticket
from evals_schemas.tools.app import MarkRowInput
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import ROWS, labels, positions
from tests.server.serving import served, settings, text_of
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider
from tests.server.views.test_viewer import viewing

FILE = jsonl(*ROWS)
ONE = {"evaluation_id": "eval-1"}
PLANTED = "PLANTED"
"""Stands in whatever the judge said of a row."""


def planted_rows() -> list[dict[str, Any]]:
    return [
        {
            **row,
            "feedback": f"{PLANTED} reason {n}",
            "judge_raw_output": f"{PLANTED} raw {n}",
            "label": f"{PLANTED}-good" if n % 3 else f"{PLANTED}-bad",
        }
        for n, row in enumerate(ROWS)
    ]


def planted() -> FakeProvider:
    """An evaluation whose every verdict and reason has a planted text."""
    names = [f"{PLANTED}-good", f"{PLANTED}-bad"]
    parameters = {**job().parameters, "labels": names, "pass_labels": names[:1]}
    return provider(job(parameters=parameters), file_1=jsonl(*planted_rows()))


def without_keys(labels_page: Mapping[str, Any]) -> str:
    """Return what is shown besides the names of all labels, which every row has alike."""
    return json.dumps({name: part for name, part in labels_page.items() if name != "keys"})


async def test_rows_are_handed_out_without_a_verdict_and_in_a_fixed_order(tmp_path: Path) -> None:
    async with served(planted(), configured=settings(tmp_path)) as server:
        answer = await server.answer("label_rows", **ONE)
        text = text_of(await server.call("label_rows", **ONE))
        again = await server.answer("label_rows", **ONE)
    assert answer == again
    assert PLANTED not in without_keys(answer["labels"])
    assert PLANTED not in text
    assert "  answer (the judged answer): " in text
    (row,) = answer["labels"]["rows"]
    assert row["position"] == 1
    shown = {each["name"]: each["text"] for each in row["texts"]}
    assert shown.keys() == {"question", "gold", "answer"}
    assert "evals-mcp label eval-1" in answer["next_step"]


async def test_the_viewer_and_the_log_have_no_verdict_of_an_unlabelled_row(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    good, bad = (f"{PLANTED}-{name}" for name in ("good", "bad"))
    async with viewing(planted(), tmp_path) as client:
        page = await client.answer("label", **ONE, plan="balanced")
        for position in range(1, 36):
            assert PLANTED not in without_keys(page)
            assert next(row["position"] for row in page["rows"]) == position
            value = None if position == 5 else good if position % 2 else bad
            said = {"position": position, "value": value, "seconds": 1.5}
            page = await client.answer("label", **ONE, plan="balanced", **said)
        ben = await client.answer("label", **ONE, plan="balanced", labeller="Ben")
    assert PLANTED not in without_keys(ben)
    assert (page["labelled"], page["skipped"], page["next_figures"]) == (34, 1, 60)
    assert ben["others"] == {"labeller 1": 34}
    assert PLANTED not in caplog.text


async def test_a_server_that_only_reads_takes_no_labels(tmp_path: Path) -> None:
    read_only = {"provider": "local", "read_only": True}
    async with session_of(planted(), tmp_path, server=read_only) as session:
        with pytest.raises(UnsupportedError, match=r"server\.read_only"):
            await labels_page(session, LabelCall(evaluation_id="eval-1"))


async def test_a_column_of_labels_is_hidden_from_who_labels(tmp_path: Path) -> None:
    async with served(provider(job(), file_1=FILE), configured=settings(tmp_path)) as server:
        await server.answer("get_evaluation", **ONE, human_column="gold", labels_are="people")
        answer = await server.answer("label_rows", **ONE)
    (row,) = answer["labels"]["rows"]
    assert {each["name"] for each in row["texts"]} == {"question", "answer"}


async def test_the_page_labels_with_its_ticket(tmp_path: Path) -> None:
    async with session_of(planted(), tmp_path) as session:
        ticket = await mark_ticket(session, "eval-1")

        async def send(**label: Any) -> dict[str, Any]:
            call = MarkRowInput(evaluation_id="eval-1", label=label, ticket=ticket)
            return (await mark_row(call, session)).data

        page = await send()
        assert [row["position"] for row in page["rows"]] == [1, 2, 3, 4, 5]
        assert [key["keys"] for key in page["keys"]] == ["1", "2"]
        page = await send(position=1, value=f"{PLANTED}-bad", seconds=2.54)
        page = await send(position=2, value=None)
        assert (page["labelled"], page["skipped"]) == (1, 1)
        assert [row["position"] for row in page["rows"]] == [3, 4, 5, 6, 7]
        assert "agree" not in json.dumps(page["sentences"])
        second = await send(labeller="Ben")
        assert next(row["position"] for row in second["rows"]) == 1
        assert second["others"] == {"labeller 1": 1}
        assert PLANTED not in without_keys(second), "labels of others are hidden, too"
        with pytest.raises(InvalidRequestError, match="is no label of this evaluation"):
            await send(position=3, value="perhaps")
        with pytest.raises(InvalidRequestError, match="positions 1 to 90"):
            await send(position=91, value=f"{PLANTED}-bad")
        counted = await labels(session)
    assert counted is not None
    (label,) = counted.labels
    assert (label.value, label.seconds, label.source) == (f"{PLANTED}-bad", 2.5, "app")


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_that_can_ask_asks_its_user(tmp_path: Path, mode: Any) -> None:
    questions: list[str] = []

    async def user(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        questions.append(params.message)
        if len(questions) > 4:
            return ElicitResult(action="cancel")
        value = SKIP if len(questions) == 2 else f"{PLANTED}-good"
        return ElicitResult(action="accept", content={"label": value})

    async with served(planted(), mode, settings(tmp_path), ask_user=user) as server:
        answer = await server.answer("label_rows", **ONE)
        while len(questions) < 5:
            answer = await server.answer("label_rows", **ONE)
    assert (answer["labels"]["labelled"], answer["labels"]["skipped"]) == (3, 1)
    assert "How much is" in questions[0]
    assert "\n\nanswer (the judged answer): " in questions[0]
    assert PLANTED not in "".join(questions)
    async with session_of(planted(), tmp_path) as session:
        counted = await labels(session)
    assert counted is not None
    assert counted.sample is not None
    assert (positions(counted), counted.sample.skipped) == ([1, 3, 4], 1)
    assert {(label.source, label.kind) for label in counted.labels} == {("chat", "human")}


def pairs() -> list[dict[str, Any]]:
    return [
        {"question": f"{n}?", "one": f"left {n}", "two": f"right {n}", "final_decision": "A"}
        for n in range(40)
    ]


async def test_the_random_order_of_two_answers_is_undone_when_a_label_is_stored(
    tmp_path: Path,
) -> None:
    parameters = {"judge": {"model": "m", "system_template": "t"}, "model_a": "one"}
    two = job(kind="compare", parameters={**parameters, "model_b": "two"})
    async with session_of(provider(two, file_1=jsonl(*pairs())), tmp_path) as session:
        ticket = await mark_ticket(session, "eval-1")

        async def send(**label: Any) -> dict[str, Any]:
            call = MarkRowInput(evaluation_id="eval-1", label=label, ticket=ticket)
            return (await mark_row(call, session)).data

        said, firsts = dict[str, Any](), list[str]()
        for position in range(1, 41):
            page = await send(**said)
            assert [key["name"] for key in page["keys"]] == ["first", "second", "tie"]
            texts = {each["role"]: each for each in page["rows"][0]["texts"]}
            assert "one" not in json.dumps(page), "the name of a column tells the answers apart"
            firsts.append(texts["first"]["text"].split()[0])
            # The person always prefers the answer `left`, wherever it is shown.
            value = "first" if firsts[-1] == "left" else "second"
            said = {"position": position, "value": value}
        await send(**said)
        counted = await labels(session)
    assert counted is not None
    assert {label.value for label in counted.labels} == {"A"}
    assert len(counted.labels) == 40
    assert 8 <= firsts.count("left") <= 32
    seed = counted.sample.seed if counted.sample else None
    assert seed is not None
    by_position = sorted(counted.labels, key=lambda label: label.position or 0)
    expected = ["right" if is_swapped(seed, label.row) else "left" for label in by_position]
    assert firsts == expected


@pytest.mark.parametrize("plan", ["random", "balanced"])
async def test_a_score_is_a_number_of_its_scale(tmp_path: Path, plan: SamplePlan) -> None:
    parameters = {"judge": {"model": "m", "system_template": "t"}, "model_to_evaluate": "answer"}
    scale = {"min_score": 1, "max_score": 5, "pass_threshold": 3}
    rows = [{"question": "?", "answer": f"{n}", "score": 1 + n % 5} for n in range(40)]
    scored = job(kind="score", parameters={**parameters, **scale})
    async with session_of(provider(scored, file_1=jsonl(*rows)), tmp_path) as session:
        ticket = await mark_ticket(session, "eval-1")

        async def send(**label: Any) -> dict[str, Any]:
            said = {"plan": plan, **label}
            call = MarkRowInput(evaluation_id="eval-1", label=said, ticket=ticket)
            return (await mark_row(call, session)).data

        page = await send(position=1, value=4)
        assert [key["keys"] for key in page["keys"]] == ["1", "2", "3", "4", "5"]
        with pytest.raises(InvalidRequestError, match="Give a number from 1 to 5"):
            await send(position=2, value=6)
        counted = await labels(session)
    assert counted is not None
    assert [label.value for label in counted.labels] == [4.0]


async def test_what_cannot_be_labelled_is_refused_with_the_reason(tmp_path: Path) -> None:
    failed = [{**ROWS[0], "label": None, "failed_at": "judge"}]
    passing = [{**row, "label": "good"} for row in ROWS]
    service = provider(
        job(),
        job(2),
        job(3, status="running", results=None),
        file_1=jsonl(*failed),
        file_2=jsonl(*passing),
    )
    async with served(service, configured=settings(tmp_path)) as server:
        assert "no row of this evaluation has a verdict" in await server.refusal(
            "label_rows", **ONE
        )
        assert "rows that it fails" in await server.refusal(
            "label_rows", evaluation_id="eval-2", plan="balanced"
        )
        assert "eval-3 is running" in await server.refusal("label_rows", evaluation_id="eval-3")
