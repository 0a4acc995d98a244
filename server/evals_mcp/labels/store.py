"""The labels, samples and label columns of one principal in the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread

from evals_mcp.labels.column import LabelColumn, column_of
from evals_mcp.labels.sample import LabelSample, sample_of
from evals_mcp.labels.stored_label import StoredLabel, label_of
from evals_mcp.state.kinds import LABEL_COLUMNS, LABEL_SAMPLES, LABELLED_JUDGES, LABELS
from evals_schemas.digests import value_digest

if TYPE_CHECKING:
    from evals_mcp.state.records import PrincipalRecords

MOST_EARLIER = 5
"""Labels of one labeller on one answer that are kept besides the newest one."""


class LabelStore:
    """What one principal keeps of labels. That of others does not exist here.

    Methods that read or write the state raise `StateError` if it cannot be used, and those that
    write `QuotaError` if the principal's quota does not allow it.
    """

    def __init__(self, records: PrincipalRecords) -> None:
        """Use the records of one principal."""
        self._records = records

    @property
    def principal_id(self) -> str:
        """Whose labels they are; several labellers may share them."""
        return self._records.principal_id

    def now(self) -> str:
        """Return the time as labels have it."""
        return self._records.now().astimezone(UTC).isoformat(timespec="seconds")

    async def add(self, subject: str, label: StoredLabel) -> None:
        """Store a label, which then counts in place of the labeller's earlier one.

        Args:
            subject: what it is about; see `Subjects.of`.
            label: the label.
        """

        def added(stored: Any) -> Any:
            earlier = cast("Mapping[str, list[Any]]", stored or {"labels": []})["labels"]
            return {"labels": [label.stored(), *earlier[:MOST_EARLIER]]}

        name = f"{subject} {value_digest('labeller', label.labeller)}"
        await to_thread.run_sync(self._records.update, LABELS, name, added)

    async def all_of(self, verdicts: str) -> Mapping[str, Sequence[StoredLabel]]:
        """Return the newest label of each labeller, by what they are about.

        Args:
            verdicts: the digest of the possible verdicts; see `Subjects.verdicts`.
        """
        stored = await to_thread.run_sync(self._records.starting_with, LABELS, f"{verdicts} ")
        labels = dict[str, list[StoredLabel]]()
        for name, value in stored.items():
            subject, _, _ = name.rpartition(" ")
            labels.setdefault(subject, []).append(label_of(value["labels"][0]))
        return labels

    async def samples(self, verdicts: str) -> Sequence[LabelSample]:
        """Return the samples of all evaluations with these possible verdicts."""
        stored = await to_thread.run_sync(
            self._records.starting_with, LABEL_SAMPLES, f"{verdicts} "
        )
        return list(map(sample_of, stored.values()))

    async def has_samples(self) -> bool:
        """Return whether the principal has drawn any sample."""
        return bool(await to_thread.run_sync(self._records.starting_with, LABEL_SAMPLES, ""))

    async def first_sample(self, verdicts: str, sample: LabelSample) -> LabelSample:
        """Store a sample unless its evaluation has one of its plan, and return what is stored."""

        def first(stored: Any) -> Any:
            return stored or sample.stored()

        name = f"{verdicts} {sample.id}"
        return sample_of(await to_thread.run_sync(self._records.update, LABEL_SAMPLES, name, first))

    async def close_sample(self, verdicts: str, sample: LabelSample, done: int) -> None:
        """Close a sample after the rows at its beginning that have a label or a skip."""

        def closed(stored: Any) -> Any:
            return replace(sample_of(stored), closed_after=done).stored() if stored else None

        name = f"{verdicts} {sample.id}"
        await to_thread.run_sync(self._records.update, LABEL_SAMPLES, name, closed)

    async def column(self, evaluation: str) -> LabelColumn | None:
        """Return the column that the user has named for an evaluation; None without one."""
        stored = await to_thread.run_sync(self._records.get, LABEL_COLUMNS, evaluation)
        return None if stored is None else column_of(stored)

    async def name_column(self, evaluation: str, column: LabelColumn) -> None:
        """Remember the column that the user has named for an evaluation."""
        await to_thread.run_sync(self._records.put, LABEL_COLUMNS, evaluation, column.stored())

    async def forget_column(self, evaluation: str) -> None:
        """Forget the column of an evaluation."""
        await to_thread.run_sync(self._records.delete, LABEL_COLUMNS, evaluation)

    async def evaluations_by(self, judge: str) -> Mapping[str, int]:
        """Return the evaluations by a judge that people label.

        Args:
            judge: the digest of the judge; see `judge_identity`.

        Returns:
            The account and the own id of each, with the labels that counted when it was last read.
        """
        stored = await to_thread.run_sync(self._records.starting_with, LABELLED_JUDGES, f"{judge} ")
        return {name.removeprefix(f"{judge} "): value["labels"] for name, value in stored.items()}

    async def note_judge(self, judge: str, evaluation: str, labels: int) -> None:
        """Remember that people label an evaluation by a judge, and how many labels count."""
        name = f"{judge} {evaluation}"
        stored = await to_thread.run_sync(self._records.get, LABELLED_JUDGES, name)
        if stored is None or (labels and stored["labels"] != labels):
            value = {"labels": labels}
            await to_thread.run_sync(self._records.put, LABELLED_JUDGES, name, value)

    async def forget_judge(self, judge: str, evaluation: str) -> None:
        """Forget that an evaluation was labelled."""
        name = f"{judge} {evaluation}"
        await to_thread.run_sync(self._records.delete, LABELLED_JUDGES, name)
