"""A folder like a repository with a data file and an evals.toml, and the commands in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.cli import main

XSD = Path(__file__).parent / "xsd"
_xmlschema: Any = import_module("xmlschema")

RULE = """data = "answers.jsonl"
name = "sums"
type = "classify"
labels = ["right", "wrong"]
pass_labels = ["right"]
response_column = "answer"

[judge]
model = "rule/contains"
system_template = "{{expected}}"
"""
"""A file whose judge is a rule."""

MODEL = """data = "answers.jsonl"
name = "quality"
type = "classify"
labels = ["right", "wrong"]
pass_labels = ["right"]
response_column = "answer"

[judge]
model = "scripted"
system_template = "Is it right? {{question}}"

"""
"""A file whose judge is a model; further sections may follow."""


@dataclass
class Repository:
    """A folder, the output of whose commands is captured."""

    folder: Path
    captured: pytest.CaptureFixture[str]

    def write_rows(self, rows: Iterable[Mapping[str, Any]], name: str = "answers.jsonl") -> None:
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write_file(self, text: str, name: str = "evals.toml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def command(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command, and all that it printed."""
        self.captured.readouterr()
        code = main([*arguments])
        printed = self.captured.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out + printed.err

    def results(self, folder: str = "evals-results") -> dict[str, Any]:
        return json.loads((self.folder / folder / "results.json").read_text())

    def check_junit(self, folder: str = "evals-results") -> None:
        """Check the JUnit file against the schemas of Ant's task and of Jenkins' plugin."""
        path = self.folder / folder / "junit.xml"
        for schema in sorted(XSD.glob("*.xsd")):
            _xmlschema.XMLSchema(str(schema)).validate(str(path))


def answers(right: Sequence[bool]) -> list[dict[str, Any]]:
    """A row for each answer, with the expected text."""
    return [
        {
            "id": number,
            "question": f"What is {number} + {number}?",
            "expected": f"sum {2 * number}.",
            "answer": f"The sum {2 * number}." if is_right else "No idea.",
        }
        for number, is_right in enumerate(right)
    ]
