"""Which rows of an evaluation have marks, those made in other evaluations included."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from evals_mcp.marks.mark import Mark
from evals_mcp.marks.subjects import Subjects
from evals_mcp.results.rows import JUDGED
from evals_mcp.results.types.marking import Marking

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

MOST_SEARCHED = 100_000
"""Rows of a result file in which marks of other evaluations are looked for."""

_BYTES = 16


def marked_rows(
    index: ResultIndex, subjects: Subjects, marking: Marking, marks: Mapping[str, Mark]
) -> dict[int, Mark]:
    """Return the marks by row, as far as they say something about the verdict of the row. Blocks.

    Args:
        index: the rows of the evaluation.
        subjects: what its verdicts are about.
        marking: how verdicts of its type are marked.
        marks: marks by what they are about.
    """
    hints = {subject: mark.row for subject, mark in marks.items()}
    rows = rows_by_subject(index, subjects, hints)
    placed = {number: marks[subject] for subject, number in rows.items()}
    about = dict[int, Mark]()
    for entry in index.by_number(sorted(placed)):
        value = marking.value(entry.verdict) if entry.verdict.state == JUDGED else None
        mark = None if value is None else placed[entry.number].about(value)
        if mark is not None:
            about[entry.number] = mark
    return about


def marks_of_sample(
    index: ResultIndex,
    subjects: Subjects,
    marking: Marking,
    marks: Mapping[str, Mark],
    order: Iterable[int],
) -> list[Mark]:
    """Return the marks of a random order of rows, up to the first row without one. Blocks.

    Who marks what looks easy, and leaves the rest, marks no random sample. Rows that were marked
    before they were drawn count as well.

    Args:
        index: the rows of the evaluation.
        subjects: what its verdicts are about.
        marking: how verdicts of its type are marked.
        marks: marks by what they are about.
        order: numbers of rows with a verdict.
    """
    leading: list[Mark] = []
    for number in order:
        (entry,) = index.by_number([number])
        value, mark = marking.value(entry.verdict), marks.get(_subject(index, subjects, number))
        about = mark.about(value) if mark and value is not None else None
        if about is None:
            break
        leading.append(about)
    return leading


def rows_by_subject(
    index: ResultIndex, subjects: Subjects, row_hints: Mapping[str, int]
) -> dict[str, int]:
    """Return the row of each subject that this evaluation judged. Blocks.

    Args:
        index: the rows of the evaluation.
        subjects: what its verdicts are about.
        row_hints: for each subject, the number of a row that was about it in some evaluation.
    """
    rows, others = dict[str, int](), dict[bytes, str]()
    for subject, number in row_hints.items():
        # Most often a row has the same number in every evaluation of its data set.
        if 1 <= number <= index.total() and subject == _subject(index, subjects, number):
            rows[subject] = number
        else:
            others[_short(subject)] = subject
    if others and index.total() <= MOST_SEARCHED:
        names = _names(index, subjects)
        for number in range(1, index.total() + 1):
            name = names[(number - 1) * _BYTES : number * _BYTES]
            if (subject := others.pop(name, None)) is not None:
                rows[subject] = number
    return rows


def rows_named(
    index: ResultIndex, subjects: Subjects, names: Collection[str], hints: Iterable[int]
) -> frozenset[int]:
    """Return the rows of an evaluation that are about something with one of these names. Blocks.

    Args:
        index: the rows of the evaluation.
        subjects: what its verdicts are about.
        names: the first 128 bits of the BLAKE2b digests of subjects, in hexadecimal digits.
        hints: numbers of rows that may be about it; no others are looked at in a file with more
            than `MOST_SEARCHED` rows.
    """
    wanted, total = {bytes.fromhex(name) for name in names}, index.total()
    if not wanted:
        return frozenset()
    if total > MOST_SEARCHED:
        near = (number for number in hints if 1 <= number <= total)
        return frozenset(n for n in near if _short(_subject(index, subjects, n)) in wanted)
    all_names = _names(index, subjects)
    return frozenset(
        number
        for number in range(1, total + 1)
        if all_names[(number - 1) * _BYTES : number * _BYTES] in wanted
    )


def _subject(index: ResultIndex, subjects: Subjects, number: int) -> str:
    (entry,) = index.by_number([number])
    return subjects.of(index.read(entry))


def _names(index: ResultIndex, subjects: Subjects) -> bytes:
    """Return a short name for what each verdict is about, in the order of the file."""

    def computed() -> bytes:
        return b"".join(_short(subjects.of(index.read(entry))) for entry in index.every())

    return index.remembered(f"subjects-{_short(subjects.key).hex()}", computed)


def _short(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()
