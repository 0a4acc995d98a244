"""A column of labels is named once, asked about once, and remembered with its evaluation."""

from __future__ import annotations

from pathlib import Path

from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import ROWS, labels
from tests.server.serving import served, settings
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider
from tests.server.views.test_viewer import running

ONE = {"evaluation_id": "eval-1"}


def service() -> FakeProvider:
    partial = [{**row, "part": row["gold"] if n < 40 else " "} for n, row in enumerate(ROWS)]
    partial[0]["part"], partial[1]["part"] = "perhaps", " Good "
    return provider(job(), running(), file_1=jsonl(*partial))


async def test_who_gave_the_labels_is_asked_once_and_kept(tmp_path: Path) -> None:
    async with served(service(), configured=settings(tmp_path)) as server:
        first = await server.answer("get_evaluation", **ONE, human_column="gold")
        assert first["next_step"].startswith("Ask the user who gave the labels in 'gold', then")
        said = await server.answer("get_evaluation", **ONE, labels_are="people")
        assert said["next_step"].startswith("Report the headline")
        later = await server.answer("get_evaluation", **ONE, human_column="gold")
        assert "Ask the user" not in later["next_step"]
    async with session_of(service(), tmp_path) as session:
        counted = await labels(session)
    assert counted is not None
    assert {label.kind for label in counted.labels} == {"human"}
    async with served(service(), configured=settings(tmp_path)) as server:
        await server.answer("get_evaluation", **ONE, labels_are="no_labels")
    async with session_of(service(), tmp_path) as session:
        assert await labels(session) is None


async def test_how_the_rows_of_a_partial_column_were_selected_is_asked(tmp_path: Path) -> None:
    call = {**ONE, "human_column": "part", "labels_are": "people"}
    async with served(service(), configured=settings(tmp_path)) as server:
        answer = await server.answer("get_evaluation", **call)
        assert answer["next_step"].startswith(
            "39 of 90 rows have a label in 'part'. Ask the user how these rows were selected"
        )
        assert "Not counted: 1 cell of 'part' without a verdict" in answer["next_step"]
        assert "such as 'perhaps'" in answer["next_step"]
        drawn = await server.answer("get_evaluation", **ONE, labels_are="people_random_sample")
        assert "selected" not in drawn["next_step"]
    async with session_of(service(), tmp_path) as session:
        counted = await labels(session)
    assert counted is not None
    assert counted.sample is not None
    assert (counted.sample.plan, counted.sample.counted) == ("random", 39)
    assert next(label.value for label in counted.labels if label.row == 2) == "good"


async def test_columns_that_cannot_be_labels_are_refused_with_what_fits(tmp_path: Path) -> None:
    async with served(service(), configured=settings(tmp_path)) as server:
        missing = await server.refusal("get_evaluation", **ONE, human_column="glod")
        assert "no input column 'glod'; there is 'gold'" in missing
        verdicts = await server.refusal("get_evaluation", **ONE, human_column="label")
        assert "no input column 'label'" in verdicts
        other = await server.refusal("get_evaluation", **ONE, human_column="question")
        assert "Verdicts are 'good', 'bad'." in other
        alone = await server.refusal("get_evaluation", **ONE, labels_are="people")
        assert "name the column in `human_column`" in alone
        early = await server.refusal("get_evaluation", evaluation_id="eval-3", human_column="gold")
        assert "`human_column` is for ended evaluations" in early
        several = await server.refusal(
            "get_evaluation", evaluation_id="eval-1,eval-3", human_column="gold"
        )
        assert "`human_column` is for one evaluation" in several


async def test_a_judge_that_may_have_read_the_labels_is_named(tmp_path: Path) -> None:
    seen = job(parameters={**job().parameters, "judge": {"system_template": "Is {{ gold }} so?"}})
    async with served(provider(seen, file_1=jsonl(*ROWS)), configured=settings(tmp_path)) as server:
        answer = await server.answer(
            "get_evaluation", **ONE, human_column="gold", labels_are="people"
        )
    assert "the judge may have seen the labels" in answer["next_step"]
