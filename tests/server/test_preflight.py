from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import DatasetFaultError, InvalidRequestError, NotFoundError
from evals_mcp.preflight import check_columns, check_request, dataset_columns
from evals_mcp.template_columns import can_be_named, columns_read
from evals_schemas.evaluations import parse_evaluation_request
from tests.server.fake_provider import FakeProvider, jsonl

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
    check_columns(request(template), columns)


@pytest.mark.parametrize(
    ("checked", "columns", "expected"),
    [
        (request("{{qestion}}"), ["question"], "Did you mean 'question'?"),
        (
            request("{{question"),
            ["question"],
            "`judge.system_template` is no Jinja2 template (line 1)",
        ),
        (request("{{question | upcase}}"), ["question"], "No filter named 'upcase'"),
        (request("{{question}}"), ["question", "id"], "`columns` ['question']"),
        (request("", model_to_evaluate="answer"), ["response"], "has no column 'answer'"),
        (request("", model_to_evaluate="Qwen/Qwen3.5-9B"), ["a"], "object in `model_to_evaluate`"),
        (request("", model_to_evaluate="gpt-5"), ["a"], "object in `model_to_evaluate`"),
        (
            request("", model_to_evaluate=model(input_template="{{q}}")),
            ["question"],
            "`model_to_evaluate.input_template` uses {{q}}",
        ),
        (request("{{range(3)}}"), ["range", "id"], "the column 'id'"),
        (request("{{question}}"), ["question", "a b"], "No template can read the column 'a b'"),
        (request("{{question}}"), ["question", "answer"], "name it in `response_column` if"),
        (
            request("", model_to_evaluate=model(model="answer_v1")),
            ["question", "answer_v1"],
            (
                "`model_to_evaluate.model` is 'answer_v1', a column of the data set. For ready "
                "answers give its name as `response_column`"
            ),
        ),
        (
            request("{{expected}}", judge={**JUDGE, "model": "rule/contains"}),
            ["expected", "answer_v1"],
            (
                "`response_column` or `model_to_evaluate` is missing: a rule compares an answer "
                "with what is expected. The data set has 'expected', 'answer_v1'."
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
    with pytest.raises(InvalidRequestError) as refused:
        check_columns(checked, columns)

    assert expected in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        jsonl({"question": "1+1", "answer": "2"}),
        b"\n\n" + jsonl({"question": "1+1", "answer": "2"}),
        b'\xef\xbb\xbf{"question": "x", "answer": "y"}',
        b"question,answer\n1+1,2\n",
        b"\xef\xbb\xbfquestion,answer\r\n1,2\r\n",
        b'"question","answer"\n"a\nb",2\n',
    ],
)
async def test_columns_are_read_from_either_format(content: bytes) -> None:
    provider = FakeProvider(contents={"file-1": content})

    assert await dataset_columns("file-1", provider) == ["question", "answer"]


async def test_a_header_may_hold_a_line_break() -> None:
    provider = FakeProvider(contents={"file-1": b'"a long\nquestion",answer\n1,2\n'})

    assert await dataset_columns("file-1", provider) == ["a long\nquestion", "answer"]


async def test_the_transfer_ends_with_the_first_row() -> None:
    rows = jsonl(*({"question": str(n)} for n in range(10_000)))
    provider = FakeProvider(contents={"file-1": rows})

    await check_request(request("{{question}}"), provider)

    assert provider.chunks_read <= 2


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"a": ', b"[1]\n", b"\xff\xfe,b\n"])
async def test_a_first_row_that_cannot_be_read_is_a_fault_of_the_data_set(content: bytes) -> None:
    provider = FakeProvider(contents={"file-1": content})

    with pytest.raises((DatasetFaultError, InvalidRequestError)):
        await check_request(request("{{question}}"), provider)


async def test_a_missing_data_set_names_the_tools_that_help() -> None:
    with pytest.raises(NotFoundError, match=r"list_datasets.*upload_dataset"):
        await check_request(request("{{question}}"), FakeProvider())


@given(st.text(max_size=200))
def test_any_text_is_a_template_or_an_invalid_request(template: str) -> None:
    refused = ""
    try:
        check_columns(request(template), [])
    except InvalidRequestError as error:
        refused = str(error)

    assert len(refused) < 800


@pytest.mark.parametrize(
    "template",
    [
        "{{question}}{{ 10**(10**10) }}",
        "{{question}}{{ 'x' * 1000000000 }}",
        "{{question}}{{ 'x' | center(10**10) }}",
        "{{question}}{% autoescape 10**(10**10) %}{% endautoescape %}",
        "{{question}}{{ [] " + "| tojson " * 200 + "}}",
        "{{question}}{{ () " + "| tojson " * 200 + "}}{{ {} " + "| tojson " * 200 + "}}",
    ],
)
async def test_no_part_of_a_template_is_computed_before_the_start(template: str) -> None:
    provider = FakeProvider(contents={"file-1": jsonl({"question": "1+1"})})

    with anyio.fail_after(5):
        await check_request(request(template), provider)


async def test_other_calls_go_on_while_a_template_is_parsed() -> None:
    provider = FakeProvider(contents={"file-1": jsonl({"question": "1+1"})})
    turns = 0

    async def other_call() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other_call)
        with anyio.fail_after(10):
            await check_request(request("{{question}}" * 5000), provider)
        tasks.cancel_scope.cancel()

    assert turns > 100


def test_a_column_named_like_a_model_may_hold_that_models_answers() -> None:
    answers = {"model_a": "gpt-5", "model_b": model(model="gpt-5")}
    parameters = {"judge": JUDGE, "input_data_file_path": "file-1", **answers}
    checked = parse_evaluation_request({"type": "compare", "parameters": parameters})

    check_columns(checked, ["question", "expected", "gpt-5"])


def test_a_column_that_no_template_can_name_may_hold_the_answers() -> None:
    check_columns(request("{{question}}", model_to_evaluate="my answer"), ["question", "my answer"])


@given(st.text(max_size=8) | st.sampled_from(["not", "self", "if", "None", "loop", "a-b", "1a"]))
def test_a_column_can_be_named_where_a_template_of_its_name_reads_it(name: str) -> None:
    if not can_be_named(name):
        return
    assert columns_read("field", f"{{{{ {name} }}}}") == {name}
