"""The rows that are shown for labels, in an order that is stored before the first one is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from evals_mcp.errors import InvalidRequestError
from evals_mcp.marks.sample import drawn
from evals_mcp.marks.subjects import Subjects
from evals_schemas.digests import value_digest

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

SamplePlan = Literal["random", "balanced"]
"""`balanced`: as many rows that the judge passes as others, which suits rare classes."""

MOST_SAMPLED = 1_200
"""Rows of a sample."""

BLOCK = 10
"""Rows of a balanced sample of which half pass; their order is random.

With pairs in place of blocks, who knows one verdict of a pair would know the other one.
"""

_NAME_BYTES = 16


@dataclass(frozen=True)
class LabelSample:
    """A sample of the rows of one evaluation with a verdict."""

    id: str
    plan: SamplePlan
    seed: int
    """What the order follows from."""
    rows: Sequence[int]
    """Numbers of the rows in the result file, in the order in which they are shown."""
    names: Sequence[str]
    """Short names of what each row is about; see `short_name`."""
    evaluation: str
    """The account and the own id of the evaluation."""
    at: str
    """When it was drawn; UTC, in the form of ISO 8601."""
    closed_after: int | None = None
    """Rows at its beginning that had a label or a skip when somebody closed it; None if nobody did.

    The next label opens it again.
    """

    def stored(self) -> dict[str, Any]:
        """Return the sample as a JSON value."""
        return asdict(self)


def sample_of(stored: Mapping[str, Any]) -> LabelSample:
    """Return the sample of a JSON value."""
    return LabelSample(**stored)


def label_seed(principal_id: str, data: str) -> int:
    """Return the seed of a principal's samples of a data set.

    It follows from the two names, so that nobody can draw again until the rows suit, and all
    evaluations of the data set have their rows in one order. Another text goes into the seed of
    marks, which are made with the verdict in view.
    """
    text = f"evals-mcp label sample 1\n{len(principal_id)}\n{principal_id}\n{data}"
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest)


def short_name(subject: str) -> str:
    """Return a short name of the content and answer of a row; see `Subjects.of`."""
    text = subject.encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=_NAME_BYTES).hexdigest()


@dataclass(frozen=True)
class SampleRequest:
    """Whose sample of which evaluation is drawn, and how."""

    principal_id: str
    evaluation: str
    """As `LabelSample.evaluation` names it."""
    data: str
    """The id of the data set; of the evaluation if that is unknown."""
    plan: SamplePlan
    at: str
    """The time."""


def new_sample(index: ResultIndex, subjects: Subjects, request: SampleRequest) -> LabelSample:
    """Return the sample of an evaluation for a principal. Blocks.

    Args:
        index: the rows of the evaluation.
        subjects: what its verdicts are about.
        request: whose sample it is, and how it is drawn.

    Raises:
        InvalidRequestError: no row can be drawn by this plan.
    """
    plan, seed = request.plan, label_seed(request.principal_id, request.data)
    rows = _ORDERS[plan](index, seed)
    names = [short_name(subjects.of(index.read(entry))) for entry in index.by_number(rows)]
    sample_id = value_digest("sample", [request.principal_id, request.evaluation, plan])
    return LabelSample(sample_id, plan, seed, rows, names, request.evaluation, request.at)


def _random_order(index: ResultIndex, seed: int) -> list[int]:
    rows = _in_order(index, seed, "state = 'ok'")
    if not rows:
        raise InvalidRequestError(
            "There is nothing to label: no row of this evaluation has a verdict. Call "
            "read_results with show failed for the reasons."
        )
    return rows


def _balanced_order(index: ResultIndex, seed: int) -> list[int]:
    """Return rows that pass and rows that do not, half of each in every block.

    Within its half each row is as likely as any other.
    """
    halves = [_in_order(index, seed, f"state = 'ok' AND passed = {passed}") for passed in (1, 0)]
    if not all(halves):
        raise InvalidRequestError(
            "A balanced sample needs rows that the judge passes and rows that it fails, and this "
            "evaluation has not both. Use `plan` random."
        )
    random, order = Random(seed), list[int]()  # noqa: S311 - no secret
    while any(halves) and len(order) < MOST_SAMPLED:
        shorter = min(len(half) for half in halves)
        taken = min(BLOCK // 2, shorter) or BLOCK
        block = [row for half in halves for row in half[:taken]]
        halves = [half[taken:] for half in halves]
        order += _shuffled(block, random)
    return order[:MOST_SAMPLED]


def _shuffled(rows: list[int], random: Random) -> list[int]:
    # `random()` gives the same numbers in every version of Python.
    return [row for _, row in sorted((random.random(), row) for row in rows)]


def _in_order(index: ResultIndex, seed: int, condition: str) -> list[int]:
    """Return the first rows that meet a condition, in one random order of all rows.

    So two evaluations of a data set, which number its rows alike, have the same rows first.
    """
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.conditions import Where  # noqa: PLC0415

    eligible = frozenset(index.numbers(Where(condition), "file"))
    total = index.total()
    order = (row for row in drawn(range(1, total + 1), seed, total) if row in eligible)
    return list(islice(order, MOST_SAMPLED))


_ORDERS: Mapping[SamplePlan, Callable[[ResultIndex, int], list[int]]] = {
    "random": _random_order,
    "balanced": _balanced_order,
}
"""How the rows of each plan are drawn."""
