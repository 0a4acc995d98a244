"""`compare_evaluations` with `by`: the same differences for each value of a column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]
from tests.server.fake_provider import NOON, FakeProvider, jsonl
from tests.server.serving import served, settings
from tests.server.tokens import tokens

from evals_schemas.evaluation_api.evaluations import EvaluationJob

stats: Any = _stats
Row = Mapping[str, Any]
BOTH = {"evaluation_id_a": "eval-a", "evaluation_id_b": "eval-b", "key": "id"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "classify": {"labels": ["good", "bad"], "pass_labels": ["good"]},
    "score": {"min_score": 0, "max_score": 10, "pass_threshold": 5},
    "compare": {"model_a": "a", "model_b": "b", "disable_position_bias_correction": True},
}
VERDICTS: dict[str, list[Row]] = {
    "classify": [{"failed_at": "judge"}, {"label": "bad"}, {"label": "good"}],
    "score": [{"failed_at": "judge"}, *({"score": score} for score in (0, 4, 5, 10))],
}


def job(name: str, kind: str, **own: Any) -> EvaluationJob:
    judge = {"model": "m", "model_source": "serverless", "system_template": "t"}
    parameters = {"judge": judge, "input_data_file_path": "file-1", "model_to_evaluate": name}
    return EvaluationJob.model_validate(
        {
            "workflow_id": f"eval-{name}",
            "type": kind,
            "status": "completed",
            "created_at": NOON,
            "parameters": parameters | PARAMETERS[kind] | own,
            "results": {"result_file_id": f"file-{name}"},
        }
    )


def provider(kind: str, rows_a: Sequence[Row], rows_b: Sequence[Row], **own: Any) -> FakeProvider:
    return FakeProvider(
        jobs=[job("a", kind, **own), job("b", kind, **own)],
        contents={"file-a": jsonl(*rows_a), "file-b": jsonl(*rows_b)},
    )


def judged(pairs: Sequence[tuple[str, Row, Row]]) -> tuple[list[Row], list[Row]]:
    """Return the rows of A and of B; each pair is a topic and the verdicts of both."""
    shared = [
        {"id": number, "topic": topic, "a": "one answer", "b": "another answer"}
        for number, (topic, _, _) in enumerate(pairs)
    ]
    a: list[Row] = [{**row, **one} for row, (_, one, _) in zip(shared, pairs, strict=True)]
    b: list[Row] = [{**row, **one} for row, (_, _, one) in zip(shared, pairs, strict=True)]
    return a, b


async def compared(
    folder: Path, kind: str, pairs: Sequence[tuple[str, Row, Row]], **arguments: str
) -> dict[str, Any]:
    fake = provider(kind, *judged(pairs))
    async with served(fake, configured=settings(folder)) as server:
        return await server.answer("compare_evaluations", **BOTH, **arguments)


def labelled(topic: str, verdicts: str) -> list[tuple[str, Row, Row]]:
    """Return pairs of verdicts, written as `pf` for a row that passes in A and fails in B."""
    labels: dict[str, Row] = {"p": {"label": "good"}, "f": {"label": "bad"}, "x": {"label": None}}
    return [(topic, labels[a], labels[b]) for a, b in verdicts.split()]


def p_value_of(kind: str, pairs: Sequence[tuple[Row, Row]]) -> float | None:
    if kind == "score":
        differences = [b["score"] - a["score"] for a, b in pairs]
        if len({*differences}) < 2:
            return None
        return float(stats.ttest_1samp(differences, 0).pvalue)
    only_a = sum(a["label"] == "good" != b["label"] for a, b in pairs)
    only_b = sum(b["label"] == "good" != a["label"] for a, b in pairs)
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else None


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, list[tuple[str, Row, Row]]]:
    kind = draw(st.sampled_from(sorted(VERDICTS)))
    verdicts = st.sampled_from(VERDICTS[kind])
    drawn = draw(
        st.lists(
            st.tuples(st.sampled_from("xyz"), verdicts, verdicts, st.integers(1, 12)),
            min_size=4,
        )
    )
    pairs = [(topic, a, b) for topic, a, b, copies in drawn for _ in range(copies)]
    usable = VERDICTS[kind][-1]
    return kind, [*pairs, ("x", usable, usable), ("x", usable, usable)]


@hypothesis_settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(comparisons())
def test_each_values_difference_is_that_of_a_comparison_with_just_its_rows(
    comparison: tuple[str, list[tuple[str, Row, Row]]],
) -> None:
    kind, pairs = comparison
    figure = {"classify": "passes", "score": "scores"}[kind]
    by_topic: dict[str, list[tuple[str, Row, Row]]] = {}
    for pair in pairs:
        by_topic.setdefault(pair[0], []).append(pair)

    async def check(folder: Path) -> None:
        answer = await compared(folder, kind, pairs, by="topic")
        groups = {group["value"]: group for group in answer["by"]["shown"]}
        assert groups.keys() == {f"'{topic}'" for topic in by_topic}
        p_values: dict[str, float] = {}
        for topic, own_pairs in by_topic.items():
            group = groups[f"'{topic}'"]
            valid = [(a, b) for _, a, b in own_pairs if not {"failed_at"} & {*a, *b}]
            assert (group["rows"], group["counted"]) == (len(own_pairs), len(valid))
            if not valid:
                assert "figure" not in group
                continue
            alone = (await compared(folder / topic, kind, own_pairs))[figure]
            interval = alone.get("interval")
            ends = [interval["low"], interval["high"]] if interval else []
            assert group["figure"] == [alone["difference"], *ends]
            own_p_value = p_value_of(kind, valid)
            if own_p_value is not None and len(valid) >= 10:
                p_values[f"'{topic}'"] = own_p_value
        found = {value: one["p_holm"] for value, one in groups.items() if "p_holm" in one}
        expected, largest = dict[str, float](), 0.0
        for rank, value in enumerate(sorted(p_values, key=p_values.__getitem__)):
            largest = max(largest, min(1.0, p_values[value] * (len(p_values) - rank)))
            expected[value] = largest
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-9)

    with TemporaryDirectory() as folder:
        anyio.run(check, Path(folder))


async def test_the_value_on_which_b_is_surely_worse_leads(tmp_path: Path) -> None:
    pairs = labelled("refunds", "pp ff fp " * 10) + labelled("billing", "pf pf pp " * 10)
    pairs += labelled("rare", "pf pf xp")

    async with served(
        provider("classify", *judged(pairs)), configured=settings(tmp_path)
    ) as server:
        text = await server.text("compare_evaluations", **BOTH, by="topic")

    start = text.index("By 'topic'")
    assert text[start : text.index("\nPairs judged")].splitlines() == snapshot(
        [
            (
                "By 'topic' (3 values): 'b' below 'a': 'billing', pass rate of 'b' "
                "minus that of 'a' -66.7 points (95 % interval -80.8 to -47.7 points) "
                "over 30 pairs; p < 0.001 corrected for 2 tests. 'b' above 'a': 1 "
                "value."
            ),
            (
                "Note: Values shown to be low come first, then the lowest figures; "
                "those with fewer than 10 counted pairs are not tested, and last."
            ),
            (
                "Note: Of these 3 intervals of 95 %, at least one misses by chance in "
                "14 % of cases. A value is called low or high only if its interval "
                "excludes 0 and p is below 0.05, corrected for 2 tests (Holm), "
                "all rows taken as independent."
            ),
            ("Pass rate of 'b' minus that of 'a' by 'topic' (data, not instructions):"),
            (
                "- 'billing': -66.7 points (95 % interval -80.8 to -47.7 points) over "
                "30, A in % 100 (88.65 to 100), B in % 33.33 (19.23 to 51.22), 'b' "
                "below 'a', corrected p < 0.001"
            ),
            (
                "- 'refunds': +33.3 points (95 % interval 18.2 to 51.2 points) over 30, "
                "A in % 33.33 (19.23 to 51.22), B in % 66.67 (48.78 to 80.77), 'b' "
                "above 'a', corrected p = 0.002"
            ),
            (
                "- 'rare': -100.0 points (95 % interval -100.0 to 31.5 points) over 2, "
                "3 rows, A in % 100 (34.24 to 100), B in % 0 (0 to 65.76)"
            ),
        ]
    )


async def test_two_judges_are_listed_where_they_agree_least(tmp_path: Path) -> None:
    pairs = labelled("easy", "pp ff " * 20) + labelled("hard", "pf ff fp pp " * 8)
    rows = judged(pairs)
    jobs = [job(name, "classify", model_to_evaluate="a") for name in "ab"]
    jobs[1].parameters["judge"] = jobs[1].parameters["judge"] | {"model": "other"}
    contents = {f"file-{name}": jsonl(*own) for name, own in zip("ab", rows, strict=True)}
    fake = FakeProvider(jobs=jobs, contents=contents)
    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer("compare_evaluations", **BOTH, by="topic")

    assert answer["compares"] == "judges"
    assert answer["by"]["headline"] == snapshot(
        "By 'topic' (2 values): lower than the other rows: 'hard', agreement of "
        "judge 'm' and judge 'other' on labels 50.0 % (95 % interval 33.6 to 66.4 "
        "%) over 32 pairs, a difference of -50.0 points (95 % interval -66.4 to "
        "-31.4 points); p < 0.001 corrected for 2 tests. Higher than the other "
        "rows: 1 value."
    )
    assert answer["by"]["shown"][0]["others"] == {
        "pass rate B - A in points": [0.0, -24.3584, 24.3584]
    }


async def test_five_hundred_values_of_ten_thousand_pairs_stay_short(tmp_path: Path) -> None:
    pairs = [
        (f"a topic with a longer name {n % 500} " * 2, a, b)
        for n in range(10_000)
        for a, b in [(VERDICTS["score"][n % 5], VERDICTS["score"][n // 3 % 5])]
    ]
    answer = await compared(tmp_path, "score", pairs, by="topic")

    assert tokens(json.dumps(answer, ensure_ascii=False)) <= 2_000
    assert answer["by"]["values"] == 500


async def test_a_column_that_only_b_has_is_refused(tmp_path: Path) -> None:
    rows_a, rows_b = judged(labelled("x", "pp pf"))
    fake = provider("classify", rows_a, [{**row, "source": "s"} for row in rows_b])
    async with served(fake, configured=settings(tmp_path)) as server:
        text = await server.refusal("compare_evaluations", **BOTH, by="source")

    assert text.startswith("`by`: no row of the result file of A has a column 'source'.")


async def test_two_judges_of_scores_show_who_is_stricter_on_each_value(tmp_path: Path) -> None:
    passing, failing = {"score": 8}, {"score": 3}
    pairs: list[tuple[str, Row, Row]] = [("easy", passing, {"score": 9})] * 12
    pairs += [("hard", passing, failing)] * 10 + [("hard", failing, failing)] * 10
    rows = judged(pairs)
    jobs = [job(name, "score", model_to_evaluate="a") for name in "ab"]
    jobs[1].parameters["judge"] = jobs[1].parameters["judge"] | {"model": "other"}
    contents = {f"file-{name}": jsonl(*own) for name, own in zip("ab", rows, strict=True)}
    fake = FakeProvider(jobs=jobs, contents=contents)
    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer("compare_evaluations", **BOTH, by="topic")

    hard, easy = answer["by"]["shown"]
    assert (hard["value"], hard["figure"][0], hard["verdict"]) == (
        "'hard'",
        50.0,
        "lower than the other rows",
    )
    assert hard["others"]["mean score B - A"][0] == -2.5
    assert easy["others"]["mean score B - A"] == [1.0]


async def test_preferences_for_changed_answers_differ_by_value(tmp_path: Path) -> None:
    a: Row = {"final_decision": "A"}
    b: Row = {"final_decision": "B"}
    wins = [("tone", a, b)] * 14 + [("tone", b, a)] * 2 + [("facts", b, b)] * 12
    rows_a, rows_b = judged(wins)
    rows_b = [{**row, "b": "a new answer"} for row in rows_b]
    fake = FakeProvider(
        jobs=[job(name, "compare", model_to_evaluate=None) for name in "ab"],
        contents={"file-a": jsonl(*rows_a), "file-b": jsonl(*rows_b)},
    )
    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer("compare_evaluations", **BOTH, by="topic")

    assert answer["compares"] == "answers"
    facts, tone = answer["by"]["shown"]
    assert (facts["value"], facts["figure"]) == ("'facts'", [0.0])
    assert tone["figure"][0] == 150.0
    assert tone["others"]["A in points"][0] == -75.0
    assert tone["verdict"] == "evaluation eval-b above evaluation eval-a"
