"""The rows that answers leave out, because a person is about to label them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evals_mcp.errors import InvalidRequestError, OperatorError
from evals_mcp.results.comparisons.joining import Joined, Pair
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex


@dataclass(frozen=True)
class Hidden:
    """Rows of one evaluation whose verdicts are hidden, because they wait for a label."""

    rows: frozenset[int] = frozenset()
    """Their numbers in the result file."""
    evaluation_id: str = ""
    """The evaluation."""
    in_terminal: bool = True
    """Whether the user may close the sample in a terminal of this machine."""

    @property
    def notes(self) -> list[str]:
        """Say how many rows are hidden, why, and what shows them; nothing if there are none."""
        return self._sentences("are left out")

    @property
    def blanked(self) -> list[str]:
        """Say the same of rows without verdicts in a file."""
        return self._sentences("have no verdict, score and reason in the file")

    @property
    def in_data_set(self) -> list[str]:
        """Say the same of rows in a result file that somebody gives as a data set."""
        return self._sentences("cannot be part of a data set yet")

    def refuse_all(self, total: int, problem: str) -> None:
        """Raise InvalidRequestError if every one of so many rows or pairs is hidden."""
        if self.rows and len(self.rows) >= total:
            raise InvalidRequestError(f"{problem} {self.notes[0]}")

    def _sentences(self, how: str) -> list[str]:
        """Return the sentence, if there is one, with what is done to the rows."""
        if not self.rows:
            return []
        places = "in the question of label_rows or on the page"
        if self.in_terminal:
            places += f", or with `evals-mcp label {self.evaluation_id} --close`"
        sentence = (
            f"Rows of an open label sample {how} ({len(self.rows)}), so that nobody sees a verdict "
            "before labelling: the user labels or skips them (label_rows), or closes the sample "
            f"{places}."
        )
        return [sentence]


Sides = tuple[Hidden, Hidden]
"""What is hidden of A and of B."""


def all_that_wait_or_none(joined: Joined, sides: Sides) -> Joined:
    """Return the pairs that figures count: with every row that waits for a label, or with none.

    With some of them, the totals of one evaluation would tell the verdicts of the others.

    Raises:
        InvalidRequestError: no pair is left.
    """
    a, b = (side.rows for side in sides)
    pairs = joined.pairs
    if a <= {pair.row_a for pair in pairs} and b <= {pair.row_b for pair in pairs}:
        return joined
    visible = visible_pairs(pairs, sides)
    if not visible:
        raise InvalidRequestError(f"Nothing is compared. {notes_of_both(sides)[0]}")
    counts = joined.counts.model_copy(update={"pairs": len(visible)})
    return replace(joined, pairs=visible, counts=counts, failed_passes=None)


def parts_of_pairs(pairs: Sequence[Pair], sides: Sides) -> tuple[list[Pair], frozenset[int]]:
    """Return the pairs that figures of a part may count, and the rows of A that they may not.

    Raises:
        InvalidRequestError: no pair is left.
    """
    visible = visible_pairs(pairs, sides)
    if not visible:
        raise InvalidRequestError(f"`by` has no figure to show. {notes_of_both(sides)[0]}")
    a, b = (side.rows for side in sides)
    return visible, a | {pair.row_a for pair in pairs if pair.row_b in b}


def visible_pairs(pairs: Sequence[Pair], sides: Sides) -> list[Pair]:
    """Return the pairs of which neither row is hidden."""
    a, b = (side.rows for side in sides)
    return [pair for pair in pairs if pair.row_a not in a and pair.row_b not in b]


def notes_of_both(sides: Sides) -> list[str]:
    """Return what is hidden of A or, if nothing is, of B: most often one sample hides both."""
    a, b = sides
    return a.notes or b.notes


async def hidden_rows(session: ToolSession, job: EvaluationJob, index: ResultIndex) -> Hidden:
    """Return the rows of an evaluation that wait for a label; none if the state cannot be read.

    Nobody can label either, then.
    """
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.labels.waiting import waiting_rows  # noqa: PLC0415

    evaluation = item_of(session.provider, job.workflow_id).record
    try:
        waiting = await waiting_rows(session.labels, evaluation, job, index)
    except OperatorError:
        return Hidden()
    return Hidden(waiting.rows, job.workflow_id, session.is_of_this_machine)
