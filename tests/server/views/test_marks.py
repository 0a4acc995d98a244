"""People mark verdicts in the page: kept for the answers, counted, and refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.errors import InvalidRequestError, NotFoundError, UnsupportedError
from evals_mcp.marks.store import Marks
from evals_mcp.marks.subjects import subjects_of
from evals_mcp.marks.tickets import TICKET_SECONDS
from evals_mcp.results.statistics.rates import wilson_interval
from evals_mcp.state.records import State
from evals_mcp.tools.calls.session import Clock, ToolSession
from evals_mcp.tools.delete_data import delete_data
from evals_mcp.views.app import mark_row as app
from evals_mcp.views.evaluation import evaluation_page
from evals_mcp.views.marks import MarkCall, mark_row, mark_ticket
from evals_mcp.views.report import comparison_report, evaluation_report
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.app import MarkRowInput
from evals_schemas.tools.inputs import DeleteDataInput
from evals_schemas.tools.page import MarkAnswer
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.views.sessions import session_of
from tests.server.views.test_report import ROWS, data_in, job, provider
from tests.server.views.test_viewer import running, viewing

FILE = jsonl(*ROWS)


async def mark(session: ToolSession, row: int, opinion: str | None, **more: Any) -> MarkAnswer:
    call = {"evaluation_id": "eval-1", "row": row, "opinion": opinion, **more}
    return await mark_row(session, MarkCall.model_validate(call), "page")


async def refusal(session: ToolSession, row: int, opinion: str | None, **more: Any) -> str:
    with pytest.raises((InvalidRequestError, NotFoundError, UnsupportedError)) as refused:
        await mark(session, row, opinion, **more)
    return str(refused.value)


async def test_a_mark_stands_at_its_row_after_a_reload_until_it_is_taken_back(
    tmp_path: Path,
) -> None:
    service = provider(job(), file_1=FILE)
    async with viewing(service, tmp_path) as client:
        one: dict[str, Any] = {"evaluation_id": "eval-1", "row": 1}
        stored = await client.answer("mark", **one, opinion="wrong")
        assert stored["mark"]["should_be"] == "good", "of two labels the other one is meant"
        assert (stored["marks"]["wrong"], stored["marks"]["right"]) == (1, 0)
    async with viewing(service, tmp_path) as client:
        page = await client.answer("evaluation", evaluation_id="eval-1")
        rows = await client.answer("rows", evaluation_id="eval-1")
        assert page["marks"]["wrong"] == 1
        assert rows["rows"][0]["mark"] == stored["mark"]
        assert "mark" not in rows["rows"][1]
        back = await client.answer("mark", **one, opinion=None)
        assert "mark" not in back
        assert back["marks"]["sentences"] == []
        rows = await client.answer("rows", evaluation_id="eval-1")
        assert "mark" not in rows["rows"][0]


async def test_bad_marks_are_refused_with_a_sentence(tmp_path: Path) -> None:
    service = provider(job(), running(), job(4, results=None), file_1=FILE)
    hostile = "<img src=x>\n'; mark all right [a](http://evil.example)\u202e" * 20
    async with session_of(service, tmp_path) as session:
        said = [
            (await refusal(session, 31, "right"), "eval-1 has no row 31; its rows are 1 to 30."),
            (await refusal(session, 0, "right"), "has no row 0"),
            (await refusal(session, 10**30, "right"), "has no row 1000"),
            (await refusal(session, 1, "right", should_be="good"), "Leave it out."),
            (await refusal(session, 1, "wrong", should_be="bad"), "is 'bad' already"),
            (await refusal(session, 1, "wrong", should_be=hostile), "verdicts are 'good', 'bad'."),
            (await refusal(session, 1, "wrong", should_be=7.0), "`should_be` 7 is no verdict"),
            (await refusal(session, 1, "wrong", should_be="\ud800"), "is no verdict"),
            (await refusal(session, 1, "right", sample_seed=3), "not in the sample with the seed"),
            (await refusal(session, 1, "right", evaluation_id="eval-3"), "eval-3 is running"),
            (
                await refusal(session, 1, "right", evaluation_id="eval-9"),
                "no evaluation of that id",
            ),
            (await refusal(session, 1, "right", evaluation_id="eval-4"), "result file"),
        ]
        for sentence, part in said:
            assert part in sentence
            assert len(sentence) < 400
            assert "<img" not in sentence
            assert "\u202e" not in sentence
        page = await evaluation_page(session, "eval-1")
    assert page.marks is not None
    assert page.marks.sentences == []
    async with session_of(service, tmp_path, server={"provider": "local", "read_only": True}) as s:
        assert "server.read_only" in await refusal(s, 1, "right")
        page = await evaluation_page(s, "eval-1")
    assert page.marks is not None
    assert not page.marks.may_mark
    assert not any(each.query.sample_rows for each in page.filters)


async def test_a_row_without_a_verdict_cannot_be_marked(tmp_path: Path) -> None:
    failed = {"question": "?", "answer": "a", "label": None, "failed_at": "judge"}
    service = provider(job(), file_1=jsonl(*ROWS, failed))
    async with session_of(service, tmp_path) as session:
        assert "no verdict that could be right or wrong" in await refusal(session, 31, "right")


def numbered(kind: str, rows: Sequence[dict[str, Any]], **parameters: Any) -> FakeProvider:
    made = EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "type": kind,
            "status": "completed",
            "results": {"result_file_id": "file-1"},
            "parameters": {"judge": {"model": "m", "system_template": "t"}, **parameters},
        }
    )
    return provider(made, file_1=jsonl(*rows))


async def test_scores_choices_and_benchmark_answers_are_marked_as_what_they_are(
    tmp_path: Path,
) -> None:
    scores = numbered(
        "score",
        [{"answer": "a", "score": 7.5}],
        model_to_evaluate="answer",
        min_score=0,
        max_score=10,
    )
    async with session_of(scores, tmp_path / "score") as session:
        assert "Give a number from 0 to 10." in await refusal(session, 1, "wrong", should_be=11.0)
        assert "Give a number" in await refusal(session, 1, "wrong", should_be="7")
        assert "Give a number" in await refusal(session, 1, "wrong", should_be=float("nan"))
        assert "is 7.5 already" in await refusal(session, 1, "wrong", should_be=7.5)
        answer = await mark(session, 1, "wrong", should_be=4)
        assert answer.mark is not None
        assert answer.mark.should_be == 4
        assert (answer.marks.low, answer.marks.high, answer.marks.names) == (0, 10, [])
    pair = {"a": "one", "b": "two", "final_decision": "A"}
    pair |= {"choice_original": "A", "choice_flipped": "A"}
    choices = numbered("compare", [pair], model_a="a", model_b="b")
    async with session_of(choices, tmp_path / "compare") as session:
        assert "'A', 'Tie', 'B'" in await refusal(session, 1, "wrong", should_be="C")
        answer = await mark(session, 1, "wrong")
        assert answer.mark is not None
        assert answer.mark.should_be is None
        answer = await mark(session, 1, "wrong", should_be="Tie")
        assert answer.mark is not None
        assert answer.mark.should_be == "Tie"
    question = {"question": "?", "expected_answer": "4", "model_answer": "5", "correct": False}
    benchmark = numbered("benchmark", [question], model_id="m")
    async with session_of(benchmark, tmp_path / "benchmark") as session:
        answer = await mark(session, 1, "wrong")
        assert answer.mark is not None
        assert answer.mark.should_be == "correct"


async def test_marks_of_a_random_sample_give_an_agreement_with_its_interval(
    tmp_path: Path,
) -> None:
    async with viewing(provider(job(), file_1=FILE), tmp_path) as client:
        page = await client.answer("evaluation", evaluation_id="eval-1")
        (offered,) = [each for each in page["filters"] if "sample_rows" in each["query"]]
        assert (offered["name"], offered["count"]) == ("20 at random", 20)
        shown = await client.answer("rows", evaluation_id="eval-1", query=offered["query"])
        seed, numbers = shown["sample_seed"], [row["row"] for row in shown["rows"]]
        assert (shown["matching"], len(set(numbers)), "next_cursor" in shown) == (20, 20, False)
        assert numbers != sorted(numbers)
        one: dict[str, Any] = {"evaluation_id": "eval-1", "sample_seed": seed}
        # The second row alone is no beginning of a random order.
        answer = await client.answer("mark", **one, row=numbers[1], opinion="right")
        assert "sample" not in answer["marks"]
        assert "Marked: 1 right. These rows were chosen" in answer["marks"]["sentences"][0]
        for place, number in enumerate(numbers):
            opinion = "unsure" if place == 4 else "wrong" if place in {2, 11} else "right"
            answer = await client.answer("mark", **one, row=number, opinion=opinion)
        low, high = (round(100 * end, 1) for end in wilson_interval(17, 19) or ())
        sample = answer["marks"]["sample"]
        assert (sample["right"], sample["wrong"], sample["unsure"]) == (17, 2, 1)
        assert sample["rate"]["percent"] == pytest.approx(100 * 17 / 19, rel=1e-5)
        said, caution = answer["marks"]["sentences"]
        assert said == (
            "17 of 19 verdicts drawn at random are marked right: 89.5 % (95 % interval "
            f"{low} to {high}). 1 more: unsure."
        )
        assert caution.startswith("The verdicts were in view")
        # Every row of it is marked, so it grows, by rows that follow in the same order.
        page = await client.answer("evaluation", evaluation_id="eval-1")
        (offered,) = [each for each in page["filters"] if "sample_rows" in each["query"]]
        assert offered["name"] == "30 at random"
        first = await client.answer("rows", evaluation_id="eval-1", query=offered["query"])
        rest = await client.answer(
            "rows", evaluation_id="eval-1", query=offered["query"], cursor=first["next_cursor"]
        )
        assert [row["row"] for row in first["rows"]] == numbers
        assert len(rest["rows"]) == 10


async def test_a_mark_serves_every_evaluation_of_the_same_answer_and_no_other(
    tmp_path: Path,
) -> None:
    other_judge = [{**row, "label": "good"} for row in reversed(ROWS)]
    changed = [{**row, "answer": f"{row['answer']} Changed."} for row in ROWS]
    labels = {"labels": ["good", "bad", "none"], "model_to_evaluate": "answer"}
    service = provider(
        job(),
        job(2),
        job(3),
        job(4, parameters=labels),
        file_1=FILE,
        file_2=jsonl(*other_judge),
        file_3=jsonl(*changed),
        file_4=FILE,
    )
    async with session_of(service, tmp_path) as session:
        await mark(session, 1, "wrong", should_be="good")
        await mark(session, 2, "right")
        pages = [(await evaluation_page(session, f"eval-{n}")).marks for n in (1, 2, 3, 4)]
        counts = [(page.right, page.wrong) for page in pages if page]
        # In the second one the judge said of both rows what they should be.
        assert counts == [(1, 1), (2, 0), (0, 0), (0, 0)]


async def test_marks_are_nothing_to_another_principal(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        await mark(session, 1, "wrong")
        (stored,) = (await session.marks.all_of(possible_verdicts())).values()
        assert stored.labeller == "local"
        page = await evaluation_page(session, "eval-1")
        other = replace(session, marks=as_principal(session, "somebody else"))
        theirs = await evaluation_page(other, "eval-1")
    assert page.marks is not None
    assert theirs.marks is not None
    assert (page.marks.wrong, theirs.marks.wrong) == (1, 0)


def possible_verdicts() -> str:
    return subjects_of(job()).verdicts


def as_principal(session: ToolSession, principal: str) -> Marks:
    state = State(session.settings.state.folder, 2**26, session.clock.now)

    async def key() -> bytes:
        return bytes(32)

    return Marks(state.of(principal), key)


async def test_a_mark_over_mcp_needs_the_ticket_of_the_page(tmp_path: Path) -> None:
    now = [datetime(2026, 5, 1, tzinfo=UTC)]
    clock = replace(Clock(), now=lambda: now[0])
    async with session_of(provider(job(), job(2), file_1=FILE), tmp_path, clock) as session:

        async def send(ticket: str | None) -> dict[str, Any]:
            said = {"row": 1, "opinion": "right"}
            call = MarkRowInput(evaluation_id="eval-1", mark=said, ticket=ticket)
            return (await app.mark_row(call, session)).data

        ticket = await mark_ticket(session, "eval-1")
        for wrong in (None, "", "x" * 27, ticket[::-1], await mark_ticket(session, "eval-2")):
            with pytest.raises(InvalidRequestError, match="Nothing was stored"):
                await send(wrong)
        answer = await send(ticket)
        assert answer["marks"]["right"] == 1
        (stored,) = (await session.marks.all_of(possible_verdicts())).values()
        assert (stored.source, stored.at) == ("app", "2026-05-01T00:00:00+00:00")
        now[0] += timedelta(seconds=TICKET_SECONDS + 1)
        with pytest.raises(InvalidRequestError, match="expired"):
            await send(ticket)


async def test_deleting_an_evaluation_says_that_its_marks_are_kept(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        plain = await delete_data(DeleteDataInput(id="eval-1"), session)
        await mark(session, 1, "wrong")
        asked = await delete_data(DeleteDataInput(id="eval-1"), session)
    assert "mark" not in plain.what
    assert asked.what.endswith(
        "; kept for other evaluations of the same answers, without any text of a row: what people "
        "said about 1 verdict of it"
    )


async def test_a_report_shows_marks_and_offers_none(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        await mark(session, 4, "unsure")
        data = data_in(await evaluation_report(session, "eval-1"))
    marks = data["evaluation"]["marks"]
    assert (marks["may_mark"], marks["unsure"]) == (False, 1)
    assert data["rows"]["rows"][3]["mark"]["opinion"] == "unsure"
    assert not any("sample_rows" in each["query"] for each in data["evaluation"]["filters"])


async def test_a_mark_stands_at_both_sides_of_a_changed_row_and_says_what_follows_for_each(
    tmp_path: Path,
) -> None:
    other_judge = [{**row, "label": "good"} for row in ROWS]
    service = provider(job(), job(2), file_1=FILE, file_2=jsonl(*other_judge))
    async with session_of(service, tmp_path) as session:
        await mark(session, 4, "wrong")
        report = data_in(await comparison_report(session, "eval-1", "eval-2"))
    async with viewing(service, tmp_path) as client:
        ids = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
        shown = await client.answer("flips", **ids)
    for page in (report["flips"], shown):
        marks = {
            pair["a"]["row"]: [pair[side]["mark"]["opinion"] for side in "ab"]
            for pair in page["pairs"]
            if "mark" in pair["a"] or "mark" in pair["b"]
        }
        assert marks == {4: ["wrong", "right"]}


async def test_a_state_that_cannot_be_read_hides_no_results(tmp_path: Path) -> None:
    async with viewing(provider(job(), file_1=FILE), tmp_path) as client:
        folder = tmp_path / "state"
        folder.mkdir(exist_ok=True)
        (folder / "state.db").write_text("no database")
        page = await client.answer("evaluation", evaluation_id="eval-1")
        rows = await client.answer("rows", evaluation_id="eval-1")
        status, sentence = await client.refusal(
            "mark", evaluation_id="eval-1", row=1, opinion="right"
        )
    assert "marks" not in page
    assert len(rows["rows"]) == 20
    assert (status, "state" in sentence) == (400, True)
