from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.results.comparisons.flips import flips
from evals_mcp.results.comparisons.joining import Pair
from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.types.table import type_spec
from tests.server.results.comparisons.verdict_rows import FAIL, PASS, decided, paired, scored


def changed_rows(kind: str, pairs: Sequence[Pair], same_labels: bool = True) -> list[int]:
    return [pair.row_a for pair in flips(type_spec(kind).comparing.change, pairs, same_labels)]


def test_lost_passes_come_before_gained_ones_and_other_labels_last() -> None:
    fine = RowVerdict("ok", "fine", None, True)
    joined = paired([(PASS, PASS), (FAIL, PASS), (PASS, fine), (PASS, FAIL)])

    assert changed_rows("classify", joined.pairs) == [4, 2, 3]
    assert changed_rows("classify", joined.pairs, same_labels=False) == [4, 2]


def test_the_largest_change_of_score_is_first() -> None:
    joined = paired([(scored(1), scored(2)), (scored(5), scored(1)), (scored(3), scored(3))])

    assert changed_rows("score", joined.pairs) == [2, 1]


def test_a_change_of_winner_comes_before_a_change_to_a_tie() -> None:
    verdicts = [("A", "Tie"), ("A", "A"), ("A", "B"), ("Tie", "B")]
    joined = paired((decided(a), decided(b)) for a, b in verdicts)

    assert changed_rows("compare", joined.pairs) == [3, 1, 4]
