"""The check of the structure: where a literal counts as the name of an evaluation type."""

from __future__ import annotations

import ast

import pytest

from tests.structure import types_named


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('if job.type == "score": ...', {"score"}),
        ('if str(kind) in {"score", OTHER}: ...', {"score"}),
        ('match job.type:\n  case "benchmark": ...', {"benchmark"}),
        ('sizes = {"score": size, "benchmark": size}', {"score", "benchmark"}),
        ('figures("score", joined)', {"score"}),
        ('created(type="benchmark")', {"benchmark"}),
        ('type: Literal["score"] = Field()', {"score"}),
        ('verb = "compare"', {"compare"}),
        ('row["score"] = record.get("score")', set[str]()),
        ('columns = ("score", "feedback")', set[str]()),
        ('fields = {"score": value, "feedback": text}', set[str]()),
        ('if file.purpose == "benchmark": ...', set[str]()),
    ],
)
def test_a_column_or_a_purpose_is_not_the_name_of_a_type(source: str, names: set[str]) -> None:
    assert types_named(ast.parse(source)) == names
