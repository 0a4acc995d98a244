"""The derived files of one principal: made once, recorded, and found again by their ids."""

from __future__ import annotations

import json
import re
import tempfile
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from evals_mcp.datasets.stored_copy import stored_copy
from evals_mcp.derivations.carried_columns import CarriedColumns
from evals_mcp.derivations.derivation import Derivation, DerivedFile, packed
from evals_mcp.derivations.originals import rows_of, save
from evals_mcp.derivations.requested import (
    FILE_FIELD,
    SENT_FIELD,
    as_requested,
    beside,
    file_of,
)
from evals_mcp.errors import NotFoundError, OperatorError
from evals_mcp.providers.protocol import JudgedRequest, Provider
from evals_mcp.providers.rest.ids import own_id_of
from evals_mcp.state.kinds import DERIVED
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.files import DATASET_PURPOSE, File

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords

_UNPLAIN = re.compile(r"[^\w.-]+", re.ASCII)


@dataclass(frozen=True)
class _WrittenFile:
    """A derived file on this machine's disk."""

    path: Path
    rows: int
    numbers: str | None


class DerivedData:
    """The derived files of one principal at all of its services.

    Every method raises `StateError` if the state cannot be used.
    """

    def __init__(self, provider: Provider, records: PrincipalRecords) -> None:
        """Use the services themselves, which know only derived files, and these records."""
        self._provider = provider
        self._records = records

    async def derived(self, request: JudgedRequest, derivation: Derivation) -> JudgedRequest:
        """Return a request on the derived file of its data set; see `file_for`."""
        file_id = await self.file_for(request.parameters.input_data_file_path, derivation)
        parameters = request.parameters.model_copy(update={FILE_FIELD: file_id})
        return request.model_copy(update={"parameters": parameters})

    async def file_for(self, original: str, derivation: Derivation) -> str:
        """Return the id of the derived file of an original, as the caller would see it.

        The file is made and uploaded unless its service has it.

        Args:
            original: the original's id as the caller sees it.
            derivation: what is sent of it.

        Raises:
            NotFoundError: the original does not exist.
            EvalsMCPError: it cannot be fetched, or the derived file cannot be stored.
        """
        own_id, service = own_id_of(original), self._provider.service_of(original)
        files = await service.list_datasets()
        stored = {file.id for file in files}
        for copy in await self.copies_of(original):
            same = copy.recipe.to_json() == derivation.recipe.to_json()
            if same and copy.file_id in stored:
                return beside(original, copy.file_id)
        with tempfile.TemporaryDirectory(prefix="evals-mcp-") as folder:
            written = await self._write_file(original, derivation, Path(folder))
            name = _file_name(own_id, files, derivation)
            file = await stored_copy(written.path, DATASET_PURPOSE, written.rows, service, name)
            file = file or await service.upload_dataset(written.path, name)
        derived = DerivedFile(file.id, own_id, derivation.recipe, written.numbers)
        record = self._name(service, file.id)
        await to_thread.run_sync(self._records.put, DERIVED, record, derived.to_json())
        return beside(original, file.id)

    async def copies_of(self, original: str) -> list[DerivedFile]:
        """Return the derived files of an original, the newest first."""
        own_id, service = own_id_of(original), self._provider.service_of(original)
        prefix = self._name(service, "")
        records = await to_thread.run_sync(self._records.list, DERIVED)
        return [
            DerivedFile.from_json(record.name.removeprefix(prefix), record.value)
            for record in records
            if record.name.startswith(prefix) and record.value["original"] == own_id
        ]

    async def file_of(self, job: EvaluationJob) -> DerivedFile | None:
        """Return the derived file of an evaluation that `shown` returned; None without one."""
        sent = job.parameters.get(SENT_FIELD)
        return (await self._derived([sent])).get(sent) if isinstance(sent, str) else None

    async def carried_by(self, job: EvaluationJob) -> CarriedColumns | None:
        """Return the columns to join into the results of an evaluation that `shown` returned."""
        derived, original = await self.file_of(job), job.parameters.get(FILE_FIELD)
        if derived is None or not derived.recipe.carried or not isinstance(original, str):
            return None
        return CarriedColumns(derived, original, lambda: self._provider.dataset_content(original))

    async def shown(self, jobs: Sequence[EvaluationJob]) -> list[EvaluationJob]:
        """Return the evaluations as they were requested: with the ids of the originals."""
        ids = [file_of(job) for job in jobs]
        derived = await self._derived([file_id for file_id in ids if file_id])
        return [
            as_requested(job, file_id, derived[file_id]) if file_id and file_id in derived else job
            for job, file_id in zip(jobs, ids, strict=True)
        ]

    async def originals(self, files: Sequence[File]) -> list[File]:
        """Return a list of files without those that were derived from another one in it."""
        ids = {file.id for file in files}
        hidden = {
            file_id
            for file_id, derived in (await self._derived(ids)).items()
            if beside(file_id, derived.original) in ids
        }
        return [file for file in files if file.id not in hidden]

    async def stored_files(self) -> list[File]:
        """Return all data sets and benchmarks of the services, with derived files."""
        return await self._provider.list_datasets()

    async def delete_copies(self, original: str) -> None:
        """Delete the derived files of an original.

        The records stay, so that the evaluations on the files are shown as they were requested.

        Raises:
            UnsupportedError: the service cannot delete files.
            EvalsMCPError: a file could not be deleted.
        """
        service = self._provider.service_of(original)
        for copy in await self.copies_of(original):
            with suppress(NotFoundError):
                await service.delete_dataset(copy.file_id)

    async def _derived(self, file_ids: Iterable[str]) -> Mapping[str, DerivedFile]:
        """Return those of some data sets that are derived files, by the ids that callers see."""
        names = {
            self._name(self._provider.service_of(file_id), own_id_of(file_id)): file_id
            for file_id in file_ids
        }
        if not names:
            return {}
        records = await to_thread.run_sync(self._records.some, DERIVED, list(names))
        return {
            names[name]: DerivedFile.from_json(own_id_of(names[name]), value)
            for name, value in records.items()
        }

    @staticmethod
    def _name(service: Provider, own_id: str) -> str:
        return f"{service.account}/{own_id}"

    async def _write_file(
        self, original: str, derivation: Derivation, folder: Path
    ) -> _WrittenFile:
        """Write the derived file."""
        path = folder / "original"
        try:
            async with self._provider.dataset_content(original) as chunks:
                await save(path, chunks)
            return await to_thread.run_sync(_write, path, derivation, folder / "derived.jsonl")
        except OSError as error:
            raise OperatorError(
                f"The rows to send cannot be written ({error.strerror or error}). Ask the "
                "administrator to free space or to set TMPDIR to another folder."
            ) from None


def _write(original: Path, derivation: Derivation, path: Path) -> _WrittenFile:
    """Write the rows to send; blocks."""
    numbers = array("q")
    with path.open("xb") as out:
        for number, row in derivation.chosen(lambda: rows_of(original)):
            numbers.append(number)
            sent = derivation.recipe.row(row)
            text = json.dumps(sent, ensure_ascii=False, separators=(",", ":"))
            out.write(text.encode() + b"\n")
    return _WrittenFile(path, len(numbers), packed(numbers) if derivation.selection else None)


def _file_name(own_id: str, files: Sequence[File], derivation: Derivation) -> str:
    """Return the name of a derived file, which no other derivation of any original has."""
    name = next((file.filename for file in files if file.id == own_id), "rows")
    stem = _UNPLAIN.sub("_", name.rpartition(".")[0] or name)[:60]
    return f"{stem}-{derivation.digest(own_id)[-8:]}-of-{own_id}.jsonl"
