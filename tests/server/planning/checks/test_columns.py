from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clocks import bounded_work
from tests.server.planning.requests import names_here

from evals_mcp.planning.checks.columns import ColumnFit, check_columns
from evals_mcp.planning.inputs.templates import can_be_named, templates
from evals_mcp.planning.template_task import template_names
from evals_schemas.evaluation_api.evaluations import parse_evaluation_request

JUDGE = {"model": "j", "model_source": "serverless", "system_template": "{{expected}}"}


def request(template: str, **changes: Any) -> Any:
    parameters: dict[str, Any] = {
        "judge": {"model": "j", "model_source": "serverless", "system_template": template},
        "input_data_file_path": "file-1",
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        **changes,
    }
    return parse_evaluation_request({"type": "classify", "parameters": parameters})


def fit_of(checked: Any, columns: Sequence[str]) -> ColumnFit:
    names = names_here(templates(checked.parameters))
    return check_columns(checked.parameters, columns, names)


def model(**changes: str) -> dict[str, str]:
    return {
        "model": "m",
        "model_source": "serverless",
        "system_template": "Be brief.",
        "input_template": "{{question}}",
        **changes,
    }


@pytest.mark.parametrize(
    ("template", "columns"),
    [
        ("{{question}} {{answer}}", ["question", "answer"]),
        (
            "{{info.question}} {% for x in steps %}{{x}} {{loop.index}}{% endfor %}",
            ["info", "steps"],
        ),
        ("{% if question %}{{ question | upper }}{% endif %} {{ range(3) | list }}", ["question"]),
        ("{{question}}", ["question", "image_data_urls"]),
        ("{% raw %}{{ not_a_column }}{% endraw %}{{question}}", ["question"]),
        ("{{range}} {{dict}} {{cycler}} {{lipsum}}", ["range", "dict", "cycler", "lipsum"]),
    ],
)
def test_a_request_that_uses_every_column_passes(template: str, columns: list[str]) -> None:
    fit = fit_of(request(template), columns)

    assert (fit.problems, fit.unused) == ([], [])


@pytest.mark.parametrize(
    ("checked", "columns", "expected"),
    [
        (request("{{qestion}}"), ["question"], "Did you mean 'question'?"),
        (
            request("{{question"),
            ["question"],
            "`judge.system_template` is not a valid Jinja2 template (line 1)",
        ),
        (request("{{question | upcase}}"), ["question"], "No filter named 'upcase'"),
        (
            request("Is it good?"),
            ["question", "id"],
            (
                "Nothing uses a column of the data set, which has 'question', 'id': read one in "
                "`judge.system_template` as {{column}}, or name a column of answers in "
                "`response_column`."
            ),
        ),
        (request("", model_to_evaluate="answer"), ["response"], "has no column 'answer'"),
        (request("", model_to_evaluate="Qwen/Qwen3.5-9B"), ["a"], "object in `model_to_evaluate`"),
        (request("", model_to_evaluate="gpt-5"), ["a"], "object in `model_to_evaluate`"),
        (
            request("", model_to_evaluate=model(input_template="{{q}}")),
            ["question"],
            "`model_to_evaluate.input_template` uses {{q}}",
        ),
        (
            request("", model_to_evaluate=model(model="answer_v1")),
            ["question", "answer_v1"],
            (
                "`model_to_evaluate.model` is 'answer_v1', a column of the data set. For ready "
                "answers, pass the column as `response_column`"
            ),
        ),
        (
            request("{{expected}}", judge={**JUDGE, "model": "rule/contains"}),
            ["expected", "answer_v1"],
            (
                "`response_column` or `model_to_evaluate` is missing: a rule compares an answer "
                "with the expected one. The data set has 'expected', 'answer_v1'."
            ),
        ),
        (
            request("{question} or { expected }"),
            ["question", "expected"],
            (
                "`judge.system_template` has {question}, {expected}, which is not replaced: write "
                "{{question}}, with two braces on each side."
            ),
        ),
        (
            request("{{expected}}", judge={**JUDGE, "model": "answer_v1"}),
            ["expected", "answer_v1"],
            (
                "`judge.model` is 'answer_v1', a column of the data set. A judge is a model or a "
                "rule from list_models; name a column of ready answers in `response_column`."
            ),
        ),
        (request("x" * 65_537), ["question"], "`judge.system_template` is longer than 64 KiB"),
        (request("{{" + "(" * 30_000), ["question"], "template: it is nested too deeply."),
        (request("{{" + "9" * 30_000 + "}}"), ["question"], "a number in it is too long."),
    ],
)
def test_a_misfit_is_named_with_the_field_and_the_way_out(
    checked: Any, columns: list[str], expected: str
) -> None:
    assert expected in " ".join(fit_of(checked, columns).problems)


def test_columns_that_nothing_uses_are_no_problem_and_not_sent() -> None:
    fit = fit_of(request("{{range(3)}}"), ["range", "id", "a b"])

    assert (fit.used, fit.unused, fit.problems) == (["range"], ["id", "a b"], [])


@given(st.text(max_size=200))
def test_any_text_is_a_template_or_a_problem(template: str) -> None:
    problems = fit_of(request(template), []).problems

    assert all(len(problem) < 800 for problem in problems)


def test_a_column_named_like_a_model_may_hold_that_models_answers() -> None:
    answers = {"model_a": "gpt-5", "model_b": model(model="gpt-5")}
    parameters = {"judge": JUDGE, "input_data_file_path": "file-1", **answers}
    checked = parse_evaluation_request({"type": "compare", "parameters": parameters})

    assert fit_of(checked, ["question", "expected", "gpt-5"]).problems == []


def test_a_column_that_no_template_can_name_may_hold_the_answers() -> None:
    checked = request("{{question}}", model_to_evaluate="my answer")

    assert fit_of(checked, ["question", "my answer"]).problems == []


@given(st.text(max_size=8) | st.sampled_from(["not", "self", "if", "None", "loop", "a-b", "1a"]))
def test_a_column_can_be_named_where_a_template_of_its_name_reads_it(name: str) -> None:
    if not can_be_named(name):
        return
    assert template_names(f"{{{{ {name} }}}}")["names"] == [name]


def test_a_misspelt_column_is_not_also_called_unused() -> None:
    fit = fit_of(request("{{qestion}}"), ["question"])

    assert fit.problems == [
        (
            "`judge.system_template` uses {{qestion}}, which is not a column of the data set. "
            "It has 'question'. Did you mean 'question'?"
        )
    ]


def test_a_misspelt_response_column_is_not_also_called_unused() -> None:
    fit = fit_of(request("{{expected}}", model_to_evaluate="answers"), ["expected", "answer"])

    assert fit.problems == [
        (
            "`response_column`: the data set has no column 'answers'. It has 'expected', "
            "'answer'. Did you mean 'answer'?"
        )
    ]


def test_no_column_is_called_unused_while_any_may_hold_the_answers() -> None:
    checked = request("{{expected}}", model_to_evaluate="zzz")

    assert fit_of(checked, ["expected", "answer"]).problems == [
        "`response_column`: the data set has no column 'zzz'. It has 'expected', 'answer'."
    ]


def test_columns_in_single_braces_are_not_also_called_unused() -> None:
    fit = fit_of(request("{question} {expected}"), ["question", "expected"])

    assert len(fit.problems) == 1


def test_single_braces_beside_jinja2_are_text() -> None:
    fit = fit_of(request('{{question}} Answer as {"question"} {question}'), ["question"])

    assert fit.problems == []


def test_of_very_many_missing_columns_the_first_have_a_sentence_and_the_rest_a_count() -> None:
    template = "".join(f"{{{{name_{number}}}}}" for number in range(4_000))
    columns = [f"columns_{number}_of_the_data_set" for number in range(1_000)]
    with bounded_work():
        fit = fit_of(request(template), columns)

    assert len(fit.problems) == 21
    assert fit.problems[-1] == "`judge.system_template` uses 3,980 more names that are not columns."
