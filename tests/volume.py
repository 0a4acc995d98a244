"""How much of what repeats is run: a part of it in the gate, all of it in the proofs.

Each behaviour is tested in the gate, `make test`. Further examples, cases and rounds of the same
behaviour are left to `make proofs`, which runs the same tests with `TESTS_VOLUME=proofs`. A test
states both amounts where it is declared: `amount(gate=5, proofs=50)`, or `examples(60)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

GATE, PROOFS = "gate", "proofs"

VOLUME = os.environ.get("TESTS_VOLUME", GATE)
"""`gate` or `proofs`; the name of a profile of hypothesis, too."""

GATE_SHARE = 3
"""The gate draws one of so many examples."""

if VOLUME not in {GATE, PROOFS}:
    raise ValueError(f"TESTS_VOLUME must be {GATE} or {PROOFS}")

_T = TypeVar("_T")


def amount(*, gate: _T, proofs: _T) -> _T:
    """Return what this run is made of."""
    return proofs if VOLUME == PROOFS else gate


def examples(proofs: int) -> int:
    """Return how many examples hypothesis draws where the proofs draw `proofs`."""
    return amount(gate=max(proofs // GATE_SHARE, 1), proofs=proofs)


def one_of_each(items: Iterable[_T], kind: Callable[[_T], Hashable], turn: int) -> list[_T]:
    """Return one item of each kind: with each turn another one, until all had theirs."""
    by_kind: dict[Hashable, list[_T]] = {}
    for item in items:
        by_kind.setdefault(kind(item), []).append(item)
    return [alike[turn % len(alike)] for alike in by_kind.values()]
