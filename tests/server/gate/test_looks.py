"""What a gate decides at a look, by bets that hold however often it is looked at."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.gate.decision import decide
from evals_mcp.gate.looks import BETTING, last_certainty, measured_at_a_look
from evals_mcp.gate.pairs import PREFERENCES, Pairs
from evals_mcp.gate.words import stopped
from evals_mcp.results.statistics.estimate import UNIT
from evals_schemas.repository.evals_file import GateRules
from evals_schemas.repository.results import GateStopping, PinnedRows
from evals_schemas.sequential.betting import log_wealth
from tests.server.gate.test_decision import of, passes
from tests.volume import examples


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([80.0, 95.0, 99.0]))
def test_the_ends_are_where_the_wealth_suffices(better: int, worse: int, certainty: float) -> None:
    rows = 200
    found = measured_at_a_look(passes(better, worse, rows), certainty)
    counts = {1.0: better, 0.5: rows - better - worse, 0.0: worse}

    assert found.interval is not None
    assert found.interval_of_loss is not None
    low, high = found.interval[0], found.interval_of_loss[1]
    needed = {
        "above": math.log(200 / (100 - certainty)),
        "below": math.log(500 / (100 - certainty)),
    }
    assert log_wealth(counts, (1 + low) / 2, "above") == pytest.approx(needed["above"], abs=1e-6)
    assert log_wealth(counts, (1 + high) / 2, "below") == pytest.approx(needed["below"], abs=1e-6)
    assert found.p == pytest.approx(min(1, math.exp(-log_wealth(counts, 0.5, "below"))))
    # A loss is certain by its interval exactly when it is by its p-value.
    assert (high < 0) == (found.p < 0.2 * (100 - certainty) / 100)


def test_scores_and_preferences_are_bets_on_their_own_scale() -> None:
    scores = Pairs("mean_score", (1.0, 5.0), [4.0] * 200, [3.0] * 200)
    report = decide([of(scores, margin=0.1)], GateRules(), look="early")
    (line,) = report.metrics
    assert line.interval_of_loss is not None
    assert -4 <= line.interval_of_loss.low < -1 < line.interval_of_loss.high < 0
    assert report.outcome == "regressed"
    assert "Regressed: worse by 0." in report.sentence

    wins = Pairs("net_preference", PREFERENCES, [1.0] * 100, [-1.0] * 100)
    assert decide([of(wins)], GateRules(), look="early").outcome == "regressed"


def test_rows_without_a_verdict_count_against_the_candidate_at_a_look() -> None:
    whole = passes(0, 0, 200)
    few = Pairs("pass_rate", UNIT, whole.baseline, [None] * 8 + [1.0] * 192)
    assert decide([of(whole)], GateRules(), look="early").outcome == "passed"
    assert decide([of(few)], GateRules(), look="early").outcome == "not_enough_evidence"


def test_the_last_look_has_the_usual_tests_at_a_lower_level() -> None:
    assert last_certainty(95) == 96
    pairs = passes(5, 18, 300)
    assert decide([of(pairs)], GateRules(), look="early").outcome == "not_enough_evidence"
    report = decide([of(pairs)], GateRules(), look="last")
    (line,) = report.metrics
    assert (report.outcome, report.certainty) == ("regressed", 95)
    assert line.interval is not None
    assert (line.interval.method, line.interval.level) == ("tango", 96)
    # What bets decide is decided by them at the last look, too.
    certain = decide([of(passes(0, 60, 300))], GateRules(), look="last")
    assert certain.metrics[0].interval_of_loss is not None
    assert certain.metrics[0].interval_of_loss.method == BETTING


def test_a_floor_leaves_a_look_open_and_a_pinned_row_ends_it() -> None:
    pairs = passes(0, 0, 200)
    open_floor = decide([of(pairs, floor=90)], GateRules(), look="early")
    assert open_floor.outcome == "not_enough_evidence"
    assert "below the floor" not in open_floor.sentence
    assert decide([of(pairs, floor=90)], GateRules(), look="last").outcome == "passed"
    pinned = PinnedRows(count=1, failed=[3])
    assert decide([of(pairs)], GateRules(), pinned, "early").outcome == "regressed"


def test_several_metrics_are_corrected_at_every_look() -> None:
    lost, same = passes(2, 20, 300), passes(0, 0, 300)
    alone = decide([of(lost)], GateRules(), look="early").metrics[0]
    report = decide([of(lost), of(same), of(same)], GateRules(), look="early")
    assert alone.p is not None
    assert report.metrics[0].p_holm == pytest.approx(3 * alone.p, rel=1e-4)


@pytest.mark.parametrize(
    ("ended", "sentence"),
    [
        (
            "decided",
            "Decided after 50 of 300 rows in random order; 250 rows were not judged, about $1.2",
        ),
        ("max_usd", "Ended by `max_usd` after 50 of 300 rows in random order; 250 rows were"),
        ("max_rows", "Ended by `max_rows` after 50 of 300 rows in random order; 250 rows were"),
        ("no_verdicts", "Ended after 50 of 300 rows in random order, as no other verdict helps;"),
        ("all_rows", "Nothing was decided before the last of 300 rows."),
    ],
)
def test_what_ended_a_gate_is_said_with_what_was_not_judged(ended: str, sentence: str) -> None:

    fields = {"ended": ended, "rows": 50, "of_rows": 300, "rows_not_judged": 250, "looks": [50]}
    stopping = GateStopping.model_validate({**fields, "order_seed": 1, "not_spent_usd": 1.2})
    assert stopped(stopping).startswith(sentence)
