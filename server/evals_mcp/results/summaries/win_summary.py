"""The summary of choices: wins, ties and how much the order of the answers decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals_mcp.results.clusters import test_name
from evals_mcp.results.number_text import SIGNIFICANT, counted, fixed, p_text, percent, percent_ends
from evals_mcp.results.sides import Names, side_names
from evals_mcp.results.statistics.estimate import Estimate, rounded
from evals_mcp.results.statistics.rates import rate, sign_test
from evals_mcp.results.statistics.wins import position_bias, win_rate
from evals_mcp.results.summaries.failed_rows import failures_of, with_failed_rows
from evals_schemas.evaluation_api.evaluations import CompareResults
from evals_schemas.tools.summaries import Failures, Interval, Rate, Summary, Wins

DOUBTFUL_PERCENT = 20.0
"""Share of pairs whose verdict changed with the order, from which on the headline mentions it."""

UNDECIDED_PERCENT = 50.0
"""Share from which on the headline names no winner: the order decided most of the pairs."""


def has_wins(results: CompareResults) -> bool:
    """Return whether any pair has a choice."""
    return bool(results.A_wins or results.B_wins or results.Ties)


def knows_orders(results: CompareResults, parameters: Mapping[str, Any]) -> bool:
    """Return whether the totals say how the two orders were judged, if both were."""
    return _is_one_pass(parameters) or results.order_counts is not None


def summarize_wins(
    results: CompareResults, parameters: Mapping[str, Any], rows: int | None
) -> Summary:
    """Return the summary of choices: wins, ties and the win rate.

    Pairs that were judged in one order only are counted apart. Totals without the figures of the
    orders may contain such pairs, so no winner is named.
    """
    if (results.A_wins, results.B_wins, results.Ties) == (None, None, None):
        failures = failures_of(results, results.invalid_choice_count)
        return Summary(headline="The service reported no counts of wins.", failures=failures)
    wins = _wins(results)
    names = side_names(parameters)
    failures = _failures(results, wins, rows)
    order_known = knows_orders(results, parameters)
    return Summary(
        headline=with_failed_rows(
            _sentence(wins, names, one_pass=_is_one_pass(parameters), order_known=order_known),
            failures,
            _pairs(wins) + (wins.one_order or 0),
            more=bool(_pairs(wins)),
        ),
        wins=wins,
        failures=failures,
        notes=list(_notes(wins, names, failures, parameters)),
    )


def win_headline(summary: Summary, parameters: Mapping[str, Any], clause: str) -> str | None:
    """Return the headline of counted choices; None without any.

    `clause` is added to its sentence.
    """
    wins, failures = summary.wins, summary.failures
    if wins is None or failures is None or not _pairs(wins):
        return None
    one_pass = _is_one_pass(parameters)
    sentence = _sentence(wins, side_names(parameters), one_pass=one_pass, order_known=True)
    return with_failed_rows(
        f"{sentence}{clause}", failures, _pairs(wins) + (wins.one_order or 0), more=True
    )


def _is_one_pass(parameters: Mapping[str, Any]) -> bool:
    return bool(parameters.get("disable_position_bias_correction"))


def _wins(results: CompareResults) -> Wins:
    """Return the counts without the pairs judged in one order only, and the figures of the orders.

    The figures that a winner would be read from are left out if the order decided most pairs.
    """
    one_order = results.one_order_counts or {}
    a = max(0, (results.A_wins or 0) - one_order.get("A", 0))
    b = max(0, (results.B_wins or 0) - one_order.get("B", 0))
    ties = max(0, (results.Ties or 0) - one_order.get("Tie", 0))
    wins = Wins(
        a=a,
        b=b,
        ties=ties,
        one_order=None if results.one_order_counts is None else sum(one_order.values()),
        **_order_figures(results.order_counts or {}),
    )
    if not _order_decides(wins):
        wins.p_value = sign_test(a, b)
        wins.without_ties = _rate(rate(a, a + b))
        if share := win_rate(a, b, ties):
            wins.a_percent = rounded(100 * share.value)
            wins.a_interval = _interval(share)
    return wins


def _order_figures(orders: Mapping[str, int]) -> dict[str, Any]:
    """Return how often the two orders differ, and how often the first answer was chosen."""
    pairs = {tuple(order.split(",", 1)): rows for order, rows in orders.items()}
    differing = sum(rows for order, rows in pairs.items() if order[0] != order[-1])
    same = pairs.get(("A", "A"), 0) + pairs.get(("B", "B"), 0)
    bias = position_bias(pairs.get(("A", "B"), 0), pairs.get(("B", "A"), 0), same)
    return {
        "disagreements": _rate(rate(differing, sum(orders.values()))),
        "first_slot": _rate(bias.first_slot) if bias else None,
        "first_slot_p": bias.p_value if bias else None,
    }


def _pairs(wins: Wins) -> int:
    return wins.a + wins.b + wins.ties


def _order_decides(wins: Wins) -> bool:
    return bool(wins.disagreements and wins.disagreements.percent >= UNDECIDED_PERCENT)


def _failures(results: CompareResults, wins: Wins, rows: int | None) -> Failures:
    failures = failures_of(results, results.invalid_choice_count)
    calls = (failures.generation, failures.judge)
    if rows is not None:
        failures.total = max(0, rows - _pairs(wins) - (wins.one_order or 0))
    elif None not in calls:
        failures.total = sum(call or 0 for call in calls) + (failures.invalid or 0)
    return failures


def _sentence(wins: Wins, names: Names, *, one_pass: bool, order_known: bool) -> str:
    """Return the result as a sentence without its full stop."""
    if not _pairs(wins):
        if wins.one_order:
            return f"No pair was judged in both orders{_one_order_text(wins, more=False)}"
        return "No pair has a valid verdict"
    if one_pass:
        return _one_pass_sentence(wins, names)
    counts = _counts(wins, names)
    if not order_known:
        return (
            f"Of{counts.removeprefix('of')}{_test(wins)}; no winner is named, because these totals "
            "do not say how far the order of the answers decided"
        )
    if _order_decides(wins):
        return f"The judge follows the order: {counts}{_order_text(wins)}{_one_order_text(wins)}"
    return f"{_outcome(wins, names)}: {counts}{_chance(wins, names)}{_tail(wins)}"


def _tail(wins: Wins) -> str:
    flips = wins.disagreements
    doubtful = flips is not None and flips.percent >= DOUBTFUL_PERCENT
    return (_order_text(wins) if doubtful else "") + _one_order_text(wins)


def _counts(wins: Wins, names: Names) -> str:
    a, b = names
    ties = f"{wins.ties} {'is a tie' if wins.ties == 1 else 'are ties'}"
    return f"of {counted(_pairs(wins), 'pair')} {a} wins {wins.a}, {b} wins {wins.b} and {ties}"


def _outcome(wins: Wins, names: Names) -> str:
    if wins.p_value is None:
        return "No winner can be named" if wins.a or wins.b else "No winner"
    winner = names[0] if wins.a > wins.b else names[1]
    shown = _shown_by(wins)
    if all(shown):
        return f"{winner} is better"
    return "Borderline" if any(shown) else "No clear winner"


def _shown_by(wins: Wins) -> tuple[bool, bool]:
    """Return whether the sign test and whether the interval of the win rate shows a winner."""
    ends = wins.a_interval
    return (
        wins.p_value is not None and wins.p_value < SIGNIFICANT,
        ends is not None and not ends.low <= 50 <= ends.high,
    )


def _chance(wins: Wins, names: Names) -> str:
    """Return the sign test and the win rate of the side that wins more."""
    test = _test(wins)
    if wins.a_percent is None or wins.a_interval is None:
        return test
    share, low, high = wins.a_percent, wins.a_interval.low, wins.a_interval.high
    name = names[0]
    if wins.b > wins.a:
        name, share, low, high = names[1], 100 - share, 100 - high, 100 - low
    interval = percent_ends(rounded(low), rounded(high))
    rate_text = f"{percent(rounded(share))} % (95 % interval {interval} %)"
    return f"{test}; {name} has a win rate of {rate_text}"


def _test(wins: Wins) -> str:
    """Return the p-value with the name of its test, in parentheses; empty without one."""
    if wins.p_value is None:
        return ""
    method = wins.a_interval.method if wins.a_interval else None
    return f" ({test_name(method, 'sign test')} {p_text(wins.p_value)})"


def _one_pass_sentence(wins: Wins, names: Names) -> str:
    """Return the result of a comparison that showed the first answer first in every pair."""
    a, b = names
    test = _test(wins)
    shown = f"{_counts(wins, names)}{test}"
    if not all(_shown_by(wins)):
        return f"No clear preference, and {a} was always shown first: {shown}"
    if wins.a > wins.b:
        return f"{a} was chosen more often, always shown first: {shown}"
    return f"{b} was chosen more often, although {a} was always shown first: {shown}"


def _order_text(wins: Wins) -> str:
    assert wins.disagreements is not None, "only called with a share"
    share = wins.disagreements.percent
    text = f"{share:.0f}" if share == int(share) else fixed(share, 1, (20.0, 50.0))
    return f"; the order changed {text} % of the verdicts"


def _one_order_text(wins: Wins, *, more: bool = True) -> str:
    if not wins.one_order:
        return ""
    pairs = counted(wins.one_order, "more pair" if more else "pair")
    verb = "was" if wins.one_order == 1 else "were"
    counts = "is not counted" if wins.one_order == 1 else "are not counted"
    return f"; {pairs} {verb} judged in one order only and {counts}"


def _notes(
    wins: Wins, names: Names, failures: Failures, parameters: Mapping[str, Any]
) -> list[str]:
    notes: list[str] = []
    a, b = names
    if (a, b) != ("A", "B"):
        notes.append(f"A is {a}, B is {b}.")
    if _is_one_pass(parameters):
        notes.append(
            f"Only one order was judged: a preference for the first answer counts as wins of {a}."
        )
    if wins.one_order:
        notes.append(
            f"{counted(_pairs(wins), 'pair')} judged in both orders; {wins.one_order} in one only, "
            "not counted: read_results with show one_order."
        )
    if _order_decides(wins):
        notes.append("No win rate: the order decided most pairs, and ties hide that.")
    uncounted = (failures.total or 0) + (wins.one_order or 0)
    if uncounted and wins.a_percent is not None:
        whole = _pairs(wins) + uncounted
        low = 100 * (wins.a + wins.ties / 2) / whole
        high = 100 * (wins.a + wins.ties / 2 + uncounted) / whole
        pairs = counted(uncounted, "pair")
        notes.append(
            f"With the {pairs} not counted, the win rate of {a} lies between {percent(low)} % and "
            f"{percent(high)} %."
        )
    return notes


def _rate(share: Estimate | None) -> Rate | None:
    """Return a share in percent."""
    if share is None:
        return None
    return Rate(percent=rounded(100 * share.value), of=share.n, interval=_interval(share))


def _interval(share: Estimate | None) -> Interval | None:
    """Return the interval of a share, in percent."""
    if share is None or share.interval is None:
        return None
    low, high = share.interval
    return Interval(low=rounded(100 * low), high=rounded(100 * high), method=share.method)
