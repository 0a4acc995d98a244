"""What can be refused before the first model call: the request, the data set, its columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from anyio import to_thread

from evals_engine.compute.pool import ComputePool, OwnerPool
from evals_engine.faults import RequestError
from evals_engine.models.access import ModelAccess
from evals_engine.models.request_keys import Keys, missing_key, without_marks
from evals_engine.rows.evaluators import Evaluator, column_problem
from evals_engine.rows.taken_answers import taking_answers
from evals_engine.runs.earlier_answers import answers_file
from evals_engine.runs.evaluation_types import TypedParameters, typed_parameters
from evals_engine.store.database import StorageError
from evals_engine.store.protocols import Records
from evals_engine.store.records import StoredEvaluation, StoredFile
from evals_schemas.datasets.reader import read_rows
from evals_schemas.evaluation_api.evaluations import ANSWERS_FROM
from evals_schemas.sequential.stop_when import CONTINUES


@dataclass(frozen=True)
class Prepared:
    """An evaluation whose rows can be judged."""

    file: StoredFile
    """The data set."""
    evaluator: Evaluator
    answers: str | None
    """The result file with the answers to judge; None if they are not those of another one."""


@dataclass(frozen=True)
class Preparation:
    """Prepares evaluations with the collaborators that all runs of a process share."""

    store: Records
    open_file: Callable[[str], BinaryIO]
    """Opens a file by its id. Raises OSError."""
    models: ModelAccess
    pool: ComputePool

    async def prepare(self, evaluation: StoredEvaluation, keys: Keys) -> Prepared:
        """Check everything that can be refused before the first model call.

        Args:
            evaluation: what is about to run.
            keys: keys of models that came with its request.

        Raises:
            RequestError: the request and the data set cannot work.
            DatasetError: the data set has no rows.
            StorageError: the data set cannot be read at the moment.
        """
        if field := missing_key(evaluation.parameters, keys):
            raise RequestError(
                f"The key of the external model in {field} is not stored, and the process that had "
                "it has ended. Use a named credential, or create the evaluation again.",
                param=field,
            )
        await self._check_continued(evaluation)
        parameters = stored_parameters(evaluation)
        pool = OwnerPool(self.pool, evaluation.owner)
        evaluator = await parameters.evaluator(self.models, pool, keys)
        file = await to_thread.run_sync(self.store.get_file, evaluation.file_id, evaluation.owner)
        if file is None:
            raise RequestError("The data set was deleted.", param="input_data_file_path")
        columns = await to_thread.run_sync(self._columns, file)
        if problem := column_problem(evaluator, columns):
            raise RequestError(problem, param="input_data_file_path")
        answers = await to_thread.run_sync(answers_file, self.store, evaluation, file.line_count)
        if answers is not None:
            evaluator = taking_answers(evaluator, evaluation.parameters[ANSWERS_FROM])
        return Prepared(file, evaluator, answers)

    async def _check_continued(self, evaluation: StoredEvaluation) -> None:
        """Refuse to go on with rows that were deleted before they could be taken over."""
        earlier_id = evaluation.parameters.get(CONTINUES)
        if earlier_id is None or evaluation.sequential is not None:
            return
        get = self.store.get_evaluation
        if await to_thread.run_sync(get, earlier_id, evaluation.owner) is None:
            raise RequestError(f"{earlier_id}, which is continued here, was deleted.", CONTINUES)

    def with_models(self, models: ModelAccess) -> Preparation:
        """Return the same with another access to the models."""
        return replace(self, models=models)

    def _columns(self, file: StoredFile) -> list[str]:
        try:
            with self.open_file(file.id) as stream:
                return list(next(read_rows(stream, file.kind)))
        except FileNotFoundError:
            raise RequestError(
                "The bytes of the data set are gone from the data directory; upload it again.",
                param="input_data_file_path",
            ) from None
        except OSError as error:
            raise StorageError(f"The data set cannot be read ({error.strerror}).") from error


def stored_parameters(evaluation: StoredEvaluation) -> TypedParameters:
    """Return the parameters of a stored evaluation.

    Raises:
        KeyError: this version has no such type.
        pydantic.ValidationError: this version could not have stored these parameters.
    """
    return typed_parameters(evaluation.type, without_marks(evaluation.parameters))
