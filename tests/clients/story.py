"""The story that every client runs, and what its model must be able to read in the answers.

The model is a script. It knows only the offered tools and the text of the answers that it saw:
every id, code and cursor of a later call is read from an earlier answer.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

RIGHT = ("Lima", "Oslo", "Quito", "Rabat", "Sofia", "Tunis")
WRONG = ("Accra", "Bern", "Cairo", "Dakar")
"""The wrong answers in the order of the rows; each word is in one row only."""
ROWS = [
    *({"expected": city, "answer": f"It is {city}."} for city in RIGHT),
    *({"expected": f"not {city}", "answer": f"It is {city}."} for city in WRONG),
]
HEADLINE = r"60\.0 % of 10 answers pass \(95 % interval 31\.3 to 83\.2 %\)"
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
    """A model cannot continue with what it saw; the message says what was missing."""


@dataclass(frozen=True)
class Tool:
    """A tool as the model is offered it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema."""


class Client(Protocol):
    """A real client with a script as its model."""

    async def tools(self) -> list[Tool]:
        """Return the tools that the model is offered."""
        ...

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """Return what the model sees of the answer, also of an error."""
        ...


@dataclass
class Reader:
    """The script, with what it has read so far."""

    client: Client
    seen: str = ""
    """The last answer."""
    forms: set[str] = field(default_factory=set[str])
    """The parts of an answer that the model saw: text, structured."""
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    """The evaluation to create."""
    evaluation: str = ""
    cursor: str = ""

    async def call(self, tool: str, **arguments: Any) -> None:
        """Call a tool and store the answer."""
        self.seen = await self.client.call(tool, arguments)

    def read(self, pattern: str) -> str:
        """Return the first match in the last answer, or its group.

        Raises:
            UnreadableError: the answer has no match.
        """
        match = re.search(pattern, self.seen)
        if match is None:
            raise UnreadableError(f"no {pattern} in: {self.seen[:1500] or 'nothing'}")
        return match[match.re.groups]

    def expect(self, *words: str) -> None:
        """Check that each of these words is in the last answer.

        Raises:
            UnreadableError: a word is missing.
        """
        for word in words:
            self.read(re.escape(word))


async def tools(reader: Reader) -> None:
    """Check that all tools arrive with a description and an object as parameters."""
    offered = await reader.client.tools()
    if missing := TOOLS - {tool.name for tool in offered}:
        raise UnreadableError(f"tools missing: {sorted(missing)}")
    for tool in offered:
        if not tool.description or tool.parameters.get("type") != "object":
            raise UnreadableError(f"{tool.name} came as {tool}")


async def upload(reader: Reader) -> None:
    """Upload rows; the answer shows the id of the stored rows and their columns."""
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
    """Create with a misspelt column; the refusal names the correct one."""
    await reader.call("create_evaluation", **{**reader.request, "response_column": "answers"})
    reader.expect("response_column", "answers", "Did you mean 'answer'?", "Nothing was started")


async def create(reader: Reader) -> None:
    """Create an evaluation; the answer shows its id."""
    await reader.call("create_evaluation", **reader.request)
    reader.evaluation = reader.read(EVALUATION)
    reader.expect("get_status")


async def wait(reader: Reader) -> None:
    """Wait for the end of the evaluation."""
    await reader.call("get_status", evaluation_id=reader.evaluation, wait_seconds=20)
    reader.expect(reader.evaluation, "completed", "get_evaluation")
    reader.read(HEADLINE)


async def summary(reader: Reader) -> None:
    """Read the summary: the figure with its interval and count, and the next call."""
    await reader.call("get_evaluation", evaluation_id=reader.evaluation)
    reader.read(HEADLINE)
    reader.expect("right", "wrong", "read_results")


async def rows(reader: Reader) -> None:
    """Read the first failing rows, with the cursor of the next page."""
    await reader.call("read_results", evaluation_id=reader.evaluation, show="failing", limit=3)
    reader.expect(*WRONG[:3], "lacks")
    reader.cursor = reader.read(CURSOR)


async def more_rows(reader: Reader) -> None:
    """Read the last failing row with the cursor; the answer says that it is the last."""
    arguments = {"show": "failing", "limit": 3, "cursor": reader.cursor}
    await reader.call("read_results", evaluation_id=reader.evaluation, **arguments)
    reader.expect(WRONG[3], "These are all matching rows")


async def plan(reader: Reader) -> None:
    """Plan an evaluation with a model as the judge: the answer names the calls and the question."""
    judge = {"model": "fixed", "system_template": "Is it {{ expected }}?"}
    reader.request |= {"judge": judge, "labels": ["good", "bad"], "pass_labels": ["good"]}
    await reader.call("create_evaluation", **reader.request, dry_run=True)
    reader.read(r"10 model calls|calls\W{1,4}10\b")
    reader.expect("without dry_run")


async def confirm(reader: Reader) -> None:
    """Create with the confirmation code, without which nothing starts, and wait for the end."""
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
