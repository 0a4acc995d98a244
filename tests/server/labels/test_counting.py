"""Labels belong to answers: they count wherever an answer was judged, and in the order drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals_mcp.labels.column import LabelColumn
from evals_mcp.labels.store import LabelStore
from evals_mcp.state.records import State
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import Clock, ToolSession
from evals_schemas.tools.inputs import LabelsAre
from tests.server.fake_provider import jsonl
from tests.server.labels.labelling import (
    ROWS,
    changed,
    drawn_sample,
    gold,
    labels,
    positions,
    say,
)
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider

FILE = jsonl(*ROWS)


async def test_the_unbroken_first_part_of_the_order_counts_with_skips_apart(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        assert await labels(session) is None
        sample = await drawn_sample(session)
        for position in (1, 2, 3, 5):
            await say(session, sample, position, gold(sample.rows[position - 1]))
        counted = await labels(session)
        assert counted is not None
        assert counted.sample is not None
        assert (counted.sample.counted, counted.sample.skipped) == (3, 0)
        assert (counted.sample.plan, counted.sample.seed) == ("random", sample.seed)
        await say(session, sample, 4, None)
        counted = await labels(session)
    assert counted is not None
    assert counted.sample is not None
    assert (counted.sample.counted, counted.sample.skipped, counted.sample.drawn) == (5, 1, 90)
    assert positions(counted) == [1, 2, 3, 5]
    first = next(label for label in counted.labels if label.position == 1)
    assert (first.row, first.value) == (sample.rows[0], gold(sample.rows[0]))
    assert (first.kind, first.source, first.blind, first.seconds) == ("human", "page", True, 4.0)


async def test_a_later_label_replaces_the_labellers_own_and_is_a_second_opinion_to_others(
    tmp_path: Path,
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        sample = await drawn_sample(session)
        await say(session, sample, 1, "good")
        await say(session, sample, 1, "bad")
        await say(session, sample, 1, "good", "Ben")
        counted = await labels(session)
    assert counted is not None
    assert {(label.labeller, label.value) for label in counted.labels} == {
        ("Ana", "bad"),
        ("Ben", "good"),
    }


async def test_labels_serve_every_evaluation_of_the_same_answers_and_none_of_changed_ones(
    tmp_path: Path,
) -> None:
    other_judge = [{**row, "label": "good"} for row in reversed(ROWS)]
    service = provider(job(), job(2), file_1=FILE, file_2=jsonl(*other_judge))
    async with session_of(service, tmp_path) as session:
        sample = await drawn_sample(session)
        for position in range(1, 21):
            await say(session, sample, position, gold(sample.rows[position - 1]))
        counted = await labels(session, "eval-2")
    assert counted is not None
    assert counted.sample is not None
    assert counted.sample.plan == "random"
    assert positions(counted) == list(range(1, 21))
    expected = {91 - sample.rows[n]: gold(sample.rows[n]) for n in range(20)}
    assert {label.row: label.value for label in counted.labels} == expected

    answers = changed(ROWS, *sample.rows[:12])
    service = provider(job(), job(2), file_1=FILE, file_2=jsonl(*answers))
    async with session_of(service, tmp_path / "changed") as session:
        await drawn_sample(session)
        for position in range(1, 21):
            await say(session, sample, position, "good")
        counted = await labels(session, "eval-2")
    assert counted is not None
    assert counted.sample is not None
    assert counted.of_other_answers == 12
    assert positions(counted) == list(range(13, 21))
    assert counted.sample.plan == "chosen", "unchanged answers are no random sample"


async def test_the_halves_of_another_judge_are_no_balanced_sample(tmp_path: Path) -> None:
    service = provider(job(), job(2), file_1=FILE, file_2=FILE)
    async with session_of(service, tmp_path) as session:
        sample = await drawn_sample(session, plan="balanced")
        await say(session, sample, 1, "good")
        here, there = await labels(session), await labels(session, "eval-2")
    assert here is not None
    assert here.sample is not None
    assert there is not None
    assert there.sample is not None
    assert (here.sample.plan, there.sample.plan) == ("balanced", "chosen")
    judged = [ROWS[row - 1]["label"] for row in sample.rows]
    for start in range(0, 60, 10):
        assert sorted(judged[start : start + 10]) == ["bad"] * 5 + ["good"] * 5
    assert judged[:10] != judged[10:20], "the order within a block tells nothing"


async def named(session: ToolSession, labels_are: LabelsAre | None) -> None:
    evaluation = item_of(session.provider, "eval-1").record
    await session.labels.name_column(evaluation, LabelColumn("gold", labels_are))


async def test_a_column_has_labels_as_soon_as_it_is_named(tmp_path: Path) -> None:
    failed = {**ROWS[0], "label": None, "failed_at": "judge"}
    async with session_of(provider(job(), file_1=jsonl(*ROWS, failed)), tmp_path) as session:
        await named(session, "people")
        counted = await labels(session)
        await named(session, "model")
        by_model = await labels(session)
        await named(session, None)
        undeclared = await labels(session)
    assert counted is not None
    assert counted.sample is not None
    assert (counted.sample.plan, counted.column, counted.origin_unknown) == ("all", "gold", False)
    assert {label.row: label.value for label in counted.labels} == {
        n: gold(n) for n in range(1, 91)
    }
    assert by_model is not None
    assert undeclared is not None
    assert {label.kind for label in by_model.labels} == {"model"}
    assert {label.kind for label in undeclared.labels} == {"unknown"}


async def test_a_partial_column_is_a_random_sample_only_if_the_user_says_so(
    tmp_path: Path,
) -> None:
    rows = [{**row, "gold": row["gold"] if n < 40 else None} for n, row in enumerate(ROWS)]
    async with session_of(provider(job(), file_1=jsonl(*rows)), tmp_path) as session:
        plans: list[object] = []
        for labels_are in ("people", "people_random_sample", "people_chosen"):
            await named(session, labels_are)
            counted = await labels(session)
            assert counted is not None
            assert counted.sample is not None
            plans.append((counted.sample.plan, counted.origin_unknown))
    assert plans == [("chosen", True), ("random", False), ("chosen", False)]


async def test_people_count_before_a_model_and_the_others_are_second_opinions(
    tmp_path: Path,
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        sample = await drawn_sample(session)
        for position in (1, 2):
            await say(session, sample, position, "good")
        await named(session, "model")
        counted = await labels(session)
    assert counted is not None
    assert counted.sample is not None
    assert (counted.column, counted.sample.plan, counted.sample.counted) == (None, "random", 2)
    outside = [label for label in counted.labels if label.position is None]
    assert {label.kind for label in outside} == {"model"}
    assert len(outside) == 90


async def test_labels_of_another_principal_do_not_exist(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        sample = await drawn_sample(session)
        await say(session, sample, 1, "good")
        state = State(tmp_path / "state", 10**6, Clock().now)
        other = replace(session, labels=LabelStore(state.of("somebody else")))
        assert await labels(other) is None
        assert (await drawn_sample(other)).rows != sample.rows


async def test_what_is_stored_holds_no_text_of_a_row(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        sample = await drawn_sample(session)
        await say(session, sample, 1, "good")
        state = State(tmp_path / "state", 10**6, Clock().now)
        records = list(state.of(session.labels.principal_id).export())
    assert {record.kind for record in records} == {"labels", "label_samples"}
    assert "How much" not in str(records)
    assert "Reason" not in str(records)
