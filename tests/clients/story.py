"""What is asked of every client, and what its model has to be able to read in it.

The model here is a script. It knows nothing but the tools it was handed and the text of the answers
it saw: every id, code and cursor of a later call is read out of an earlier answer.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

RIGHT = ("Lima", "Oslo", "Quito", "Rabat", "Sofia", "Tunis")
WRONG = ("Accra", "Bern", "Cairo", "Dakar")
"""Every wrong answer, and in this order; a word stands in one row only."""
ROWS = [
    *({"expected": city, "answer": f"It is {city}."} for city in RIGHT),
    *({"expected": f"not {city}", "answer": f"It is {city}."} for city in WRONG),
]
HEADLINE = r"60\.0 % of 10 answers pass \(95 % interval 31\.3-83\.2 %\)"
"""6 of 10 with Wilson's interval."""

TOOLS = {
    "cancel_evaluation",
    "compare_evaluations",
    "create_evaluation",
    "get_evaluation",
    "get_status",
    "list_datasets",
    "list_evaluations",
    "list_models",
    "read_results",
    "upload_dataset",
}
FILE = r"\bfile-[0-9a-f-]{36}\b"
EVALUATION = r"\beval-[0-9a-f]+-\d+\b"
CODE = r"\bconfirm\W{1,5}([\w-]{40,})"
CURSOR = r"\bnext_cursor\W{1,5}([\w-]{16,}=*)"


class UnreadableError(Exception):
    """A model cannot go on with what it saw; the message says what was missing."""


@dataclass(frozen=True)
class Tool:
    """A tool as the model is told of it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema."""


class Client(Protocol):
    """A real client, with the model's part taken by a script."""

    async def tools(self) -> list[Tool]:
        """What the model is offered."""
        ...

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """All that the model sees of the answer, an error's included."""
        ...


@dataclass
class Reader:
    """The script's memory: what it read so far."""

    client: Client
    seen: str = ""
    """The last answer."""
    forms: set[str] = field(default_factory=set[str])
    """Which parts of an answer came through: text, structured."""
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    """The evaluation to create."""
    evaluation: str = ""
    cursor: str = ""

    async def call(self, tool: str, **arguments: Any) -> None:
        """Call a tool and look at the answer."""
        self.seen = await self.client.call(tool, arguments)

    def read(self, pattern: str) -> str:
        """The first match in the last answer, or its group.

        Raises:
            UnreadableError: there is none.
        """
        found = re.search(pattern, self.seen)
        if found is None:
            raise UnreadableError(f"no {pattern} in: {self.seen[:1500] or 'nothing'}")
        return found[found.re.groups]

    def expect(self, *words: str) -> None:
        """Want each of these words in the last answer."""
        for word in words:
            self.read(re.escape(word))


async def tools(reader: Reader) -> None:
    """All tools arrive, described, with an object as their parameters."""
    offered = await reader.client.tools()
    if missing := TOOLS - {tool.name for tool in offered}:
        raise UnreadableError(f"tools missing: {sorted(missing)}")
    for tool in offered:
        if not tool.description or tool.parameters.get("type") != "object":
            raise UnreadableError(f"{tool.name} came as {tool}")


async def upload(reader: Reader) -> None:
    """The id of the stored rows and their columns can be read."""
    await reader.call("upload_dataset", rows=ROWS)
    reader.forms |= {"text"} if "Stored rows.jsonl" in reader.seen else set()
    reader.forms |= {"structured"} if re.search(r'"next_step\W', reader.seen) else set()
    reader.expect("expected", "answer")
    reader.request = {
        "type": "classify",
        "input_data_file_path": reader.read(FILE),
        "judge": {"model": "rule/contains", "system_template": "{{ expected }}"},
        "labels": ["right", "wrong"],
        "pass_labels": ["right"],
        "response_column": "answer",
    }


async def refusal(reader: Reader) -> None:
    """A misspelt column is refused, and the words that correct it are there."""
    await reader.call("create_evaluation", **{**reader.request, "response_column": "answers"})
    reader.expect("response_column", "answers", "Did you mean 'answer'?", "Nothing was started")


async def create(reader: Reader) -> None:
    """The evaluation's id can be read."""
    await reader.call("create_evaluation", **reader.request)
    reader.evaluation = reader.read(EVALUATION)
    reader.expect("get_status")


async def wait(reader: Reader) -> None:
    """The end can be waited for."""
    await reader.call("get_status", evaluation_id=reader.evaluation, wait_seconds=20)
    reader.expect(reader.evaluation, "completed", "get_evaluation")
    reader.read(HEADLINE)


async def summary(reader: Reader) -> None:
    """The figure comes with its interval, its count and the next call."""
    await reader.call("get_evaluation", evaluation_id=reader.evaluation)
    reader.read(HEADLINE)
    reader.expect("right", "wrong", "read_results")


async def rows(reader: Reader) -> None:
    """The first failing rows can be read, with the cursor of the next."""
    await reader.call("read_results", evaluation_id=reader.evaluation, show="failing", limit=3)
    reader.expect(*WRONG[:3], "lacks")
    reader.cursor = reader.read(CURSOR)


async def more_rows(reader: Reader) -> None:
    """The cursor leads to the last failing row, and the answer says so."""
    arguments = {"show": "failing", "limit": 3, "cursor": reader.cursor}
    await reader.call("read_results", evaluation_id=reader.evaluation, **arguments)
    reader.expect(WRONG[3], "That is all of them")


async def plan(reader: Reader) -> None:
    """A dry run tells the calls of a judge that is a model, and that the user is asked first."""
    judge = {"model": "fixed", "system_template": "Is it {{ expected }}?"}
    reader.request |= {"judge": judge, "labels": ["good", "bad"], "pass_labels": ["good"]}
    await reader.call("create_evaluation", **reader.request, dry_run=True)
    reader.read(r"10 model calls|calls\W{1,4}10\b")
    reader.expect("without dry_run")


async def confirm(reader: Reader) -> None:
    """Nothing starts without a code, and with it the evaluation runs to its end."""
    await reader.call("create_evaluation", **reader.request)
    await reader.call("create_evaluation", **reader.request, confirm=reader.read(CODE))
    started = reader.read(EVALUATION)
    await reader.call("get_status", evaluation_id=started, wait_seconds=20)
    reader.expect(started, "completed", "100.0 %")


Step = Callable[[Reader], Awaitable[None]]
STEPS: tuple[Step, ...] = (
    tools,
    upload,
    refusal,
    create,
    wait,
    summary,
    rows,
    more_rows,
    plan,
    confirm,
)
