"""Services that show originals only: evaluations are shown as they were requested."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from evals_mcp.derivations.derived_data import DerivedData
from evals_mcp.errors import OperatorError
from evals_mcp.providers.protocol import ListFailure, Provider
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.files import File

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords

log = logging.getLogger(__name__)


def with_originals(provider: Provider, records: PrincipalRecords) -> tuple[Provider, DerivedData]:
    """Return the services as a principal sees them, and the principal's derived files."""
    derived = DerivedData(provider, records)
    return cast("Provider", ProviderOfOriginals(provider, derived)), derived


class ProviderOfOriginals:
    """Returns evaluations with the ids of originals, and lists no derived files.

    All else is the services' own.
    """

    def __init__(self, provider: Provider, derived: DerivedData) -> None:
        self._provider = provider
        self._derived = derived

    def __getattr__(self, name: str) -> Any:
        """Return what the services have under this name."""
        return getattr(self._provider, name)

    async def list_evaluations(
        self, status: str | None = None, limit: int | None = None
    ) -> list[EvaluationJob]:
        """Return the evaluations; see `Provider`."""
        return await self._shown(await self._provider.list_evaluations(status, limit))

    async def evaluations_with_failures(
        self, status: str | None = None, limit: int | None = None
    ) -> tuple[list[EvaluationJob], list[ListFailure]]:
        """Return the evaluations, and the services that failed; see `Provider`."""
        jobs, failures = await self._provider.evaluations_with_failures(status, limit)
        return await self._shown(jobs), failures

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Return one evaluation; see `Provider`."""
        (job,) = await self._shown([await self._provider.get_evaluation(evaluation_id)])
        return job

    async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Stop an evaluation; see `Provider`."""
        (job,) = await self._shown([await self._provider.cancel_evaluation(evaluation_id)])
        return job

    async def list_datasets(self) -> list[File]:
        """Return the data sets that users know, and benchmarks; see `Provider`."""
        return await self._originals(await self._provider.list_datasets())

    async def datasets_with_failures(self) -> tuple[list[File], list[ListFailure]]:
        """Return the data sets that users know, and the failures; see `Provider`."""
        files, failures = await self._provider.datasets_with_failures()
        return await self._originals(files), failures

    async def _originals(self, files: list[File]) -> list[File]:
        try:
            return await self._derived.originals(files)
        except OperatorError as error:
            log.warning("data sets are listed with the files made from them: %s", error)
            return files

    async def _shown(self, jobs: list[EvaluationJob]) -> list[EvaluationJob]:
        try:
            return await self._derived.shown(jobs)
        except OperatorError as error:
            # Without the state, an evaluation can still be read as its service has it.
            log.warning(
                "evaluations are shown without the data sets they were made from: %s", error
            )
            return jobs
