import pytest

from evals_mcp.datasets.first_columns import dataset_columns
from evals_mcp.errors import DatasetFaultError, NotFoundError
from tests.server.fake_provider import FakeProvider, jsonl


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

    await dataset_columns("file-1", provider)

    assert provider.chunks_read <= 2


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"a": ', b"\xff\xfe,b\n"])
async def test_a_first_row_that_cannot_be_read_is_a_fault_of_the_data_set(content: bytes) -> None:
    with pytest.raises(DatasetFaultError):
        await dataset_columns("file-1", FakeProvider(contents={"file-1": content}))


async def test_a_missing_data_set_names_the_tools_that_help() -> None:
    with pytest.raises(NotFoundError, match=r"list_datasets.*upload_dataset"):
        await dataset_columns("file-1", FakeProvider())
