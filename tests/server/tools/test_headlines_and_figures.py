"""Every headline agrees with every figure, in every tool, over random evaluations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.server.fake_provider import NOON, FakeProvider, jsonl
from tests.server.serving import Served, served, settings
from tests.server.tools import recomputed
from tests.server.tools.recomputed import Row, shows, shows_digits, shows_p, wrong_numbers
from tests.server.tools.test_one_headline import COMMON, PARAMETERS, engine_totals, scored
from tests.volume import examples

from evals_mcp.results.calibration.headline import UNCHECKED
from evals_schemas.evaluation_api.evaluations import EvaluationJob

NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
P_VALUE = r"(?P<p>p (?:=|<) [\d.]+)"
FIRST = r"(?:(?P<failed>\d+) of (?P<all>\d+) rows failed and (?:is|are) not counted: )?"
LAST = (
    r"(?:; (?P<more>\d+) more rows? failed and (?:is|are) not counted"
    r"|; (?P<only>\d+) rows? failed)?"
)
ENDS = rf"(?P<low>{NUMBER}) to (?P<high>{NUMBER})"
CASES = ["classify", "score", "compare", "one pass", "one model", "two models"]


@dataclass(frozen=True)
class Evaluation:
    """A random evaluation with its rows."""

    name: str
    case: str
    rows: list[Row]
    reports_totals: bool
    finished: bool
    own: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def kind(self) -> str:
        kinds = {"one pass": "compare", "one model": "benchmark", "two models": "benchmark"}
        return kinds.get(self.case, self.case)

    @property
    def expected(self) -> dict[str, Any]:
        return recomputed.summary(self.kind, self.rows, one_pass=self.case == "one pass")

    @property
    def job(self) -> EvaluationJob:
        results = self.totals() if self.reports_totals else {}
        return EvaluationJob.model_validate(
            {
                "workflow_id": f"eval-{self.name}",
                "type": self.kind,
                "status": "completed" if self.finished else "user_error",
                "created_at": NOON,
                "updated_at": NOON,
                "progress": {
                    "done": len(self.rows),
                    "total": len(self.rows) + 5 * (not self.finished),
                },
                "parameters": self.parameters,
                "results": {**results, "result_file_id": f"file-{self.name}"},
            }
        )

    @property
    def parameters(self) -> dict[str, Any]:
        if self.kind == "benchmark":
            second = {"model_id_2": "two"} if self.case == "two models" else {}
            return {"benchmark_id": "file-1", "model_id": "one", **second}
        both = {"disable_position_bias_correction": True} if self.case == "one pass" else {}
        return {**COMMON, **PARAMETERS[self.kind], **both, **self.own}

    def totals(self) -> dict[str, Any]:
        if self.kind != "benchmark":
            return engine_totals(self.kind, self.rows, self.parameters)
        return benchmark_totals(self.rows, paired=self.case == "two models")


def benchmark_totals(rows: Sequence[Row], *, paired: bool) -> dict[str, Any]:
    """The totals that the embedded engine reports of these answers."""
    models: list[dict[str, Any]] = []
    for model in dict.fromkeys(row["model_id"] for row in rows):
        answers = [row for row in rows if row["model_id"] == model]
        judged = [row["correct"] for row in answers if row["score"] is not None]
        counts = {"questions": len(judged), "correct": sum(judged)}
        metric = {"mean": sum(judged) / len(judged)} if judged else {}
        failed = len(answers) - len(judged)
        models.append(
            {"model_id": model, "failed": failed, **counts, "metrics": {"accuracy": metric}}
        )
    if not paired:
        return {"models": models}
    ones, twos = (
        {row["question_id"]: row for row in rows if row["model_id"] == model}
        for model in ("one", "two")
    )
    pairs = [
        (ones[number]["correct"], twos[number]["correct"])
        for number in ones
        if None not in (ones[number]["score"], twos[number]["score"])
    ]
    names = {(True, True): "both", (True, False): "only_first", (False, True): "only_second"}
    counts = {name: pairs.count(pair) for pair, name in names.items()}
    counts["neither"] = len(pairs) - sum(counts.values())
    return {"models": models, "paired_answers": counts}


FAILED: Sequence[Row] = [
    {"failed_at": "generation"},
    {"failed_at": "judge"},
    {"failed_at": "verdict", "judge_raw_output": "?"},
]


def verdicts(case: str) -> st.SearchStrategy[Row]:
    """Return the verdicts of a type, with some that are missing."""
    failed = st.sampled_from(FAILED)
    if case == "classify":
        return st.sampled_from([{"label": "good"}] * 3 + [{"label": "bad"}] * 2) | failed
    if case == "score":
        scores = st.sampled_from([0, 2.5, 5, 7, 7, 10]) | st.floats(0, 10)
        return st.builds(scored, scores) | failed
    choices = st.sampled_from(["A", "A", "B", "Tie", None])
    if case == "one pass":
        return st.builds(_one_pass, choices)
    return st.builds(_pair, choices, choices) | st.sampled_from(["A", "B"]).map(
        lambda choice: _pair(choice, choice)
    )


def _one_pass(choice: str | None) -> Row:
    unread = {"failed_at": "verdict", "judge_raw_output_original": "?"}
    return {"final_decision": choice, "choice_original": choice} if choice else unread


def _pair(original: str | None, flipped: str | None) -> Row:
    decision = original if original == flipped else "Tie"
    if original is None or flipped is None:
        decision = original or flipped
    unread = {} if decision else {"failed_at": "verdict", "judge_raw_output_original": "?"}
    choices = {"choice_original": original, "choice_flipped": flipped}
    return {"final_decision": decision, **choices, **unread}


def _answer(name: str, number: int, model: str, right: bool | None) -> Row:
    judged = {"correct": right, "score": None if right is None else float(right)}
    missing = {"failed_at": "judge"} if right is None else {}
    question = {"question_id": number, "question": f"q{number}", "expected_answer": "e"}
    return {**question, "model_id": model, "model_answer": f"{name}{number}", **judged, **missing}


SHIFTS: Mapping[str, Mapping[Any, Row]] = {
    "classify": {"good": {"label": "bad"}},
    "compare": {"A": _pair("B", "B"), "Tie": _pair("B", "B")},
    "one pass": {"A": _one_pass("B"), "Tie": _one_pass("B")},
}
"""What a verdict becomes in a second evaluation that is worse, by its label or decision."""


def shifted(case: str, found: Sequence[Row], most: int) -> list[Row]:
    """Return the verdicts with up to `most` of them worse, for differences that hardly show."""
    changed: list[Row] = []
    for verdict in found:
        worse = SHIFTS[case].get(verdict.get("label") or verdict.get("final_decision"))
        changed.append(worse if worse and most > 0 else verdict)
        most -= worse is not None
    return changed


@st.composite
def evaluations(draw: st.DrawFn) -> tuple[Evaluation, Evaluation]:
    """Return two evaluations of one type over the same rows."""
    case = draw(st.sampled_from(CASES))
    size = draw(st.integers(1, 45))
    rows: dict[str, list[Row]] = {}
    if case in ("one model", "two models"):
        models = ["one", "two"] if case == "two models" else ["one"]
        rights = st.lists(st.sampled_from([True, True, False, None]), min_size=2, max_size=2)
        for name in "ab":
            rows[name] = [
                _answer(name, number, model, right)
                for number in range(size)
                for model, right in zip(models, draw(rights), strict=False)
            ]
    else:
        drawn = st.lists(verdicts(case), min_size=size, max_size=size)
        first = draw(drawn)
        few = draw(st.sampled_from([5, 5, 5, 8])) if case in SHIFTS and draw(st.booleans()) else 0
        second = shifted(case, first, few) if few else draw(drawn)
        for name, found in (("a", first), ("b", second)):
            rows[name] = [
                {"id": number, "v1": f"x{number}", "v2": f"y{number}", **verdict}
                for number, verdict in enumerate(found)
            ]
    side = "model_to_evaluate"
    own: list[dict[str, Any]]
    own = [{side: "v1"}, {side: "v2"}] if case in ("classify", "score") else [{}, {}]
    a, b = (
        Evaluation(name, case, rows[name], draw(st.booleans()), draw(st.integers(0, 3)) > 0, each)
        for name, each in zip("ab", own, strict=True)
    )
    return a, b


@hypothesis_settings(max_examples=examples(30), deadline=None)
@given(evaluations())
def test_every_headline_agrees_with_every_figure_in_every_tool(
    both: tuple[Evaluation, Evaluation],
) -> None:
    async def check(folder: Path) -> None:
        fake = FakeProvider(
            types=frozenset({"classify", "score", "compare", "benchmark"}),
            jobs=[each.job for each in both],
            contents={f"file-{each.name}": jsonl(*each.rows) for each in both},
        )
        async with served(fake, configured=settings(folder)) as server:
            for each in both:
                await _check_one(server, each)
            if both[0].case != "two models":
                await _check_comparison(server, *both)

    with TemporaryDirectory() as folder:
        anyio.run(check, Path(folder))


async def _check_one(server: Served, evaluation: Evaluation) -> None:
    evaluation_id = f"eval-{evaluation.name}"
    found = await server.answer("get_evaluation", evaluation_id=evaluation_id)
    text = await server.text("get_evaluation", evaluation_id=evaluation_id)
    status = await server.answer("get_status", evaluation_id=evaluation_id)
    listed = await server.answer("list_evaluations")
    lines = [line for line in listed["evaluations"] if line["evaluation_id"] == evaluation_id]

    summary = found.get("summary")
    if summary is None:
        assert not evaluation.finished
        assert not status.get("headline")
        return
    headlines = {each["headline"] for each in (summary, status, *lines)}
    assert len(headlines) == 1, headlines
    assert text.splitlines()[1] == summary["headline"]
    if evaluation.case == "two models":
        # The second difference is that of the scores, which are 0 or 1 here.
        del summary["benchmark"]["differences"][1:]
    assert recomputed.disagreements(summary, evaluation.expected) == []
    _check_notes(summary, evaluation)
    assert wrong_numbers(text) == []
    headline = summary["headline"]
    if not evaluation.finished:
        begin = f"The evaluation did not finish; it ended after {len(evaluation.rows)} of "
        assert headline.startswith(begin)
        headline = headline.partition(": ")[2]
    READERS[evaluation.kind](headline, evaluation.expected, evaluation)
    await _check_pages(server, evaluation)


def _check_notes(summary: Mapping[str, Any], evaluation: Evaluation) -> None:
    """Check the bounds that failed rows leave."""
    expected, notes = evaluation.expected, " ".join(summary["notes"])
    failed = expected["failures"]["total"]
    bounds = re.findall(rf"between ({NUMBER})(?: %)? and ({NUMBER})", notes)
    if evaluation.kind in ("classify", "score") and expected["pass_rate"] and failed:
        count, n = expected["pass_rate"]["count"], expected["pass_rate"]["of"]
        low, high = bounds[0]
        assert shows(low, 100 * count / (n + failed))
        assert shows(high, 100 * (count + failed) / (n + failed))
    if evaluation.kind == "score" and expected["scores"] and failed:
        mean, n = expected["scores"]["mean"], expected["scores"]["n"]
        assert shows_digits(bounds[1][0], mean * n / (n + failed))
        assert shows_digits(bounds[1][1], (mean * n + 10 * failed) / (n + failed))
    if evaluation.kind == "compare" and bounds:
        wins = expected["wins"]
        n, left_out = wins["a"] + wins["b"] + wins["ties"], failed + (wins["one_order"] or 0)
        points = wins["a"] + wins["ties"] / 2
        assert shows(bounds[0][0], 100 * points / (n + left_out))
        assert shows(bounds[0][1], 100 * (points + left_out) / (n + left_out))


def _read(pattern: str, headline: str) -> dict[str, str]:
    match = re.fullmatch(pattern, headline.removesuffix(UNCHECKED))
    assert match, headline
    return {name: text for name, text in match.groupdict().items() if text is not None}


def _check_failed(parts: Mapping[str, str], failed: int, others: int, *, counts: bool) -> None:
    """Check where and how the headline names the failed rows."""
    named = parts.get("failed") or parts.get("more") or parts.get("only") or "0"
    assert int(named) == failed
    if failed and counts:
        assert ("failed" in parts) == (10 * failed >= failed + others)
    if "all" in parts:
        assert int(parts["all"]) == failed + others


def _check_labels(headline: str, expected: Mapping[str, Any], _: Evaluation) -> None:
    rate, failed = expected["pass_rate"], expected["failures"]["total"]
    if rate is None:
        parts = _read(f"No row has a valid verdict{LAST}\\.", headline)
        _check_failed(parts, failed, 0, counts=False)
        return
    share = rf"(?P<percent>{NUMBER}) % of (?P<of>\d+) answers? pass(?:es)?"
    parts = _read(rf"{FIRST}{share} \(95 % interval {ENDS} %\){LAST}\.", headline)
    assert shows(parts["percent"], rate["percent"])
    assert int(parts["of"]) == rate["of"]
    assert shows(parts["low"], rate["interval"]["low"])
    assert shows(parts["high"], rate["interval"]["high"])
    _check_failed(parts, failed, rate["of"], counts=True)


def _check_scores(headline: str, expected: Mapping[str, Any], _: Evaluation) -> None:
    scores, failed = expected["scores"], expected["failures"]["total"]
    if scores is None:
        parts = _read(f"No row has a valid score{LAST}\\.", headline)
        _check_failed(parts, failed, 0, counts=False)
        return
    mean = rf"The mean score of (?P<n>\d+) answers? is (?P<mean>{NUMBER}) on a scale of 0 to 10"
    parts = _read(rf"{FIRST}{mean}(?: \(95 % interval {ENDS}\))?{LAST}\.", headline)
    assert int(parts["n"]) == scores["n"]
    assert shows_digits(parts["mean"], scores["mean"])
    assert ("low" in parts) == (scores["interval"] is not None)
    if "low" in parts:
        assert shows_digits(parts["low"], scores["interval"]["low"])
        assert shows_digits(parts["high"], scores["interval"]["high"])
    _check_failed(parts, failed, scores["n"], counts=True)


def _check_wins(headline: str, expected: Mapping[str, Any], evaluation: Evaluation) -> None:
    wins, failed = expected["wins"], expected["failures"]["total"]
    n, one_order = wins["a"] + wins["b"] + wins["ties"], wins["one_order"] or 0
    if not n:
        start = "No pair was judged in both orders" if one_order else "No pair has a valid verdict"
        assert headline.startswith(start)
        return
    counts = (
        r"of (?P<n>\d+) pairs? 'old' wins (?P<a>\d+), 'new' wins (?P<b>\d+) and (?P<ties>\d+) "
        r"(?:is a tie|are ties)"
    )
    test = rf"(?: \(sign test {P_VALUE}\))?"
    share = (
        rf"(?:; (?P<side>'old'|'new') has a win rate of (?P<percent>{NUMBER}) % "
        rf"\(95 % interval {ENDS} %\))?"
    )
    order = rf"(?:; the order changed (?P<changed>{NUMBER}) % of the verdicts)?"
    one = (
        r"(?:; (?P<one_order>\d+) more pairs? (?:was|were) judged in one order only and "
        r"(?:is|are) not counted)?"
    )
    parts = _read(
        rf"{FIRST}(?P<outcome>[^:]+): {counts}{test}{share}{order}{one}{LAST}\.", headline
    )
    assert [int(parts[name]) for name in ("n", "a", "b", "ties")] == [
        n,
        *(wins[name] for name in ("a", "b", "ties")),
    ]
    assert int(parts.get("one_order", 0)) == one_order
    assert ("p" in parts) == (wins["p_value"] is not None)
    if "p" in parts:
        assert shows_p(parts["p"], wins["p_value"])
    if "side" in parts:
        assert parts["side"] == ("'new'" if wins["b"] > wins["a"] else "'old'")
        ends = wins["a_interval"]["low"], wins["a_interval"]["high"]
        figures = (wins["a_percent"], *ends)
        if wins["b"] > wins["a"]:
            figures = (100 - figures[0], 100 - figures[2], 100 - figures[1])
        assert all(map(shows, (parts["percent"], parts["low"], parts["high"]), figures))
    if "changed" in parts:
        assert float(parts["changed"]) == pytest.approx(wins["disagreements"]["percent"], abs=0.06)
    assert parts["outcome"] == _outcome(wins, evaluation)
    _check_failed(parts, failed, n + one_order, counts=True)


def _outcome(wins: Mapping[str, Any], evaluation: Evaluation) -> str:
    """Return what the headline may claim."""
    ahead = "'old'" if wins["a"] > wins["b"] else "'new'"
    ends, p_value = wins["a_interval"], wins["p_value"]
    shown = [p_value is not None and p_value < 0.05, ends and not ends["low"] <= 50 <= ends["high"]]
    if evaluation.case == "one pass":
        if not all(shown):
            return "No clear preference, and 'old' was always shown first"
        first = (
            "always shown first" if ahead == "'old'" else "although 'old' was always shown first"
        )
        return f"{ahead} was chosen more often, {first}"
    if wins["disagreements"]["percent"] >= 50:
        return "The judge follows the order"
    if p_value is None:
        return "No winner"
    if all(shown):
        return f"{ahead} is better"
    return "Borderline" if any(shown) else "No clear winner"


def _check_benchmark(headline: str, expected: Mapping[str, Any], evaluation: Evaluation) -> None:
    models, failed = expected["benchmark"]["models"], expected["failures"]["total"]
    left = r"(?:; (?P<more>\d+) more answers? failed and (?:is|are) not counted)?\."
    differences = expected["benchmark"]["differences"]
    if differences:
        assert all(f"'{model['model_id']}'" in headline for model in models)
        _check_paired(headline.partition(";" if failed else "$")[0], differences[0])
        return
    if not any(model["correct"] for model in models):
        assert headline.startswith("No question has a verdict")
        return
    one = (
        rf"'\w+' answers (?P<count>\d+) of (?P<of>\d+) questions? correctly: "
        rf"(?P<percent>{NUMBER}) % \(95 % interval {ENDS} %\)"
    )
    if evaluation.case == "two models":
        return
    parts = _read(rf"{one}{left}", headline)
    rate = models[0]["correct"]
    assert (int(parts["count"]), int(parts["of"])) == (rate["count"], rate["of"])
    assert shows(parts["percent"], rate["percent"])
    assert shows(parts["low"], rate["interval"]["low"])
    assert shows(parts["high"], rate["interval"]["high"])
    assert int(parts.get("more", 0)) == failed


def _check_paired(headline: str, difference: Mapping[str, Any]) -> None:
    """Check a sentence about two paired rates; it names the better one first."""
    if difference["p_value"] is None:
        assert headline.startswith("No question differs: ")
        return
    ends = difference["interval"]["low"], difference["interval"]["high"]
    if difference["difference"] < 0:
        ends = -ends[1], -ends[0]
    shown = re.search(rf"95 % interval {ENDS} points, exact McNemar {P_VALUE}", headline)
    assert shown, headline
    assert shows(shown["low"], ends[0], (0.0,))
    assert shows(shown["high"], ends[1], (0.0,))
    assert shows_p(shown["p"], difference["p_value"])
    _check_claim(headline, difference["p_value"], ends)


def _check_claim(headline: str, p_value: float, ends: tuple[float, float]) -> None:
    """Check that a difference is called clear exactly if its test and its interval show it."""
    shown = [p_value < 0.05, not ends[0] <= 0 <= ends[1]]
    assert ("No clear difference: " in headline) == (not any(shown)), headline
    assert ("Borderline: " in headline) == (any(shown) and not all(shown)), headline


READERS = {
    "classify": _check_labels,
    "score": _check_scores,
    "compare": _check_wins,
    "benchmark": _check_benchmark,
}


async def _check_pages(server: Served, evaluation: Evaluation) -> None:
    """Check how many rows `read_results` finds."""
    rows, kind = evaluation.rows, evaluation.kind
    stages = [row.get("failed_at") for row in rows]
    counts = {
        "all": len(rows),
        "invalid": stages.count("verdict"),
        "failed": stages.count("generation") + stages.count("judge"),
    }
    if kind == "compare":
        decided = [row for row in rows if not row.get("failed_at")]
        pairs = recomputed.counted_pairs(decided, one_pass=evaluation.case == "one pass")
        counts["one_order"] = len(decided) - len(pairs)
    else:
        passed = [recomputed_pass(kind, row) for row in rows]
        counts |= {"passing": passed.count(True), "failing": passed.count(False)}
    for show, count in counts.items():
        page = await server.answer(
            "read_results", evaluation_id=f"eval-{evaluation.name}", show=show, limit=1
        )
        assert (show, page["matching"], page["total"]) == (show, count, len(rows))


def recomputed_pass(kind: str, row: Row) -> bool | None:
    """Return whether a row passes; None without a verdict."""
    if row.get("failed_at"):
        return None
    if kind == "benchmark":
        return row["correct"]
    return row["label"] == "good" if kind == "classify" else row["score"] >= 5


async def _check_comparison(server: Served, a: Evaluation, b: Evaluation) -> None:
    result = await server.call(
        "compare_evaluations", evaluation_id_a="eval-a", evaluation_id_b="eval-b"
    )
    pairs = [
        (row_a, row_b)
        for row_a, row_b in zip(a.rows, b.rows, strict=True)
        if _is_counted(a, row_a) and _is_counted(b, row_b)
    ]
    assert result.is_error == (not pairs)
    if not pairs:
        return
    answer = result.structured_content
    assert answer is not None
    assert answer["rows"]["pairs"] == len(pairs)
    assert (
        wrong_numbers(
            await server.text(
                "compare_evaluations", evaluation_id_a="eval-a", evaluation_id_b="eval-b"
            )
        )
        == []
    )
    if a.kind == "compare":
        _check_preferences(answer, pairs)
        return
    passes = [
        (bool(recomputed_pass(a.kind, x)), bool(recomputed_pass(a.kind, y))) for x, y in pairs
    ]
    expected = recomputed.paired(passes)
    for number, name in enumerate("ab"):
        expected[name] = recomputed.rate(sum(pair[number] for pair in passes), len(passes))
        del expected[name]["percent_of_all_rows"]
    assert recomputed.disagreements(answer["passes"], expected) == []
    headline = answer["headline"]
    if a.kind == "score":
        _check_score_difference(answer, [(x["score"], y["score"]) for x, y in pairs])
    elif expected["p_value"] is None:
        assert "No row differs: " in headline
    else:
        ends = expected["interval"]["low"], expected["interval"]["high"]
        shown = re.search(rf"95 % interval {ENDS} points, exact McNemar {P_VALUE}", headline)
        assert shown, headline
        assert shows(shown["low"], ends[0], (0.0,))
        assert shows(shown["high"], ends[1], (0.0,))
        assert shows_p(shown["p"], expected["p_value"])
        _check_claim(headline, expected["p_value"], ends)
        if size := re.search(rf"({NUMBER}) points (more|less)", headline):
            assert shows(size[1], abs(expected["difference"]), (0.0,))
            assert (size[2] == "more") == (expected["difference"] > 0)


def _is_counted(evaluation: Evaluation, row: Row) -> bool:
    if row.get("failed_at"):
        return False
    if evaluation.kind != "compare":
        return True
    return bool(recomputed.counted_pairs([row], one_pass=evaluation.case == "one pass"))


def _check_score_difference(
    answer: Mapping[str, Any], scores: Sequence[tuple[float, float]]
) -> None:
    differences = [b - a for a, b in scores]
    found, headline = answer["scores"], answer["headline"]
    assert found["difference"] == pytest.approx(sum(differences) / len(scores), rel=1e-5, abs=1e-7)
    if found.get("p_value") is None or "paired t" not in headline:
        return
    expected = recomputed.stats.ttest_1samp(differences, 0)
    ends = expected.confidence_interval()
    interval = recomputed.scaled((float(ends.low), float(ends.high)), 1)
    assert found["p_value"] == pytest.approx(float(expected.pvalue), rel=1e-4, abs=1e-9)
    assert recomputed.disagreements(found["interval"], interval) == []
    shown = re.search(rf"95 % interval {ENDS}, paired t {P_VALUE}", headline)
    assert shown, headline
    assert shows_digits(shown["low"], interval["low"])
    assert shows_digits(shown["high"], interval["high"])
    assert shows_p(shown["p"], found["p_value"])
    _check_claim(headline, found["p_value"], (interval["low"], interval["high"]))


def _check_preferences(answer: Mapping[str, Any], pairs: Sequence[tuple[Row, Row]]) -> None:
    points = {"A": -100, "Tie": 0, "B": 100}
    preference, headline = answer["preference"], answer["headline"]
    decisions = [(x["final_decision"], y["final_decision"]) for x, y in pairs]
    nets = [[points[decision] for decision in side] for side in zip(*decisions, strict=True)]
    for name, net in zip("ab", nets, strict=True):
        wins = {"a_wins": net.count(-100), "b_wins": net.count(100), "ties": net.count(0)}
        ends = recomputed.tango(wins["b_wins"], wins["a_wins"], len(net))
        expected = {**wins, "net": sum(net) / len(net), "interval": recomputed.scaled(ends)}
        assert recomputed.disagreements(preference[name], expected) == []
    same = sum(x == y for x, y in decisions)
    assert answer["agreement"]["same"]["count"] == same
    agreeing = re.search(r"decisions in (\d+) of (\d+) paired rows?", headline)
    assert agreeing, headline
    assert (int(agreeing[1]), int(agreeing[2])) == (same, len(pairs))
    if "net preference" in headline:
        shown = re.search(rf"is ([+-]?{NUMBER}) points in [^,]+, ([+-]?{NUMBER}) in ", headline)
        assert shown, headline
        assert shows(shown[1], sum(nets[0]) / len(pairs), (0.0,))
        assert shows(shown[2], sum(nets[1]) / len(pairs), (0.0,))
