from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import DatasetFaultError, InvalidRequestError, NotFoundError
from evals_mcp.preflight import check_columns, check_request, dataset_columns
from evals_schemas.evaluations import parse_evaluation_request
from tests.server.fake_provider import FakeProvider, jsonl


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
    ],
)
def test_a_misfit_is_named_with_the_field_and_the_way_out(
    checked: Any, columns: list[str], expected: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_columns(checked, columns)

    assert expected in str(refused.value)
    assert "create_evaluation" in str(refused.value)


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
