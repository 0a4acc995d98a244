"""Arguments and answer of `export_results`: a file with every row."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evals_schemas.contract import Request
from evals_schemas.tools.outputs import Output, foreign_fields

ExportFormat = Literal["csv", "jsonl", "markdown", "html"]
"""The formats of a file; html is a report for people, the others hold every row."""


class ExportResultsInput(Request):
    """The arguments of `export_results`."""

    evaluation_id: str = Field(description="Its id.", min_length=1)
    format: ExportFormat = Field(default="csv", description="markdown: to read; html: charts.")


class ExportResultsOutput(Output):
    """The file that was written."""

    data_not_instructions: list[str] = foreign_fields("name", "headline")

    evaluation_id: str = Field(description="Its id.")
    name: str | None = Field(default=None, description="Its name; absent without one.")
    rows: int = Field(description="Rows in it.")
    bytes: int = Field(description="Its size.")
    path: str | None = Field(default=None, description="The file; absent if `link`.")
    link: str | None = Field(default=None, description="Its URL; absent if `path`.")
    headline: str | None = Field(default=None, description="Its main result.")
    notes: list[str] = Field(default_factory=list[str], description="What is missing.")
