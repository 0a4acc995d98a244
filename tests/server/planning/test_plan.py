import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from dirty_equals import IsPartialDict
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.planning.requests import (
    JUDGE,
    LABELS,
    ROWS,
    RULE,
    candidate,
    classify,
    compare,
    completed,
    planned,
    stored,
)
from tests.server.tokens import tokens

from evals_mcp.compose import compile_template
from evals_mcp.errors import DatasetFaultError, NotFoundError, UnavailableError
from evals_mcp.planning.inputs.context import PlanningDesk
from evals_mcp.planning.plan import plan_evaluation
from evals_schemas.evaluation_api.evaluations import parse_evaluation_request
from evals_schemas.evaluation_api.models import Model
from evals_schemas.tools.plans import Plan


async def test_a_plan_shows_rows_calls_tokens_cost_and_what_the_first_row_becomes() -> None:
    plan = await planned(classify(model_to_evaluate=candidate()))

    assert plan.model_dump(exclude_defaults=True) == snapshot(
        {
            "rows": 200,
            "columns_used": ["question", "expected", "answer"],
            "first_row": [
                {
                    "template": "judge.system_template",
                    "text": "Is the answer to What is 1 + 1? right? Expected: 2",
                },
                {"template": "model_to_evaluate.system_template", "text": "Be brief."},
                {"template": "model_to_evaluate.input_template", "text": "What is 1 + 1? It is 2."},
            ],
            "calls": 400,
            "models": [
                {
                    "role": "model_to_evaluate",
                    "model": "small-1",
                    "calls": 200,
                    "input_tokens": 5408,
                    "output_tokens": 60000,
                    "cost_usd": {"low": 0.00249, "high": 0.0416},
                },
                {
                    "role": "judge",
                    "model": "judge-1",
                    "calls": 200,
                    "input_tokens": 96448,
                    "output_tokens": 12000,
                    "cost_usd": {"low": 0.0578, "high": 0.665},
                },
            ],
            "input_tokens": 101856,
            "output_tokens": 72000,
            "cost_usd": {"low": 0.0603, "high": 0.707},
            "notes": [
                (
                    "Output, assumed: model_to_evaluate 300 tokens a call (50 to 1,024), judge "
                    "60 tokens a call (40 to 1,000). Reasoning models write more."
                ),
                (
                    "No evaluation of this kind has completed yet: with 25 workers every second a "
                    "call takes is about 16 s in all."
                ),
            ],
        }
    )


async def test_a_rule_over_ready_answers_is_free_and_waits_for_no_list_of_models() -> None:
    judge = {**RULE, "system_template": "{{expected}}{{question}}"}

    free = await planned(classify(judge=judge), Listless(contents={"file-1": jsonl(*ROWS)}))

    assert (free.calls, free.input_tokens, free.output_tokens) == (0, 0, 0)
    assert free.cost_usd is not None
    assert (free.cost_usd.low, free.cost_usd.high) == (0, 0)
    assert free.notes == []


async def test_a_pair_is_judged_in_both_orders_unless_one_is_asked_for() -> None:
    both = await planned(compare())
    one = await planned(compare(disable_position_bias_correction=True))

    assert (both.calls, one.calls) == (400, 200)
    assert both.input_tokens == pytest.approx(2 * (one.input_tokens or 0), abs=1)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{question}}{{expected}}{{answer.text}}", "in every row looked at"),
        ("{{question}}{{expected}}{% if answer == 0 %}x{% endif %}", "is empty in every"),
    ],
)
async def test_a_template_that_gives_nothing_in_any_row_is_a_problem(
    template: str, expected: str
) -> None:
    empty = template.replace("{{question}}{{expected}}", "")
    rows = [{"answer": row["answer"]} for row in ROWS]

    plan = await planned(
        classify(judge={**JUDGE, "system_template": empty}, model_to_evaluate=None), stored(*rows)
    )

    assert any(expected in problem for problem in plan.problems), plan.problems


async def test_rows_without_text_are_counted_with_the_number_of_the_first() -> None:
    rows = [row | {"answer": "" if n % 50 == 3 else row["answer"]} for n, row in enumerate(ROWS)]
    rows[60] |= {"answer": None}

    plan = await planned(classify(), stored(*rows))

    assert plan.problems == []
    assert plan.warnings == snapshot(
        [
            (
                "`response_column` 'answer' is null in 1 of 200 rows looked at, first at row 61: "
                "such rows fail."
            ),
            "`response_column` 'answer' is empty in 4 of 200 rows looked at, first at row 4.",
        ]
    )


async def test_what_a_service_adds_that_is_not_the_embedded_engine_is_said_to_be_assumed() -> None:
    provider = stored(name="together", judges=["judge-1"])

    plan = await planned(classify(), provider)

    assert plan.notes == snapshot(
        [
            "Output, assumed: judge 60 tokens a call (40 to 1,000). Reasoning models write more.",
            (
                "What together itself adds to a judge's prompt is not known; it is taken to be as "
                "long as the embedded engine's."
            ),
            (
                "No evaluation of this kind has completed yet: with 25 workers every second a "
                "call takes is about 8 s in all."
            ),
        ]
    )


async def test_everything_wrong_is_named_at_once() -> None:
    judge = {**JUDGE, "system_template": "{{qestion}} {{expected"}

    plan = await planned(
        classify(
            judge=judge,
            model_to_evaluate="respons",
            labels=["good", "not good"],
            pass_labels=["good"],
        ),
        stored(*({**row, "a b": 1} for row in ROWS)),
    )

    assert plan.problems == snapshot(
        [
            (
                "`response_column`: the data set has no column 'respons'. It has 'question', "
                "'expected', 'answer', 'a b'."
            ),
            (
                "No template can read the column 'a b': Jinja2 takes letters, digits and _, not a "
                "digit first. Rename it in the data set or name it as a response column, or call "
                "upload_dataset again with `columns` ['question', 'expected', 'answer']."
            ),
            (
                "`judge.system_template` is no Jinja2 template (line 1): unexpected end of "
                "template, expected 'end of print statement'. A column is read with {{column}}; "
                "braces that are meant as text go between {% raw %} and {% endraw %}."
            ),
        ]
    )
    assert (plan.calls, plan.cost_usd) == (200, None)
    assert "Tokens and cost of `judge` are told once the problems are corrected." in plan.notes


async def test_a_stored_file_with_faults_is_a_problem() -> None:
    content = jsonl(*ROWS[:3]) + b"not json\n" + jsonl(*ROWS[3:])

    plan = await planned(classify(), stored(contents={"file-1": content}))

    assert plan.problems == snapshot(
        [
            (
                "The data set cannot be used: line 4: not JSON (Expecting value: line 1 column 1 "
                "(char 0))."
            )
        ]
    )


@pytest.mark.parametrize(
    ("changes", "provider", "problem", "warning"),
    [
        ({"judge": {**JUDGE, "model": "judge-l"}}, {}, "", "local does not list 'judge-l'. Did"),
        (
            {"judge": {**JUDGE, "model": "judge-l"}},
            {"name": "together", "judges": ["judge-1"]},
            "together does not list 'judge-l'. Did you mean judge-1?",
            "",
        ),
        (
            {"judge": {**JUDGE, "model": "small-1"}},
            {"name": "together", "judges": ["judge-1"]},
            "",
            "not among the models that the service takes",
        ),
        (
            {"judge": {**RULE, "model": "rule/contain"}},
            {},
            "no rule 'rule/contain'. Did you mean rule/contains?",
            "",
        ),
        (
            {"judge": {**JUDGE, "max_tokens": 9_000}},
            {"models": [Model(id="judge-1", context_length=8_192)]},
            "",
            "`judge.max_tokens` 9,000 is above the context length of judge-1, 8,192 tokens",
        ),
        (
            {},
            {"models": [Model(id="judge-1", type="embedding")]},
            "`judge.model` judge-1 is listed as a model of type embedding and cannot judge",
            "",
        ),
        ({"judge": RULE}, {"name": "together"}, "is a rule, and together has none", ""),
        ({}, {"models": [Model(id="rule/contains", type="rule")]}, "", "lists no model at all"),
        (
            {"model_to_evaluate": candidate(model="judge-1")},
            {},
            "",
            "`judge.model` and `model_to_evaluate.model` are the same",
        ),
    ],
)
async def test_models_are_checked_against_the_lists(
    changes: dict[str, Any], provider: dict[str, Any], problem: str, warning: str
) -> None:
    plan = await planned(classify(**changes), stored(**provider))

    assert problem in " ".join(plan.problems)
    assert warning in " ".join(plan.warnings)
    assert bool(warning) == bool(plan.warnings)


NEEDS_ENDPOINT = "local has no endpoint for models. Whoever runs this server sets local.models"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, ["judge.model"]),
        ({"judge": RULE}, []),
        ({"judge": RULE, "model_to_evaluate": candidate()}, ["model_to_evaluate.model"]),
        ({"judge": {**JUDGE, "model_source": "dedicated"}}, []),
    ],
)
async def test_a_model_without_an_endpoint_is_a_problem_before_anybody_is_asked(
    changes: dict[str, Any], fields: list[str]
) -> None:
    plan = await planned(classify(**changes), stored(models=[]), serves_models=False)

    needing = [problem for problem in plan.problems if NEEDS_ENDPOINT in problem]
    assert [problem.split("`")[1] for problem in needing] == fields
    assert bool(plan.warnings) == (changes.get("judge", {}).get("model_source") == "dedicated")


async def test_no_endpoint_elsewhere_says_nothing_of_this_machine() -> None:
    plan = await planned(classify(), stored(name="together"), serves_models=False)

    assert plan.problems == []


async def test_a_model_may_be_named_without_the_tag_that_ollama_lists() -> None:
    provider = stored(models=[Model(id="judge-1:latest")])

    assert (await planned(classify(), provider)).warnings == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"judge": {**RULE, "system_template": "{{expected}}{{question}}"}}, "a rule has no eyes"),
        ({}, "the pictures go to a model that answers"),
        ({"model_to_evaluate": candidate()}, "`model_to_evaluate.model` small-1 may have no eyes"),
        ({"model_to_evaluate": candidate(model="qwen2.5-vl")}, ""),
    ],
)
async def test_pictures_need_a_model_with_eyes(changes: dict[str, Any], expected: str) -> None:
    rows = [row | {"image_data_urls": "data:image/png;base64,aGk="} for row in ROWS]

    plan = await planned(classify(**changes), stored(*rows, models=[]))

    said = [text for text in plan.warnings if "lists no model" not in text]
    assert expected in " ".join(said)
    assert bool(said) == bool(expected)


async def test_earlier_runs_of_the_kind_tell_tokens_and_time() -> None:
    runs = [completed(seconds=seconds) for seconds in (40, 60, 90)]

    plan = await planned(classify(), stored(jobs=runs))

    assert plan.output_tokens == 200 * 25
    assert plan.duration_seconds is not None
    assert (plan.duration_seconds.low, plan.duration_seconds.high) == (100, 150)
    assert plan.notes[0] == snapshot(
        "Output: 25 tokens a row, from 3 earlier runs with the same templates."
    )


async def test_one_earlier_run_tells_the_time_with_half_of_it_each_way() -> None:
    plan = await planned(classify(), stored(jobs=[completed(seconds=60)]))

    assert plan.duration_seconds is not None
    assert (plan.duration_seconds.low, plan.duration_seconds.high) == (60, 180)


async def test_long_rows_count_although_few_of_them_are_looked_at() -> None:
    long = "The gauge showed nothing until the morning. " * 60
    rows = [
        {"question": f"Row {n}", "expected": "yes", "answer": long if n % 61 == 0 else "yes"}
        for n in range(3_000)
    ]

    plan = await planned(classify(), stored(*rows))
    none_long = await planned(classify(), stored(*(row | {"answer": "yes"} for row in rows)))

    added = (plan.input_tokens or 0) - (none_long.input_tokens or 0)
    assert added == pytest.approx(sum(tokens(row["answer"]) - 1 for row in rows), rel=0.1)


async def test_runs_of_another_kind_tell_nothing() -> None:
    other = completed(judge={**JUDGE, "model": "judge-2"})

    plan = await planned(classify(), stored(jobs=[other]))

    assert plan.duration_seconds is None
    assert any("No evaluation of this kind has completed yet" in note for note in plan.notes)


async def test_a_verdict_measured_without_a_candidate_counts_with_one() -> None:
    plan = await planned(classify(model_to_evaluate=candidate()), stored(jobs=[completed()]))

    assert {each.role: each.output_tokens for each in plan.models} == {
        "model_to_evaluate": 200 * 300,
        "judge": 200 * 25,
    }


async def test_more_rows_are_asked_for_where_the_interval_would_be_wider() -> None:
    wide = await planned(classify(), stored(*ROWS[:40]), half_width=5)
    narrow = await planned(classify(), half_width=10)

    assert "40 rows give a rate ±14.8 points or so (95 %); ±5 takes 381 rows." in wide.notes
    assert not any("rows give a rate" in note for note in narrow.notes)


@dataclass
class Listless(FakeProvider):
    """Has the data set and nothing else."""

    async def list_models(self) -> list[Model]:
        raise UnavailableError("together does not answer.")

    async def list_judges(self) -> list[str] | None:
        raise UnavailableError("together does not answer.")


async def test_without_a_price_list_the_estimate_is_in_tokens() -> None:
    provider = Listless(contents={"file-1": jsonl(*ROWS)}, error=UnavailableError("down"))

    plan = await planned(classify(), provider)

    assert plan.cost_usd is None
    assert plan.input_tokens
    assert plan.notes == snapshot(
        [
            "Output, assumed: judge 60 tokens a call (40 to 1,000). Reasoning models write more.",
            "The price list cannot be had (together does not answer): the estimate is in tokens.",
            (
                "No evaluation of this kind has completed yet: with 25 workers every second a "
                "call takes is about 8 s in all."
            ),
        ]
    )


async def test_a_missing_data_set_names_the_tools_that_help() -> None:
    with pytest.raises(NotFoundError, match=r"list_datasets.*upload_dataset"):
        await planned(classify(), FakeProvider())


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"a": ', b"\xff\xfe,b\n", b"a,b\n"])
async def test_a_data_set_without_a_row_cannot_be_planned_with(content: bytes) -> None:
    with pytest.raises(DatasetFaultError, match="upload_dataset"):
        await planned(classify(), stored(contents={"file-1": content}))


async def test_other_calls_go_on_while_a_template_is_parsed() -> None:
    turns = 0

    async def other_call() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    judge = {**JUDGE, "system_template": "{{question}}" * 5000}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other_call)
        await planned(classify(judge=judge))
        tasks.cancel_scope.cancel()

    assert turns > 100


@pytest.mark.parametrize(
    "template",
    [
        "{{question}}{{ 10**(10**10) }}",
        "{{question}}{{ 'x' * 1000000000 }}",
        "{{question}}{{ 'x' | center(10**10) }}",
        (
            "{{question}}{% for a in range(10**6) %}{% for b in range(10**6) %}x{% endfor %}"
            "{% endfor %}"
        ),
        "{{question}}{{ [] " + "| tojson " * 60 + "}}",
    ],
)
async def test_a_template_without_bounds_ends_in_a_plan_all_the_same(template: str) -> None:
    judge = {**JUDGE, "system_template": template + "{{expected}}"}

    plan = await planned(classify(judge=judge))

    assert plan.rows == 200


_CELLS = st.none() | st.text(max_size=20) | st.integers() | st.lists(st.text(max_size=3))
_TEMPLATES = st.text(max_size=40) | st.sampled_from(
    ["{{a}}", "{{a.b}}", "{% for x in a %}{{x}}{% endfor %}", "{{a|length}}", "{{b|upcase}}"]
)


@given(
    rows=st.lists(st.fixed_dictionaries({"a": _CELLS, "b": _CELLS}), min_size=1, max_size=8),
    template=_TEMPLATES,
    asked=_TEMPLATES,
)
@settings(max_examples=60, deadline=None)
async def test_any_rows_and_templates_give_a_plan_or_a_fault_of_the_data_set(
    rows: list[dict[str, Any]], template: str, asked: str
) -> None:
    request = classify(
        judge={**JUDGE, "system_template": template},
        model_to_evaluate=candidate(system_template=template, input_template=asked),
    )
    try:
        plan = await planned(request, stored(*rows))
    except DatasetFaultError:
        return

    assert tokens(plan.model_dump_json(exclude_none=True)) <= 1_900


@pytest.mark.parametrize("text", ["🚀" * 500, "नमस्ते दुनिया " * 60, '\\"{}[]' * 200, "long " * 400])
async def test_a_plan_stays_short_whatever_it_shows(text: str) -> None:
    rows = [
        {f"column_{n}": text for n in range(30)} | {"answer_a": text, "answer_b": text}
        for _ in range(3)
    ]
    everything = text + "".join(f"{{{{column_{n}}}}}" for n in range(30))
    plan = await planned(
        compare(
            judge={**JUDGE, "system_template": everything},
            model_a=candidate(
                model="answer_a", system_template=text, input_template="{{answer_a}}"
            ),
            model_b=candidate(model=text[:90], system_template=text, input_template="{{answer_b}}"),
        ),
        stored(*rows),
    )

    assert tokens(plan.model_dump_json(exclude_none=True)) <= 1_900


async def test_an_ordinary_plan_is_under_1200_tokens() -> None:
    plan = await planned(compare(model_a=candidate(), model_b=candidate(model="judge-1")))

    assert tokens(plan.model_dump(mode="json", exclude_none=True)) <= 1_200


@dataclass
class Counting(FakeProvider):
    """Counts how often a file is read, and stops in the middle where it is told to."""

    reads: int = 0
    transfers_ended: int = 0
    stalls: bool = False

    @asynccontextmanager
    async def dataset_content(self, file_id: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        self.reads += 1
        try:
            yield self._slowly(self.contents[file_id])
        finally:
            self.transfers_ended += 1

    async def _slowly(self, content: bytes) -> AsyncIterator[bytes]:
        yield content
        if self.stalls:
            await anyio.sleep_forever()


async def test_a_data_set_is_read_once_for_calls_at_the_same_time_and_later_ones() -> None:
    provider = Counting(contents={"file-1": jsonl(*ROWS)})
    desk = PlanningDesk(compile_template)

    async with anyio.create_task_group() as calls:
        for _ in range(5):
            calls.start_soon(plan_evaluation, classify(), provider, desk)
    await plan_evaluation(classify(), provider, desk)

    assert provider.reads == 1


async def test_a_call_that_is_given_up_ends_the_transfer_and_the_next_one_reads_anew() -> None:
    provider = Counting(contents={"file-1": jsonl(*ROWS)}, stalls=True)
    desk = PlanningDesk(compile_template)

    with anyio.move_on_after(0.2):
        await plan_evaluation(classify(), provider, desk)
    assert (provider.reads, provider.transfers_ended) == (1, 1)

    provider.stalls = False
    with anyio.fail_after(10):
        assert (await plan_evaluation(classify(), provider, desk)).rows == 200


async def test_a_plan_of_a_long_comparison_names_what_is_missing_from_its_prices() -> None:
    request = parse_evaluation_request(
        {
            "type": "classify",
            "parameters": {
                "judge": {**JUDGE, "model_source": "dedicated"},
                "input_data_file_path": "file-1",
                "model_to_evaluate": "answer",
                **LABELS,
            },
        }
    )

    plan = await planned(request)

    assert plan.cost_usd is None
    assert "No price is known for judge-1: the estimate is in tokens." in plan.notes
    assert json.loads(plan.model_dump_json()) == IsPartialDict(rows=200, calls=200)


async def test_a_candidate_may_do_without_a_system_prompt_and_a_judge_may_not() -> None:
    mute = candidate(system_template="")

    compared = await planned(compare(model_a=mute, model_b={**mute, "model": "judge-1"}))
    judged = await planned(classify(judge={**JUDGE, "system_template": ""}), stored({"answer": 1}))

    assert compared.problems == []
    assert "`judge.system_template` is empty in the one row looked at." in judged.problems


def _verdicts_cost(plan: Plan) -> tuple[float, float]:
    """The range of the output price of a plan in which the judge alone is called, about."""
    assert plan.cost_usd is not None
    read = (plan.input_tokens or 0) / 1e6
    return plan.cost_usd.low - 0.9 * read, plan.cost_usd.high - 1.1 * read


_OTHER = {**JUDGE, "system_template": "{{question}} {{expected}}"}


@pytest.mark.parametrize(
    ("earlier", "tokens_a_row", "note"),
    [
        ({}, (18.75, 31.25), "25 tokens a row, from 1 earlier run with the same templates."),
        (
            {"judge": _OTHER},
            (25 / 3, 180),
            "(8 to 180), from 1 earlier run of this judge with another template.",
        ),
        (
            {"labels": ["right", "wrong", "so-so"]},
            (25 / 3, 180),
            "from 1 earlier run of this judge with other labels, scale or max_tokens.",
        ),
        ({"judge": {**JUDGE, "max_tokens": 200}}, (25 / 3, 180), "other labels, scale or max_tok"),
    ],
)
async def test_only_a_run_that_asked_the_same_narrows_the_range(
    earlier: dict[str, Any], tokens_a_row: tuple[float, float], note: str
) -> None:
    plan = await planned(classify(), stored(jobs=[completed(**earlier)]))

    assert plan.output_tokens == 200 * 25
    low, high = (200 * each * 2 / 1e6 for each in tokens_a_row)
    assert _verdicts_cost(plan) == (pytest.approx(low, abs=2e-4), pytest.approx(high, rel=0.01))
    assert note in plan.notes[0]


async def test_runs_that_differ_widen_the_range_as_far_as_they_do() -> None:
    runs = [completed(output_tokens=output) for output in (1_000, 4_000, 10_000)]

    plan = await planned(classify(), stored(jobs=runs))

    assert _verdicts_cost(plan)[1] == pytest.approx(200 * 100 * 2 / 1e6, rel=0.01)


async def test_no_answer_is_taken_to_be_longer_than_allowed() -> None:
    short = {**JUDGE, "max_tokens": 30}

    plan = await planned(classify(judge=short), stored(jobs=[completed(output_tokens=9_000)]))

    assert plan.output_tokens == 200 * 30
    assert _verdicts_cost(plan)[1] == pytest.approx(200 * 30 * 2 / 1e6, rel=0.01)


@pytest.mark.parametrize("data", ["file-1", "file-2"])
async def test_who_of_two_models_wrote_how_much_is_not_taken_for_known(data: str) -> None:
    request = classify(model_to_evaluate=candidate())
    earlier = completed(model_to_evaluate=candidate(), input_data_file_path=data)

    plan = await planned(request, stored(jobs=[earlier]))

    # The judge is the dear one, and may have written all of it.
    judge = plan.models[-1]
    assert judge.cost_usd is not None
    assert judge.cost_usd.high >= 200 * 25 * 2 / 1e6
    assert (plan.output_tokens, "other templates, limits or data" in plan.notes[0]) == (
        5_000,
        data == "file-2",
    )


async def test_what_does_not_fit_leaves_calls_and_other_models_in_the_plan() -> None:
    judge = {**JUDGE, "system_template": "{{qestion}} {{expected}}"}
    free = {**RULE, "system_template": "{{expcted}}"}

    plan = await planned(classify(judge=judge, model_to_evaluate=candidate()))
    by_rule = await planned(classify(judge=free, model_to_evaluate=candidate()))
    unused = await planned(classify(judge={**JUDGE, "system_template": "{{question}}"}))

    assert (plan.calls, plan.cost_usd) == (400, None)
    assert [each.role for each in plan.models] == ["model_to_evaluate"]
    assert by_rule.problems
    assert by_rule.cost_usd is not None
    assert "Nothing uses the column 'expected'" in unused.problems[0]
    assert unused.cost_usd is not None


async def test_a_cell_is_told_of_once_and_by_the_number_of_its_row() -> None:
    rows = [row | {"question": "" if n == 1 else row["question"]} for n, row in enumerate(ROWS)]
    rows[2] |= {"answer": ""}
    content = b"\n\n" + jsonl(*rows)

    plan = await planned(classify(), stored(contents={"file-1": content}))

    assert plan.warnings == [
        "`response_column` 'answer' is empty in 1 of 200 rows looked at, first at row 3."
    ]
    assert "Data set: `question` is empty in 1 row, first at row 2." in plan.notes


async def test_more_workers_than_there_can_be_are_not_promised() -> None:
    judge = {**JUDGE, "num_workers": 1_000_000}
    rows = [{**row, "question": f"{n}"} for n in range(30) for row in ROWS]

    plan = await planned(classify(judge=judge), stored(*rows))
    few = await planned(classify(judge=judge), stored(*ROWS[:1]))

    assert "`judge.num_workers` is 1,000,000: 1,024 calls are made at once at most." in plan.notes
    assert any("with 1,024 workers every second" in note for note in plan.notes)
    assert any("with 1 worker every second" in note for note in few.notes)
    assert any(note.startswith("1 row gives a rate") for note in few.notes)


async def test_a_long_time_is_told_in_hours() -> None:
    judge = {**JUDGE, "num_workers": 1}

    plan = await planned(classify(judge=judge), stored(*ROWS * 30))

    assert any("is about 1.7 h in all" in note for note in plan.notes)
