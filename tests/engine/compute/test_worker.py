"""What a worker answers to its requests; limits are tested with real processes, by the pool."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evals_engine.compute import worker
from evals_engine.compute.frames import read_frame, written_frame
from evals_engine.compute.tasks import TaskError

TEMPLATE = {"source": "Hello {{ name }}", "field": "judge.system_template"}
FACTS = {"columns": ["name"], "pieces": [["name", "Hello "], [None, ""]]}
BROKEN = TEMPLATE | {"source": "{{ name"}
RULE = {"source": "{{ expected }}", "field": "judge.system_template", "rule": "rule/contains"}
NO_LIMIT = 0


def answers_to(*requests: Sequence[Any]) -> list[Any]:
    """Return every frame that a worker writes for some requests."""
    asked, answered = io.BytesIO(b"".join(map(written_frame, requests))), io.BytesIO()
    worker.serve(asked, answered)
    size = answered.tell()
    answered.seek(0)
    frames: list[Any] = []
    while answered.tell() < size:
        frames.append(read_frame(answered))
    return frames


def request(task: str, setup: Any, items: list[Any], *, careful: bool = False) -> list[Any]:
    return ["job", task, setup, careful, NO_LIMIT, items]


def test_a_job_is_set_up_once_and_computes_the_items_of_later_requests() -> None:
    first, second = answers_to(
        request("template", TEMPLATE, [{"name": "A"}, {"name": "B"}]),
        request("template", None, [{"name": "C"}]),
    )
    assert first == [["ok", FACTS], [["ok", "Hello A"], ["ok", "Hello B"]]]
    assert second == [["ok", FACTS], [["ok", "Hello C"]]]


def test_a_careful_request_has_a_frame_for_each_result() -> None:
    frames = answers_to(request("template", TEMPLATE, [{"name": "A"}, {"name": "B"}], careful=True))
    assert frames == [[["ok", FACTS], []], ["ok", "Hello A"], ["ok", "Hello B"]]


def test_a_set_up_that_is_at_fault_is_answered_with_its_error() -> None:
    [[[kind, text], results]] = answers_to(request("template", BROKEN, [{}]))
    assert (kind, results) == ("error", [])
    assert text.startswith("judge.system_template")


def test_a_rule_compares_each_answer_of_a_row() -> None:
    row = {"expected": "yes"}
    [[_, [[kind, agreements]]]] = answers_to(request("rule", RULE, [[row, ["oh yes", "no"]]]))
    assert kind == "ok"
    assert [value for value, _ in agreements] == [1.0, 0.0]


def test_a_file_is_read_and_an_error_of_it_keeps_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\nx\n", "utf-8")
    options: dict[str, Any] = {"max_bytes": 1_000, "columns": None, "text_columns": []}
    item = {"path": str(path), "name": "a.csv", "source_name": "a.csv", "scratch": str(tmp_path)}
    good, bad = (
        item | {"options": options},
        item | {"options": options | {"max_bytes": 1}},
    )
    [[_, [[_, read], [_, refused]]]] = answers_to(request("file", None, [good, bad]))
    assert (read["name"], read["rows"], read["columns"]) == ("a.jsonl", 1, ["a"])
    assert refused["error"] == "DatasetFaultError"


def task_that(compute: Callable[[Any], Any]) -> Callable[[str, Any], tuple[Any, Any]]:
    return lambda _task, _setup: (None, compute)


def raising(error: BaseException) -> Callable[[Any], Any]:
    def compute(_: Any) -> Any:
        raise error

    return compute


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (TaskError("the cell is too long"), ["error", "the cell is too long"]),
        (MemoryError(), ["memory", None]),
    ],
)
def test_an_item_that_fails_is_answered_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, answer: list[Any]
) -> None:
    monkeypatch.setattr(worker, "open_task", task_that(raising(error)))
    assert answers_to(request("any", None, [1, 2])) == [[["ok", None], [answer, answer]]]


def test_a_bug_is_told_by_its_place_and_never_by_a_text_of_the_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "open_task", task_that(raising(KeyError("a secret cell"))))
    [[_, [[kind, frames]]]] = answers_to(request("any", None, [1]))
    assert kind == "bug"
    assert "KeyError" in frames
    assert "secret" not in frames


@pytest.mark.parametrize(("error", "kind"), [(MemoryError(), "memory"), (KeyError("x"), "bug")])
def test_a_set_up_that_fails_is_answered_like_an_item(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def failing(_task: str, _setup: Any) -> Any:
        raise error

    monkeypatch.setattr(worker, "open_task", failing)
    [[facts, results]] = answers_to(request("any", None, [1]))
    assert (facts[0], results) == (kind, [])


def test_a_request_that_is_cut_off_ends_the_worker_without_an_answer() -> None:
    whole = written_frame(request("template", TEMPLATE, []))
    answered = io.BytesIO()
    worker.serve(io.BytesIO(whole[:-1]), answered)
    assert answered.getvalue() == b""


def test_frames_carry_texts_that_utf_8_does_not_allow() -> None:
    [[_, [[_, text]]]] = answers_to(request("template", TEMPLATE, [{"name": "\ud800"}]))
    assert json.dumps(text) == json.dumps("Hello \ud800")
