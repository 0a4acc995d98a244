"""Where the answers to judge come from: a column of the row, or a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from evals_engine.compute.pool import OwnerPool
from evals_engine.faults import ModelCallError, RequestError
from evals_engine.models.access import ModelAccess
from evals_engine.models.endpoints import endpoint_for
from evals_engine.rows.candidate import Candidate, open_candidate
from evals_schemas.datasets.cells import cell_text
from evals_schemas.datasets.reader import Row
from evals_schemas.evaluation_api.evaluations import ColumnOrModel
from evals_schemas.evaluation_api.usage import NO_USAGE, Usage
from evals_schemas.reasons import Reason


class GenerationError(Exception):
    """A row has no answer; the message says why."""

    def __init__(
        self, message: str, reason: Reason | None = None, usage: Usage | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        """What is wrong with the candidate's endpoint; None if the endpoint is not at fault."""
        self.usage = usage or NO_USAGE
        """The tokens that were used all the same."""


@dataclass(frozen=True)
class Answer:
    """A text to judge."""

    text: str
    prompt: str | None
    """The prompt of the candidate; None for a ready answer."""
    usage: Usage = NO_USAGE

    @property
    def generated(self) -> bool:
        """Whether a candidate wrote the text."""
        return self.prompt is not None


class AnswerSource(Protocol):
    """Where one answer of a row comes from."""

    @property
    def columns(self) -> frozenset[str]:
        """The data-set columns that the source reads."""
        ...

    async def answer(self, row: Row) -> Answer:
        """Return the answer of one row. Raises GenerationError."""
        ...


@dataclass(frozen=True)
class ReadyAnswers:
    """A column of ready answers."""

    column: str

    @property
    def columns(self) -> frozenset[str]:
        """That column."""
        return frozenset({self.column})

    async def answer(self, row: Row) -> Answer:
        """Return the text of the cell. Raises GenerationError."""
        return Answer(self.text(row), None)

    def text(self, row: Row) -> str:
        """Return the cell: a text unchanged, anything else as JSON. Raises GenerationError."""
        value = row[self.column]
        if value is None:
            raise GenerationError(f"column {self.column} is null")
        return cell_text(value)


@dataclass(frozen=True)
class GeneratedAnswers:
    """A candidate that writes the answers."""

    candidate: Candidate

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the candidate's templates."""
        return self.candidate.columns

    async def answer(self, row: Row) -> Answer:
        """Return the candidate's answer. Raises GenerationError."""
        try:
            prompt = await self.candidate.prompt(row)
            completion = await self.candidate.answer(row, prompt)
        except RequestError as error:
            raise GenerationError(str(error), error.reason) from error
        except ModelCallError as error:
            raise GenerationError(str(error), error.reason, error.usage) from error
        return Answer(completion.text, prompt, completion.usage)


async def answer_source(
    field: str,
    source: ColumnOrModel,
    access: ModelAccess,
    pool: OwnerPool,
    token: SecretStr | None = None,
) -> AnswerSource:
    """Return the source that a request names.

    Args:
        field: the request field that names it, for the wording of errors.
        source: a column or a model.
        access: makes the model's calls.
        pool: renders the model's templates for the owner of the evaluation.
        token: the model's key, if the request brought one.

    Raises:
        RequestError: the model is a rule, has no endpoint, or has an invalid template.
    """
    if isinstance(source, str):
        return ReadyAnswers(source)
    endpoint = endpoint_for(access.config, source, field, token)
    if endpoint is None:
        raise RequestError("A rule judges; it cannot be evaluated.", param=f"{field}.model")
    candidate = await open_candidate(source, endpoint, access, pool, field)
    return GeneratedAnswers(candidate)
