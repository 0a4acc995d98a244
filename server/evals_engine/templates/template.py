"""Prompts as Jinja2 templates: compiled once and rendered for each row, in worker processes.

A template comes with a request, so it is foreign code: this process never compiles or runs one. If
a template does nothing but put columns between texts, the worker that compiled it says so, and the
texts of a row are joined here. Row values are data; they are never compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evals_engine.compute.jobs import Job, LimitError
from evals_engine.compute.pool import OwnerPool
from evals_engine.compute.tasks import TaskError
from evals_engine.faults import RequestError
from evals_engine.templates.limits import MAX_OUTPUT

_EDGE_BYTES = 1024
"""Bytes of a value other than text; only the size of long texts must be about right."""


class Template:
    """A template of a request, ready to be rendered."""

    def __init__(self, job: Job, field: str, pool: OwnerPool) -> None:
        """Take a job that `open_template` has set up.

        Args:
            job: renders the template.
            field: the request field that holds the template, named in every error.
            pool: runs the job.
        """
        self.field = field
        self.columns = frozenset[str](job.facts["columns"])
        """The columns that the template reads from a row."""
        self._pieces: Sequence[tuple[str | None, str]] | None = job.facts.get("pieces")
        """Texts, each with the column that follows it; None if the template has more than these."""
        self._job = job
        self._pool = pool

    async def render(self, row: Mapping[str, Any]) -> str:
        """Return the text for one row.

        Raises:
            RequestError: a name or an attribute is missing, the sandbox forbids an operation, an
                operation fails, or a limit is reached.
        """
        if (text := self._joined(row)) is not None:
            return text
        named = chosen(row, self.columns)
        try:
            return await self._pool.compute(self._job, named, size_hint(named.values()))
        except TaskError as error:
            raise template_fault(error, self.field) from None

    def _joined(self, row: Mapping[str, Any]) -> str | None:
        """Return the text for one row; None if a worker has to render it."""
        if self._pieces is None:
            return None
        texts, length = list[str](), 0
        for column, text in self._pieces:
            texts.append(text)
            length += len(text)
            if column is not None:
                # Only the worker knows how another value is printed, or what a missing one says.
                if not isinstance(value := row.get(column), str):
                    return None
                texts.append(value)
                length += len(value)
        # Counted before the texts are joined: a long value may stand in a template many times.
        return "".join(texts) if length <= MAX_OUTPUT else None


async def open_template(source: str, field: str, pool: OwnerPool) -> Template:
    """Compile a template in a worker process.

    Args:
        source: the Jinja2 text.
        field: the request field that holds the template, named in every error.
        pool: compiles and renders for the template's owner.

    Raises:
        RequestError: the template is too long or invalid, refers to other templates, uses an
            unknown filter, or reaches a limit while it is compiled.
    """
    try:
        job = await pool.open("template", {"source": source, "field": field})
    except TaskError as error:
        raise template_fault(error, field) from None
    return Template(job, field, pool)


def template_fault(error: TaskError, field: str) -> RequestError:
    """Return the error of a worker as a fault of the request field that holds the template."""
    text = f"{field}: {error}" if isinstance(error, LimitError) else str(error)
    return RequestError(text, field)


def chosen(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """Return the named columns of a row; the others are not sent to a worker."""
    return {column: row[column] for column in columns if column in row}


def size_hint(values: Iterable[Any]) -> int:
    """Return about how many bytes values have as JSON; exact only for long texts."""
    return sum(len(value) if isinstance(value, str) else _EDGE_BYTES for value in values)
