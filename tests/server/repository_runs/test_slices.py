"""`evals-mcp run` with `stop_when` at a service that cannot stop an evaluation."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evals_mcp.errors import OperatorError
from evals_mcp.providers.single_service import RestService
from evals_mcp.repository_runs.judging import Judging
from evals_mcp.repository_runs.slices.parts import (
    PartEvidence,
    parts_of,
    seed_of,
    value_of,
)
from evals_mcp.results.rows import RowVerdict
from evals_mcp.service_spec import Capabilities
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.sequential.evidence import has_value
from evals_schemas.sequential.seeded_order import seeded_order
from evals_schemas.sequential.stop_when import StopWhen
from tests.server.repository_runs.repository import RULE, Repository, answers

STOPPING = "stop_when = { decided = true, target = 50 }\n"


@pytest.fixture(autouse=True)
def _cannot_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded engine stands for a service that cannot stop an evaluation."""

    stated = RestService.capabilities.fget
    assert stated is not None

    def capabilities(provider: RestService) -> Capabilities:
        return replace(stated(provider), stops_early=False)

    monkeypatch.setattr(RestService, "capabilities", property(capabilities))


def test_parts_are_slices_of_the_seeded_order_each_as_large_as_all_before() -> None:
    parts = parts_of(seed_of("dataset1-00ff"), 430)

    assert [len(part.rows) for part in parts] == [50, 50, 100, 200, 30]
    rows = [row for part in parts for row in part.rows]
    assert rows == list(seeded_order(seed_of("dataset1-00ff"), 430).rows)
    assert [len(part.rows) for part in parts_of(1, 20)] == [20]


def test_parts_give_the_evidence_of_the_rows_so_far() -> None:
    parts = parts_of(1, 200)
    evidence = PartEvidence(StopWhen(decided=True), parts, 1, is_difference=True)
    won, lost = RowVerdict("ok", "B"), RowVerdict("ok", "A")

    assert not evidence.add(parts[0], [won] * 27 + [lost] * 22)
    assert evidence.add(parts[1], [won] * 50)

    record = evidence.record(0.25)
    assert record.decision == "b_better"
    assert record.decided_at_row == 100
    assert (record.rows_counted, record.rows_failed, record.rows_not_judged) == (99, 1, 100)
    assert record.counts == {"A": 22, "B": 77, "ties": 0}
    assert record.spent_usd == 0.25


def test_what_a_part_shows_depends_on_no_order_within_it() -> None:
    parts = parts_of(1, 100)
    early = PartEvidence(StopWhen(decided=True), parts, 1, is_difference=True)
    won, lost = RowVerdict("ok", "B"), RowVerdict("ok", "A")

    assert not early.add(parts[0], [won] * 25 + [lost] * 25)


@pytest.mark.parametrize(
    ("verdict", "value", "changed"),
    [
        (RowVerdict("ok", "Tie", original="A", flipped="B"), 0.5, True),
        (RowVerdict("ok", "B", original="B", flipped="B"), 1.0, False),
        (RowVerdict("ok", "A"), 0.0, None),
    ],
)
def test_a_pair_in_both_orders_counts_as_its_winner_or_as_a_tie(
    verdict: RowVerdict, value: float, changed: bool | None
) -> None:
    assert value_of(verdict, is_difference=True) == (value, changed)
    assert not has_value(value_of(RowVerdict("one_order", "A"), is_difference=True)[0])


def test_a_run_stops_after_the_part_that_decides(repository: Repository) -> None:
    repository.write_rows(answers([True] * 180))
    repository.write_file(STOPPING + RULE)

    code, printed = repository.command("run", "evals.toml")

    assert code == 0
    assert "parts of 50, 50, 80" in printed
    (metric,) = repository.results()["metrics"]
    assert metric["headline"].startswith("Decided after 50 of 180 rows: the pass rate is above")
    assert metric["sequential"]["rows_not_judged"] == 130
    assert len(metric["evaluation_ids"]) == 1
    assert metric["figure"]["interval"] is None
    folder = repository.folder / "evals-results"
    assert len((folder / metric["files"]["rows"]).read_text().splitlines()) == 50
    manifest = json.loads((folder / metric["files"]["manifest"]).read_text())
    assert manifest["counts"]["rows"] == 50
    repository.check_junit()


def test_an_undecided_run_judges_all_parts_and_a_second_run_joins_them(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not even a create of a moment ago is recognised: the record of the parts alone is.
    monkeypatch.setenv("EVALS_MCP_BUDGET__REPEAT_SECONDS", "0")
    repository.write_rows(answers([number % 2 == 0 for number in range(120)]))
    repository.write_file(STOPPING + RULE)

    code, printed = repository.command("run", "evals.toml")
    first = repository.results()["metrics"][0]
    again, joined = repository.command("run", "evals.toml")

    assert (code, again) == (0, 0)
    assert printed.count("Judging part") == 3
    assert first["sequential"]["decision"] == "undecided"
    assert first["headline"].startswith("Undecided after all 120 rows: ")
    assert len(first["evaluation_ids"]) == 3
    assert "Judging part" not in joined
    assert repository.results()["metrics"][0]["evaluation_ids"] == first["evaluation_ids"]


def test_a_dry_run_names_the_parts_and_starts_nothing(repository: Repository) -> None:
    repository.write_rows(answers([True] * 60))
    repository.write_file(STOPPING + RULE)

    code, printed = repository.command("run", "evals.toml", "--dry-run")

    assert code == 0
    assert "parts of 50, 10" in printed
    assert "nothing was started" in printed


def test_a_part_that_ends_early_is_judged_again_as_itself(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, ids = Judging.ended, list[str]()

    async def first_fails(judging: Judging, evaluation_id: str) -> EvaluationJob:
        job = await ended(judging, evaluation_id)
        ids.append(evaluation_id)
        return job if len(ids) > 1 else job.model_copy(update={"status": "error"})

    monkeypatch.setattr(Judging, "ended", first_fails)
    repository.write_rows(answers([True] * 70))
    repository.write_file(STOPPING + RULE)

    code, printed = repository.command("run", "evals.toml")

    assert code == 0
    assert printed.count("Judging part 1") == 2
    assert len(set(ids)) == 2
    (metric,) = repository.results()["metrics"]
    assert metric["evaluation_ids"] == ids[1:]
    assert metric["sequential"]["decided_at_row"] == 50


def test_a_part_that_ends_early_twice_ends_the_run_and_says_what_is_kept(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Judging.ended

    async def fails(judging: Judging, evaluation_id: str) -> EvaluationJob:
        job = await ended(judging, evaluation_id)
        return job.model_copy(update={"status": "error"})

    monkeypatch.setattr(Judging, "ended", fails)
    repository.write_rows(answers([True] * 70))
    repository.write_file(STOPPING + RULE)

    code, printed = repository.command("run", "evals.toml")

    assert code == 2
    assert "part 1 (rows 1 to 50 of the random order) ended early 2 times" in printed


def test_a_run_that_is_killed_in_a_part_joins_it_and_pays_it_once(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not even a create of a moment ago is recognised: the record of the parts alone is.
    monkeypatch.setenv("EVALS_MCP_BUDGET__REPEAT_SECONDS", "0")
    ids: list[str] = []

    async def killed(judging: Judging, evaluation_id: str) -> EvaluationJob:
        ids.append(evaluation_id)
        raise OperatorError("the machine is gone")

    repository.write_rows(answers([True] * 70))
    repository.write_file(STOPPING + RULE)

    with monkeypatch.context() as patch:
        patch.setattr(Judging, "ended", killed)
        code, _ = repository.command("run", "evals.toml")
    priced, plan = repository.command("run", "evals.toml", "--dry-run")
    again, printed = repository.command("run", "evals.toml")

    assert (code, priced, again) == (2, 0, 0), printed
    assert "50 rows are those of an earlier run and are joined" in plan
    assert "Judging part" not in printed
    assert repository.results()["metrics"][0]["evaluation_ids"] == ids


def test_a_part_that_failed_is_in_the_plan_of_the_next_run(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ToolSession.evaluation

    async def failed(session: ToolSession, evaluation_id: str) -> EvaluationJob:
        job = await found(session, evaluation_id)
        return job.model_copy(update={"status": "error"})

    repository.write_rows(answers([True] * 70))
    repository.write_file(STOPPING + RULE)
    repository.command("run", "evals.toml")
    _, joined = repository.command("run", "evals.toml", "--dry-run")
    monkeypatch.setattr(ToolSession, "evaluation", failed)
    _, plan = repository.command("run", "evals.toml", "--dry-run")

    assert "are joined" in joined
    assert "are joined" not in plan


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"sample = 20\n{STOPPING}{RULE}", "`sample` and `stop_when` exclude each other"),
        (
            f'{STOPPING}{RULE}\n[[metrics]]\nname = "x"\n[[metrics]]\nname = "y"\n',
            "`metrics` and `stop_when` exclude each other",
        ),
    ],
)
def test_what_cannot_go_in_parts_is_refused(
    repository: Repository, text: str, problem: str
) -> None:
    repository.write_rows(answers([True] * 60))
    repository.write_file(text)

    code, printed = repository.command("run", "evals.toml")

    assert code == 2
    assert problem in printed


def test_a_budget_that_is_spent_ends_the_parts_undecided() -> None:
    parts = parts_of(1, 200)
    evidence = PartEvidence(StopWhen(max_usd=1), parts, 1, is_difference=False)

    assert not evidence.add(parts[0], [RowVerdict("ok", "good", passed=True)] * 50)
    evidence.end_at_the_budget()

    record = evidence.record(0.9)
    assert (record.decision, record.decided_at_row) == ("budget", 50)
    assert record.counts == {"passed": 50, "not_passed": 0}


def test_a_run_with_further_rules_joins_the_parts_that_were_judged(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALS_MCP_BUDGET__REPEAT_SECONDS", "0")
    repository.write_rows(answers([True] * 180))
    repository.write_file(STOPPING + RULE)
    repository.command("run", "evals.toml")
    first = repository.results()["metrics"][0]["evaluation_ids"]
    repository.write_file("stop_when = { width = 4 }\n" + RULE)

    _, plan = repository.command("run", "evals.toml", "--dry-run")
    code, printed = repository.command("run", "evals.toml")

    assert code == 0
    assert "50 rows are those of an earlier run and are joined. Left, at most: 130 rows" in plan
    assert printed.count("Judging part") == 1
    (metric,) = repository.results()["metrics"]
    assert metric["evaluation_ids"][:1] == first
    assert metric["sequential"]["decision"] == "width"
    assert metric["sequential"]["decided_at_row"] == 100


def test_the_parts_that_are_left_are_judged_whatever_they_decide(repository: Repository) -> None:
    repository.write_rows(answers([True] * 180))
    repository.write_file(STOPPING + RULE)
    repository.command("run", "evals.toml")
    (first,) = repository.results()["metrics"][0]["evaluation_ids"]

    code, printed = repository.command("run", "evals.toml", "--continue")
    (metric,) = repository.results()["metrics"]
    again, refused = repository.command("run", "evals.toml", "--continue")

    assert (code, again) == (0, 2)
    assert printed.count("Judging part") == 2
    assert metric["rows"] == 180
    assert metric["evaluation_ids"][0] == first
    record = metric["sequential"]
    assert (record["rows_not_judged"], record["rows_taken_over"]) == (0, 50)
    assert [each["decision"] for each in record["earlier"]] == ["above"]
    assert metric["headline"].startswith("Decided after all 180 rows: the pass rate is above 50 %")
    assert "there is nothing to go on with" in refused


@pytest.mark.parametrize(
    ("option", "problem"),
    [("nowhere/results.json", "cannot be read"), ("evals.toml", "is not a results.json")],
)
def test_what_is_no_stopped_run_is_not_continued(
    repository: Repository, option: str, problem: str
) -> None:
    repository.write_rows(answers([True] * 60))
    repository.write_file(STOPPING + RULE)

    code, printed = repository.command("run", "evals.toml", "--continue", option)

    assert code == 2
    assert problem in printed
    assert not (repository.folder / "evals-results" / "results.json").exists()


def test_a_run_that_judged_all_rows_has_nothing_to_continue(repository: Repository) -> None:
    repository.write_rows(answers([True] * 40))
    repository.write_file(RULE)
    repository.command("run", "evals.toml")

    code, printed = repository.command("run", "evals.toml", "--continue")

    assert code == 2
    assert "is not of a run with `stop_when`" in printed
    assert repository.results()["outcome"] == "completed"
