"""The figures of an evaluation, computed from its rows by other means than the server's.

Counts are made from plain lists, intervals and tests come from scipy or from the definition of the
test. Nothing is imported from the code under test.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]
from tests.server.results.statistics.test_paired import root, score_test

stats: Any = _stats
Row = Mapping[str, Any]
Ends = tuple[float, float]
Z = float(stats.norm.ppf(0.975))
NEAR = 1e-12


def wilson(count: int, n: int) -> Ends:
    """Wilson's interval of a share."""
    ends = stats.binomtest(count, n).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)


def tango(more: int, fewer: int, n: int) -> Ends:
    """The differences of shares that the score test keeps, found by search."""
    table, value = (more, fewer, n - more - fewer), (more - fewer) / n
    low = -1.0 if fewer == n else root(lambda d: score_test(*table, d) - Z, NEAR - 1, value - NEAR)
    high = 1.0 if more == n else root(lambda d: score_test(*table, d) + Z, value + NEAR, 1 - NEAR)
    return low, high


def sign(wins: int, losses: int) -> float | None:
    """The p-value of the sign test."""
    n = wins + losses
    return min(1.0, float(stats.binomtest(wins, n).pvalue)) if n else None


def student(values: Sequence[float]) -> Ends | None:
    """Student's interval of a mean; None if the values do not vary."""
    if len(set(values)) < 2:
        return None
    ends = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    return float(ends[0]), float(ends[1])


def scaled(ends: Ends, factor: float = 100) -> dict[str, float]:
    """An interval as the tools show it."""
    return {"low": factor * ends[0], "high": factor * ends[1]}


def rate(count: int, n: int, failed: int = 0) -> dict[str, Any]:
    """A pass rate in percent, with its interval."""
    share = {
        "percent": 100 * count / n,
        "count": count,
        "of": n,
        "interval": scaled(wilson(count, n)),
    }
    return share | {"percent_of_all_rows": 100 * count / (n + failed) if failed else None}


def failures(rows: Sequence[Row]) -> dict[str, int]:
    """The rows without a verdict by stage."""
    stages = Counter(row.get("failed_at") for row in rows)
    counts = {
        "generation": stages["generation"],
        "judge": stages["judge"],
        "invalid": stages["verdict"],
    }
    return counts | {"total": sum(counts.values())}


def summary(kind: str, rows: Sequence[Row], *, one_pass: bool = False) -> dict[str, Any]:
    """What `get_evaluation` must show of these rows; a None must be absent."""
    failed = failures(rows)
    valid = [row for row in rows if not row.get("failed_at")]
    if kind == "classify":
        passed = sum(row["label"] == "good" for row in valid)
        share = rate(passed, len(valid), failed["total"]) if valid else None
        return {"pass_rate": share, "failures": failed}
    if kind == "score":
        return _scores([row["score"] for row in valid], failed) | {"failures": failed}
    if kind == "compare":
        return {"wins": _wins(valid, one_pass=one_pass), "failures": failed}
    return _benchmark(rows)


def _scores(scores: Sequence[float], failed: Mapping[str, int]) -> dict[str, Any]:
    if not scores:
        return {"pass_rate": None, "scores": None}
    ends = student(scores)
    return {
        "pass_rate": rate(sum(score >= 5 for score in scores), len(scores), failed["total"]),
        "scores": {
            "mean": float(np.mean(scores)),
            "n": len(scores),
            "std": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
            "interval": scaled((max(0, ends[0]), min(10, ends[1])), 1) if ends else None,
            "quartiles": [float(each) for each in np.quantile(scores, [0, 0.25, 0.5, 0.75, 1])],
        },
    }


def counted_pairs(rows: Sequence[Row], *, one_pass: bool) -> list[Row]:
    """The pairs that count: those with a choice in every order that was judged."""
    if one_pass:
        return list(rows)
    return [row for row in rows if row["choice_original"] and row["choice_flipped"]]


def _wins(valid: Sequence[Row], *, one_pass: bool) -> dict[str, Any]:
    pairs = counted_pairs(valid, one_pass=one_pass)
    decisions = Counter(row["final_decision"] for row in pairs)
    a, b, n = decisions["A"], decisions["B"], len(pairs)
    figures: dict[str, Any] = {"a": a, "b": b, "ties": decisions["Tie"]}
    order_decides = False
    figures |= {"one_order": None, "disagreements": None, "first_slot": None}
    if not one_pass:
        figures["one_order"] = len(valid) - n
        orders = Counter((row["choice_original"], row["choice_flipped"]) for row in pairs)
        changed = sum(count for (first, second), count in orders.items() if first != second)
        if n:
            figures["disagreements"] = {"percent": 100 * changed / n, "of": n}
            figures["disagreements"] |= {"interval": scaled(wilson(changed, n))}
            order_decides = 2 * changed >= n
        figures |= _first_slot(orders)
    shown = bool(n) and not order_decides
    ends = tango(a, b, n) if shown else None
    return figures | {
        "p_value": sign(a, b) if shown else None,
        "a_percent": 50 + 50 * (a - b) / n if shown else None,
        "a_interval": scaled((0.5 + ends[0] / 2, 0.5 + ends[1] / 2)) if ends else None,
        "without_ties": (
            {"percent": 100 * a / (a + b), "of": a + b, "interval": scaled(wilson(a, a + b))}
            if shown and a + b
            else None
        ),
    }


def _first_slot(orders: Counter[tuple[str, str]]) -> dict[str, Any]:
    first, second = orders["A", "B"], orders["B", "A"]
    decided = first + second + orders["A", "A"] + orders["B", "B"]
    if not decided:
        return {"first_slot": None, "first_slot_p": None}
    ends = tango(first, second, decided)
    return {
        "first_slot": {
            "percent": 50 + 50 * (first - second) / decided,
            "interval": scaled((0.5 + ends[0] / 2, 0.5 + ends[1] / 2)),
        },
        "first_slot_p": sign(first, second),
    }


def _benchmark(rows: Sequence[Row]) -> dict[str, Any]:
    by_model: dict[str, dict[int, Row]] = {}
    for row in rows:
        by_model.setdefault(row["model_id"], {})[row["question_id"]] = row
    models: list[dict[str, Any]] = []
    for model, answers in by_model.items():
        judged = [row["correct"] for row in answers.values() if row["score"] is not None]
        share = rate(sum(judged), len(judged), len(answers) - len(judged)) if judged else None
        models.append({"model_id": model, "correct": share})
    differences: list[dict[str, Any]] = []
    if len(by_model) == 2:
        first, second = by_model.values()
        pairs = [
            (first[question]["correct"], second[question]["correct"])
            for question in first
            if None not in (first[question]["score"], second[question]["score"])
        ]
        if pairs:
            differences.append(paired(pairs) | {"questions": len(pairs)})
    failed = sum(row["score"] is None for row in rows)
    return {
        "benchmark": {"models": models, "differences": differences},
        "failures": {"total": failed},
    }


def paired(pairs: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """The difference of two paired pass rates, the second minus the first, in points."""
    table = Counter(pairs)
    only_first, only_second = table[True, False], table[False, True]
    return {
        "difference": 100 * (only_second - only_first) / len(pairs),
        "interval": scaled(tango(only_second, only_first, len(pairs))),
        "p_value": sign(only_second, only_first),
    }


def disagreements(answer: Any, expected: Any, where: str = "") -> list[str]:
    """Return where an answer differs from what it must show; its other fields do not matter."""
    parts: list[tuple[str, Any, Any]] = []
    if isinstance(expected, dict) and isinstance(answer, dict):
        fields, shown = cast("dict[str, Any]", expected), cast("dict[str, Any]", answer)
        parts = [(f".{name}", shown.get(name), value) for name, value in fields.items()]
    elif isinstance(expected, list) and isinstance(answer, list):
        items, listed = cast("list[Any]", expected), cast("list[Any]", answer)
        if len(items) == len(listed):
            parts = [(f"[{n}]", listed[n], value) for n, value in enumerate(items)]
    if parts:
        return [text for name, x, y in parts for text in disagreements(x, y, where + name)]
    same = answer == expected
    if isinstance(expected, float | int) and isinstance(answer, float | int):
        same = math.isclose(answer, expected, rel_tol=1e-5, abs_tol=1e-7)
    return [] if same else [f"{where}: {answer} instead of {expected}"]


def shows(text: str, value: float, bounds: Sequence[float] = (0.0, 100.0)) -> bool:
    """Return whether a number in a sentence is the rounded value, and hides no bound."""
    decimals = len(text.partition(".")[2])
    near = abs(float(text) - value) <= 0.5001 * 10**-decimals + 1e-6 * abs(value)
    return near and ((float(text) in bounds) <= (min(abs(value - end) for end in bounds) < 1e-6))


def shows_digits(text: str, value: float) -> bool:
    """Return whether a number in a sentence is the value with at least four digits."""
    return math.isclose(float(text), value, rel_tol=0.6e-3, abs_tol=1e-9)


def shows_p(text: str, value: float) -> bool:
    """Return whether a p-value in a sentence is the value, and on its side of 0.05."""
    if text == "p < 0.001":
        return value < 0.001
    number = float(text.removeprefix("p = "))
    decimals = len(text.partition(".")[2])
    return abs(number - value) <= 0.5001 * 10**-decimals and (number < 0.05) == (value < 0.05)


MANY_AS_ONE = re.compile(
    r"(?<![\d.,:])1 (?:more |paired |matching )?(?:rows|pairs|answers|questions|lines|scores|are)\b"
)
ONE_AS_MANY = re.compile(
    r"(?<![\d.,:])(?!1 )\d[\d,]* (?:more |paired )?(?:row|pair|answer|question)\b"
)


def wrong_numbers(text: str) -> list[str]:
    """Return where a text says one as many, or many as one."""
    return [*MANY_AS_ONE.findall(text), *ONE_AS_MANY.findall(text)]
