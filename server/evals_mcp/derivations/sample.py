"""Some rows of a data set, drawn at random, to try an evaluation first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import Any

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.derivations.derivation import Rows
from evals_mcp.providers.same_request import SAMPLE
from evals_schemas.datasets.reader import Row

SEED = 1
"""The seed of every sample.

A sample is the rows whose numbers have the smallest hashes under the seed. So it does not depend on
the content: next week's version of a data set, in the same order, has the same sampled rows, and a
larger sample has all rows of a smaller one.
"""


@dataclass(frozen=True)
class Sample:
    """So many rows, each with the same chance."""

    size: int
    added: Sequence[str] = ()
    """Nothing is added."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The argument of `create_evaluation`."""
        return {SAMPLE: self.size}

    def profile(self, whole: DatasetProfile) -> DatasetProfile:
        """Return the profile of rows like all others: the sample's size, or all if fewer."""
        return whole.with_rows(min(self.size, whole.rows))

    def note(self, rows: int) -> str:
        """Return how the rows are drawn."""
        if self.size >= rows:
            return f"`sample` is {self.size:,}, and the data set has {rows:,} rows: all are judged."
        return (
            f"{self.size:,} of {rows:,} rows, drawn at random with seed {SEED}: the same for every "
            "evaluation of these rows, and part of every larger sample."
        )

    def choose(self, rows: Rows) -> Iterator[tuple[int, Row]]:
        """Yield the rows with the smallest hashes, in the order of the data set."""
        smallest: list[tuple[int, int]] = []  # the largest hash comes first
        for number, _ in enumerate(rows(), 1):
            entry = -_hash(number), number
            if len(smallest) < self.size:
                heappush(smallest, entry)
            else:
                heappushpop(smallest, entry)
        chosen = {number for _, number in smallest}
        return ((number, row) for number, row in enumerate(rows(), 1) if number in chosen)


def _hash(number: int) -> int:
    digest = blake2b(f"evals sample {SEED} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)
