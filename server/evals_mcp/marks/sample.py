"""A random sample of an evaluation's rows that grows in one order, which is fixed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random

STEP = 20
"""Rows by which a sample grows."""


def sample_seed(principal_id: str, evaluation: str) -> int:
    """Return the seed of a principal's sample of an evaluation.

    The seed follows from the two names, so the order is fixed before the first row is shown, and
    nobody can draw again until the rows suit.
    """
    text = f"evals-mcp sample 1\n{len(principal_id)}\n{principal_id}\n{evaluation}"
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest)


def drawn(numbers: Sequence[int], seed: int, count: int) -> list[int]:
    """Return the first rows of a random order; a larger count has the same rows first.

    Source: R. Durstenfeld, "Algorithm 235: random permutation", CACM 7 (1964), 420; only the first
    exchanges are made.
    """
    random, moved, rows = Random(seed), dict[int, int](), list[int]()  # noqa: S311 - no secret
    for position in range(min(count, len(numbers))):
        # `random()` gives the same numbers in every version of Python.
        other = position + int(random.random() * (len(numbers) - position))
        rows.append(numbers[moved.get(other, other)])
        moved[other] = moved.get(position, position)
    return rows
