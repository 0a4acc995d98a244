"""Joins two result files to pairs of rows: the same inputs, judged twice.

Of each row only its number, its verdict and two hashes are held in memory, so that the memory grows
with the number of rows and not with their size.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evals_mcp.cleaning import clean, quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.near_names import nearest_hint
from evals_mcp.results.rows import RowVerdict, input_columns
from evals_schemas.evaluation_api.rows import OUTPUT
from evals_schemas.tools.comparisons import PairedRows

SIDES = {"model_to_evaluate": OUTPUT, "model_a": f"{OUTPUT}_A", "model_b": f"{OUTPUT}_B"}
"""The column of the generated answer, by the parameter that names a model or a column."""


class KeyedRow(NamedTuple):
    """One row, reduced to what joining needs."""

    number: int
    """1 for the first row of its file."""
    key: bytes
    """A hash of the values that identify the row in both files."""
    answer: bytes
    """A hash of the judged answer."""
    verdict: RowVerdict


KeyedRows = Iterable[tuple[int, bytes, bytes, RowVerdict]]
"""Rows as `KeyedRow` has them; plain tuples are faster to make."""


class Pair(NamedTuple):
    """One row in both files, with a valid verdict in both."""

    row_a: int
    row_b: int
    a: RowVerdict
    b: RowVerdict


@dataclass(frozen=True)
class Joined:
    """The pairs of two files, and the counts of the other rows."""

    pairs: Sequence[Pair]
    counts: PairedRows
    same_answers: bool
    """Whether both judged the same answer in every pair."""
    failed_passes: tuple[int, int] | None
    """Passes in A, and in B, among matching rows without a valid verdict in the other; None if some
    of these are hidden."""
    is_part: bool = False
    """Whether these are only the pairs with one value of a column, which get no bootstrap."""


def key_columns(
    key: str | None,
    columns: tuple[Sequence[str], Sequence[str]],
    parameters: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> list[str]:
    """Return the columns that identify a row: `key` if it is named, else all inputs of both.

    Columns of ready answers do not count as inputs, unless both evaluations judged the same columns
    of the same data set: these columns then distinguish several answers to one question.

    Raises:
        InvalidRequestError: `key` is not an input column of both, or both have none in common.
    """
    shared = [name for name in _inputs(columns[0]) if name in _inputs(columns[1])]
    if key is not None:
        if key not in shared:
            raise InvalidRequestError(
                f"`key`: {quoted(key, 60)} is not an input column of both; {_shared_text(shared)}."
                f"{nearest_hint(key, shared)}"
            )
        return [key]
    answers = [ready_answers(request) for request in parameters]
    excluded = answers[0] | answers[1]
    if answers[0] == answers[1] and _same_data(*parameters):
        excluded = set[str]()
    inputs = [name for name in shared if name not in excluded]
    if not inputs:
        raise InvalidRequestError(
            "The two evaluations have no input column in common to pair rows by; "
            f"{_shared_text(shared)}. If one of these identifies a row, name it as `key`; else "
            "upload data sets that share a column, such as an id, or run both evaluations on the "
            "same data set."
        )
    return inputs


def _inputs(columns: Iterable[str]) -> list[str]:
    return input_columns(dict.fromkeys(columns))


def _shared_text(shared: Sequence[str]) -> str:
    return f"both have {', '.join(quoted(name, 60) for name in shared[:20]) or 'none'}"


def ready_answers(parameters: Mapping[str, Any]) -> set[str]:
    """Return the columns of ready answers."""
    return {column for side in SIDES if isinstance(column := parameters.get(side), str)}


def _same_data(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    file = a.get("input_data_file_path")
    return file is not None and file == b.get("input_data_file_path")


def answer_columns(parameters: Mapping[str, Any], columns: Iterable[str]) -> list[str]:
    """Return the columns of the judged answers; without candidates all input columns."""
    sides = {side: parameters[side] for side in SIDES if parameters.get(side) is not None}
    if not sides:
        return sorted(input_columns(dict.fromkeys(columns)))
    return [value if isinstance(value, str) else SIDES[side] for side, value in sides.items()]


def join(a: KeyedRows, b: KeyedRows) -> Joined:
    """Pair the rows of two files by their keys, in the order of the first.

    Rows whose key occurs more than once in either file make no pair: it is unknown which of them
    belong together.
    """
    table = _Table()
    table.add_a(a)
    table.add_b(b)
    return table.joined()


def part_of(joined: Joined, pairs: Sequence[Pair]) -> Joined:
    """Return some of the pairs; the other rows are not counted."""
    none_left_out = dict.fromkeys(PairedRows.model_fields, 0)
    counts = PairedRows(**none_left_out | dict.fromkeys(("rows_a", "rows_b", "pairs"), len(pairs)))
    return Joined(pairs, counts, joined.same_answers, (0, 0), is_part=True)


def refuse_no_pairs(joined: Joined, key: list[str]) -> None:
    """Refuse a comparison without a pair of rows.

    Raises:
        InvalidRequestError: there are no pairs; the message says why and what to do.
    """
    counts, columns = joined.counts, ", ".join(shown_columns(key))
    if counts.pairs:
        return
    if counts.no_verdict:
        raise InvalidRequestError(
            f"None of the {counts.no_verdict} rows in both has a valid verdict in both (without "
            f"one in A: {counts.no_verdict_a}, in B: {counts.no_verdict_b}). Call get_evaluation "
            "on each for its failures."
        )
    if counts.duplicated_a:
        raise InvalidRequestError(
            f"Every row in both occurs more than once by {columns}, so none can be paired. "
            "Name a column with a different value in each row as `key`, and call "
            "compare_evaluations again."
        )
    raise InvalidRequestError(
        f"No row of A ({counts.rows_a}) has the same {columns} as a row of B ({counts.rows_b}). If "
        "one column identifies a row in both, name it as `key`; else run both on the same data "
        "set with create_evaluation."
    )


def shown_columns(columns: Sequence[str]) -> list[str]:
    """Return the names of columns, cleaned, the first ones of many."""
    shown = [clean(name, 40) for name in columns[:10]]
    return shown + [f"and {len(columns) - 10} more"] * (len(columns) > 10)


def _short(answer: bytes) -> int:
    return int.from_bytes(answer[:8])


@dataclass
class _Table:
    """One entry for each distinct key of A, in arrays so that a million keys fit into memory."""

    slots: dict[bytes, int] = field(default_factory=dict[bytes, int])
    rows_a: array[int] = field(default_factory=lambda: array("q"))
    rows_b: array[int] = field(default_factory=lambda: array("q"))
    copies_a: array[int] = field(default_factory=lambda: array("q"))
    copies_b: array[int] = field(default_factory=lambda: array("q"))
    answers: array[int] = field(default_factory=lambda: array("Q"))
    verdicts_a: list[RowVerdict] = field(default_factory=list[RowVerdict])
    verdicts_b: list[RowVerdict | None] = field(default_factory=list["RowVerdict | None"])
    seen: dict[RowVerdict, RowVerdict] = field(default_factory=dict[RowVerdict, RowVerdict])
    other_answers: bytearray = field(default_factory=bytearray)
    total_b: int = 0

    def add_a(self, rows: KeyedRows) -> None:
        slots, copies, shared = self.slots, self.copies_a, self.seen.setdefault
        for number, key, answer, verdict in rows:
            slot = slots.setdefault(key, len(slots))
            if slot < len(copies):
                copies[slot] += 1
                continue
            copies.append(1)
            self.rows_a.append(number)
            self.answers.append(_short(answer))
            self.verdicts_a.append(shared(verdict, verdict) if verdict[2] is None else verdict)
        self.rows_b.frombytes(bytes(8 * len(slots)))
        self.copies_b.frombytes(bytes(8 * len(slots)))
        self.verdicts_b.extend([None] * len(slots))
        self.other_answers.extend(bytes(len(slots)))

    def add_b(self, rows: KeyedRows) -> None:
        slot_of, copies, shared = self.slots.get, self.copies_b, self.seen.setdefault
        row_count = 0
        for number, key, answer, verdict in rows:
            row_count += 1
            slot = slot_of(key)
            if slot is None:
                continue
            copies[slot] += 1
            self.rows_b[slot] = number
            # One shared object for equal verdicts; those with scores are rarely equal.
            self.verdicts_b[slot] = shared(verdict, verdict) if verdict[2] is None else verdict
            self.other_answers[slot] = _short(answer) != self.answers[slot]
        self.total_b += row_count

    def joined(self) -> Joined:
        self.slots.clear()  # frees the largest part; all keys have been matched
        tally = _Tally(total_b=self.total_b)
        pairs: list[Pair] = []
        paired = bytearray(len(self.verdicts_a))
        rows = zip(self.rows_a, self.rows_b, self.verdicts_a, self.verdicts_b, strict=True)
        copies = zip(self.copies_a, self.copies_b, strict=True)
        for slot, ((row_a, row_b, a, b), (copies_a, copies_b)) in enumerate(
            zip(rows, copies, strict=True)
        ):
            if b is not None and copies_a == copies_b == 1 and a[0] == b[0] == "ok":
                pairs.append(Pair(row_a, row_b, a, b))
                paired[slot] = 1
            else:
                tally.leave_out(copies_a, copies_b, a, b)
        tally.matched += len(pairs)
        tally.matched_b += len(pairs)
        answers = zip(paired, self.other_answers, strict=True)
        same_answers = not any(is_pair and differs for is_pair, differs in answers)
        failed_passes = (tally.passes_without_b, tally.passes_without_a)
        return Joined(pairs, tally.counts(len(pairs)), same_answers, failed_passes)


@dataclass
class _Tally:
    """Counts the rows that make no pair, by reason."""

    total_b: int
    matched_b: int = 0
    unmatched_a: int = 0
    duplicated_a: int = 0
    duplicated_b: int = 0
    matched: int = 0
    no_verdict_a: int = 0
    no_verdict_b: int = 0
    passes_without_a: int = 0
    passes_without_b: int = 0

    def leave_out(self, copies_a: int, copies_b: int, a: RowVerdict, b: RowVerdict | None) -> None:
        """Count the rows of a key that make no pair."""
        self.matched_b += copies_b
        if b is None:
            self.unmatched_a += copies_a
            return
        if copies_a > 1 or copies_b > 1:
            self.duplicated_a += copies_a
            self.duplicated_b += copies_b
            return
        self.matched += 1
        valid_a, valid_b = a.state == "ok", b.state == "ok"
        self.no_verdict_a += not valid_a
        self.no_verdict_b += not valid_b
        self.passes_without_b += bool(valid_a and not valid_b and a.passed)
        self.passes_without_a += bool(valid_b and not valid_a and b.passed)

    def counts(self, pairs: int) -> PairedRows:
        return PairedRows(
            rows_a=self.matched + self.duplicated_a + self.unmatched_a,
            rows_b=self.total_b,
            pairs=pairs,
            no_verdict=self.matched - pairs,
            no_verdict_a=self.no_verdict_a,
            no_verdict_b=self.no_verdict_b,
            unmatched_a=self.unmatched_a,
            unmatched_b=self.total_b - self.matched_b,
            duplicated_a=self.duplicated_a,
            duplicated_b=self.duplicated_b,
        )
