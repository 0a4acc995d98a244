"""The last look at a comparison that all rows left undecided: an exact test at a lower level.

The e-values and this test together decide falsely in at most 5 % of runs. The levels follow from
an exact recursion over the wins of a fair coin (`python -m tests.proofs.stopping` repeats it): the
largest level that fits is 0.0385, 0.0304, 0.0262, 0.0214 and 0.0182 for 40, 600, 1,200, 2,500 and
5,000 rows that differ.
"""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ((2_500, 0.02), (5_000, 0.015))
"""Up to how many differing rows a level holds; above the last there is no last look."""


@dataclass(frozen=True)
class LastLook:
    """The exact sign test after all rows."""

    p: float
    """Two-sided p-value."""
    level: float
    """The p-value up to which it decides."""

    @property
    def decides(self) -> bool:
        """Whether the difference is beyond chance."""
        return self.p <= self.level


def last_look(wins: int, losses: int) -> LastLook | None:
    """Return the last look; None without a row that differs, or with too many for a level.

    Source: the sign test, Dixon and Mood, JASA 41 (1946), 557-566; in whole numbers.
    """
    differing = wins + losses
    level = next((level for most, level in LEVELS if differing <= most), None)
    if not differing or level is None:
        return None
    ways = tail = 1
    for step in range(min(wins, losses)):
        ways = ways * (differing - step) // (step + 1)
        tail += ways
    return LastLook(min(1.0, 2 * tail / 2**differing), level)
