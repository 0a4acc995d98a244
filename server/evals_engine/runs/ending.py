"""How an evaluation ends: its last status, and the record of its result file."""

from __future__ import annotations

from dataclasses import replace

from evals_engine.results.result_file import MAX_FAILED_SHARE
from evals_engine.results.totals import Totals
from evals_engine.runs.evaluation_types import TypedParameters
from evals_engine.store.records import StatusChange, StoredEvaluation, StoredFile
from evals_schemas.reasons import Reason


def last_change(
    totals: Totals,
    total: int,
    now: float,
    failure: StatusChange | None,
    stopped: str | None = None,
) -> StatusChange:
    """Return the status that an evaluation with judged rows ends with, and why.

    Args:
        totals: those of the rows that are judged.
        total: the rows of the data set.
        now: Unix seconds.
        failure: why the evaluation ends early; None if its rows decide how it ends.
        stopped: what it has decided before its last row; None if nothing.
    """
    if failure is None and stopped is not None:
        return _stopped(totals, total, now, stopped)
    if failure is None:
        return _by_rows(totals, total, now)
    rows = f"{totals.valid + totals.failed:,} of {total:,} rows"
    return replace(failure, message=f"{failure.message} The results of {rows} are kept.")


def result_file_record(
    evaluation: StoredEvaluation,
    parameters: TypedParameters,
    totals: Totals,
    result: tuple[str, int],
    now: float,
) -> StoredFile:
    """Return the record of a result file.

    Args:
        evaluation: what has been judged.
        parameters: its parameters.
        totals: those of the rows in the file.
        result: the id of the file and its size in bytes.
        now: Unix seconds.
    """
    result_id, size = result
    return StoredFile(
        id=result_id,
        owner=evaluation.owner,
        filename=f"{evaluation.id}-results.jsonl",
        purpose=parameters.spec.output_purpose,
        kind="jsonl",
        bytes=size,
        line_count=totals.valid + totals.failed,
        created_at=now,
        upload_key=None,
    )


def _stopped(totals: Totals, total: int, now: float, stopped: str) -> StatusChange:
    judged = totals.valid + totals.failed
    if totals.failed > MAX_FAILED_SHARE * judged:
        return _by_rows(totals, judged, now)
    message = f"Stopped after {judged:,} of {total:,} rows: {stopped}"
    return StatusChange("completed", message, now)


def _by_rows(totals: Totals, total: int, now: float) -> StatusChange:
    judged = totals.valid + totals.failed
    if totals.failed > MAX_FAILED_SHARE * total:
        message = (
            f"{totals.failed} of {total} rows failed, more than {MAX_FAILED_SHARE:.0%}; most "
            f"often: {totals.most_frequent_failure}"
        )
        if (text := totals.unreadable_text) is not None:
            written = f'"{text}"' if text else "nothing"
            message += f". In one such row the judge wrote: {written}"
        return StatusChange("error", message, now, totals.most_frequent_reason)
    if judged < total:
        message = f"Cancelled after {judged} of {total} rows; the results are partial"
        return StatusChange("user_error", message, now, Reason.CANCELLED)
    return StatusChange("completed", "Every row has been judged", now)
