"""What a data scientist wants first, over stdio, with a file that keeps all of its columns."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from tests.journeys.conversation import Conversation, conversation

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "support_answers.jsonl"
RULE = {"model": "rule/contains", "system_template": "{{expected}}"}
TOPICS = ("billing", "setup", "power")


class Counted:
    """A conversation whose calls are counted."""

    def __init__(self) -> None:
        self.talk: Conversation | None = None
        self.calls = 0

    async def answer(self, tool: str, **arguments: Any) -> dict[str, Any]:
        assert self.talk
        self.calls += 1
        return await self.talk.answer(tool, **arguments)

    async def judged(self, file_id: str, **changes: Any) -> str:
        """Compare two columns of answers until the end, and return the evaluation's id."""
        created = await self.answer(
            "create_evaluation",
            type="compare",
            input_data_file_path=file_id,
            judge=RULE,
            **({"response_column_a": "answer_v1", "response_column_b": "answer_v2"} | changes),
        )
        assert created["outcome"] == "started", created
        evaluation_id = created["evaluation_id"]
        status = await self.answer("get_status", evaluation_id=evaluation_id, wait_seconds=45)
        assert status["status"] == "completed"
        return evaluation_id


def write_answers(path: Path, second: str) -> None:
    """Write 300 questions with two answers each, of which few question texts differ."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket_id", "topic", "question", "expected", "answer_v1", "answer_v2"])
        for number in range(300):
            topic = TOPICS[number % 3]
            first = "no" if number % 4 else "yes"
            better = second if topic != "power" else "no"
            ticket = [f"T-{number:03}", topic, f"How does {topic} work?"]
            writer.writerow([*ticket, "yes", first, better])


def tickets_in(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["ticket_id"] for row in csv.DictReader(file)]


async def test_the_first_request_of_the_readme_keeps_every_column(tmp_path: Path) -> None:
    (tmp_path / "support_answers.jsonl").write_bytes(EXAMPLE.read_bytes())
    columns = list(json.loads(EXAMPLE.read_text().splitlines()[0]))
    user = Counted()
    async with conversation(tmp_path, tmp_path) as user.talk:
        stored = await user.answer("upload_dataset", path="support_answers.jsonl")
        assert stored["columns"] == columns
        better = await user.judged(stored["file_id"])
        summary = await user.answer("get_evaluation", evaluation_id=better)
        assert summary["summary"]["headline"].startswith("'answer_v2' is better: of 84 pairs")
        assert summary["parameters"]["input_data_file_path"] == stored["file_id"]
        lost = await user.answer("read_results", evaluation_id=better, decision="A", limit=20)
        assert lost["matching"] == 11
        assert set(lost["rows"][0]["columns"]) >= {"id", "question", "topic"}
    assert user.calls == 5


async def test_the_three_goals_of_a_data_scientist_take_few_calls(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers.csv", "yes")
    write_answers(tmp_path / "next_week.csv", "no")
    folders = {"EXPORT__FOLDER": str(tmp_path / "exports")}
    user = Counted()
    async with conversation(tmp_path, tmp_path, **folders) as user.talk:
        stored = await user.answer("upload_dataset", path="answers.csv")
        tried = await user.answer(
            "create_evaluation",
            type="compare",
            input_data_file_path=stored["file_id"],
            judge=RULE,
            response_column_a="answer_v1",
            response_column_b="answer_v2",
            sample=50,
            dry_run=True,
        )
        assert tried["plan"]["rows"] == 50
        assert tried["plan"]["columns_carried"] == ["ticket_id", "topic", "question"]
        assert tried["plan"]["notes"][0].startswith("50 of 300 rows, drawn at random with seed 1")
        now = await user.judged(stored["file_id"])
        results = await user.answer("get_evaluation", evaluation_id=now, by="topic")
        shown = [group["value"] for group in results["by"]["shown"]]
        assert sorted(shown) == sorted(map(repr, TOPICS))
        kept = await user.answer("export_results", evaluation_id=now, format="csv")
        assert tickets_in(Path(kept["path"])) == [f"T-{number:03}" for number in range(300)]
    # A week later another process has neither the file nor its index.
    folders["RESULTS__CACHE_DIR"] = str(tmp_path / "empty")
    async with conversation(tmp_path, tmp_path, **folders) as user.talk:
        stored = await user.answer("upload_dataset", path="next_week.csv")
        later = await user.judged(stored["file_id"])
        changed = await user.answer(
            "compare_evaluations",
            evaluation_id_a=now,
            evaluation_id_b=later,
            key="ticket_id",
            by="topic",
        )
        assert changed["rows"]["pairs"] == 300
        assert changed["flips"]
    assert user.calls <= 12
