"""The kinds of records that the state holds: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RecordKind:
    """What one kind of record is for, and how long it is useful."""

    name: str
    """Its name in the database; never changes."""
    purpose: str
    """One sentence for the page that says what is kept where."""
    most: int
    """Records of this kind for each principal; beyond it, the ones written longest ago go first."""
    seconds: float | None = None
    """Seconds after its last write in which a record counts; None if it never expires."""


STARTED = RecordKind(
    "started",
    "evaluations that were started, by the digest of their request, so that an identical create "
    "is recognised",
    most=1_000,
    seconds=86_400.0,
)
UNSETTLED = RecordKind(
    "unsettled",
    "creates that were sent and whose answer was lost, by the digest of their request",
    most=1_000,
    seconds=86_400.0,
)

DECLINED = RecordKind(
    "declined",
    "how often the user has declined a request, by a keyed digest of the request, so that codes "
    "from before the last no start nothing",
    most=10_000,
    seconds=172_800.0,
)
"""Records of this kind outlive every code, which is valid for at most a day."""

NAMES = RecordKind(
    "names",
    "the names that users gave to evaluations and to data sets that were stored already, by "
    "account and id",
    most=10_000,
)

DERIVED = RecordKind(
    "derived",
    "files that were sent in place of a data set, by account and id: the data set they were made "
    "from, which of its columns and rows were sent, and which columns are joined back",
    most=10_000,
)

COSTS = RecordKind(
    "costs",
    "what each evaluation was estimated to cost and what it has cost, by its service and id",
    most=20_000,
)

MARKS = RecordKind(
    "marks",
    "what people said about verdicts: right, wrong or unsure, and what each should be; by digests "
    "of the row, of the answer and of the allowed verdicts, without any text of a row",
    most=100_000,
)

PARTS = RecordKind(
    "parts",
    "evaluations of the parts of a run with `stop_when`, at services that cannot stop one, by a "
    "digest of the data set, the seed, the part and the request",
    most=1_000,
)

LABELS = RecordKind(
    "labels",
    "what people said that verdicts should be, without seeing them; by digests of the row, of the "
    "answer and of the allowed verdicts, without any text of a row",
    most=100_000,
)
LABEL_SAMPLES = RecordKind(
    "label_samples",
    "the rows that were drawn for labels, by evaluation: their numbers and digests in the order in "
    "which they are shown",
    most=1_000,
)
LABEL_COLUMNS = RecordKind(
    "label_columns",
    "the column of a data set that has labels, by evaluation, and who gave them",
    most=10_000,
)
LABELLED_JUDGES = RecordKind(
    "labelled_judges",
    "evaluations that people label, by a digest of their judge and its rubric, so that the labels "
    "serve other evaluations by the same judge",
    most=10_000,
)

KINDS: Mapping[str, RecordKind] = {
    kind.name: kind
    for kind in (
        STARTED,
        UNSETTLED,
        DECLINED,
        NAMES,
        DERIVED,
        COSTS,
        MARKS,
        PARTS,
        LABELS,
        LABEL_SAMPLES,
        LABEL_COLUMNS,
        LABELLED_JUDGES,
    )
}
"""Every kind, by its name. A new kind is a line here."""
