"""What every store does alike: the same tests over SQLite and over PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals_engine.store.errors import AlreadyStoredError
from evals_engine.store.protocols import Storage
from evals_engine.store.records import CreationKey, StatusChange, StoredFile, UserName
from evals_schemas.datasets.reader import check, header_bytes, read_rows
from tests.engine.store.samples import ADA, EVE, a_file, an_evaluation
from tests.engine.store.storages import Opener, postgres_opener, sqlite_opener

CANCELLED = StatusChange("user_error", "Cancelled", 2)
THREADS = 16
MIB = 1024 * 1024


@pytest.fixture(params=["sqlite", "postgres"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    if request.param == "sqlite":
        return sqlite_opener(tmp_path)
    return postgres_opener(request.getfixturevalue("database_url"))


@pytest.fixture
def store(opener: Opener) -> Iterator[Storage]:
    with closing(opener()) as opened:
        yield opened


def upload(store: Storage, file: StoredFile, data: bytes) -> None:
    part = store.files.part()
    try:
        for at in range(0, len(data), 700_000):
            part.write(data[at : at + 700_000])
        part.finish()
        store.store_file(part, replace(file, bytes=len(data)))
    finally:
        part.discard()


def content(store: Storage, file_id: str, start: int = 0) -> bytes:
    with store.files.open(file_id, start) as stream:
        return stream.read()


def raced(opener: Opener, step: Callable[[Storage], Any]) -> list[Any]:
    """Let threads do the same at once, with a store for each four; return what they returned."""
    with ExitStack() as stack, ThreadPoolExecutor(THREADS) as threads:
        stores = [stack.enter_context(closing(opener())) for _ in range(THREADS // 4)] * 4
        return list(threads.map(step, stores))


def test_records_belong_to_their_owners(store: Storage) -> None:
    store.add_file(a_file())
    assert store.add_evaluation(an_evaluation(), "new", None)
    assert store.get_evaluation("eval-1", ADA) == an_evaluation()
    assert store.get_file("file-1", ADA) == a_file()
    assert [each.id for each in store.list_files(ADA)] == ["file-1"]
    assert store.get_evaluation("eval-1", EVE) is None
    assert store.get_file("file-1", EVE) is None
    assert (store.list_files(EVE), store.list_evaluations(EVE, None, 10)) == ([], [])
    assert store.delete_file("file-1", EVE) is None
    assert not store.request_cancel("eval-1", EVE, CANCELLED)
    assert not store.delete_evaluation("eval-1", EVE)
    assert store.get_file("file-1", ADA) is not None


def test_lists_are_filtered_and_newest_first(store: Storage) -> None:
    for number in range(4):
        values = {"created_at": 1_795_900_000.25 + number / 8, "parameters": {"model_id": "m"}}
        store.add_evaluation(replace(an_evaluation(f"eval-{number}"), **values), "new", None)
        bench = replace(an_evaluation(f"beval-{number}"), type="benchmark", **values)
        store.add_evaluation(bench, "new", None)
    assert store.request_cancel("eval-2", ADA, CANCELLED)
    names = [each.id for each in store.list_evaluations(ADA, None, 3)]
    assert names == ["eval-3", "eval-2", "eval-1"]
    assert [each.id for each in store.list_evaluations(ADA, "user_error", 9)] == ["eval-2"]
    found = store.get_evaluation("eval-0", ADA)
    assert found is not None
    assert found.created_at == 1_795_900_000.25
    none: dict[str, Any] = {"status": None, "or_status": None, "model_id": None}
    page, total = store.list_benchmark_evaluations(ADA, {**none, "limit": 2, "offset": 1})
    assert ([each.id for each in page], total) == (["beval-2", "beval-1"], 4)
    other = {**none, "model_id": "other", "limit": 2, "offset": 0}
    assert store.list_benchmark_evaluations(ADA, other) == ([], 0)
    waiting = {**none, "status": "queued", "or_status": "pending", "limit": 9, "offset": 0}
    assert store.list_benchmark_evaluations(ADA, waiting)[1] == 4


def test_texts_and_numbers_of_any_kind_come_back(store: Storage) -> None:
    hostile = "'; DROP TABLE files; -- %s %(id)s :id \\ \u2028 \U0001f600"
    parameters = {"system_template": f"\x00\ud800{hostile}", "answers_from": None}
    store.add_evaluation(replace(an_evaluation(), parameters=parameters), hostile, None)
    file = replace(a_file(), filename=hostile, bytes=5 * 2**31, line_count=2**31)
    store.add_file(file)
    found = store.get_evaluation("eval-1", ADA)
    assert found is not None
    assert found.parameters == parameters
    assert [change.message for change in store.status_changes("eval-1")] == [hostile]
    assert store.get_file("file-1", ADA) == file


def test_a_text_with_nul_harms_nothing(store: Storage) -> None:
    store.add_file(replace(a_file(), filename="a\0b"))
    store.add_evaluation(an_evaluation(), "a\0b", None)
    assert store.get_file("file\0-1", ADA) is None
    assert len(store.status_changes("eval-1")) == 1


def test_a_cancelled_evaluation_that_nobody_has_begun_ends_at_once(store: Storage) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.request_cancel("eval-1", ADA, CANCELLED)
    found = store.get_evaluation("eval-1", ADA)
    assert found is not None
    assert (found.status, found.results) == ("user_error", {"error": "Cancelled"})
    assert [change.status for change in store.status_changes("eval-1")] == ["pending", "user_error"]
    assert not store.request_cancel("eval-1", ADA, CANCELLED)
    assert store.delete_evaluation("eval-1", ADA)
    assert store.get_evaluation("eval-1", ADA) is None


def test_a_file_that_an_unfinished_evaluation_needs_is_not_deleted(store: Storage) -> None:
    upload(store, a_file(), b"{}\n")
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.delete_file("file-1", ADA) == "eval-1"
    assert content(store, "file-1") == b"{}\n"
    assert store.request_cancel("eval-1", ADA, CANCELLED)
    assert store.delete_file("file-1", ADA) is None
    assert not store.files.exists("file-1")
    with pytest.raises(FileNotFoundError):
        store.files.open("file-1")


def test_a_file_is_read_from_any_byte_by_any_node(opener: Opener) -> None:
    data = bytes(range(251)) * (3 * MIB // 251 + 11)
    with closing(opener()) as store, closing(opener()) as other:
        upload(store, a_file(), data)
        for start in (0, 1, MIB - 1, MIB, 2 * MIB + 5, len(data) - 1, len(data), len(data) + 9):
            assert content(other, "file-1", start) == data[start:]
        with other.files.open("file-1") as stream:
            assert stream.read(10) == data[:10]
            assert stream.tell() == 10
            stream.seek(2 * MIB)
            assert stream.readline() == data[2 * MIB :].split(b"\n")[0] + b"\n"


def test_an_upload_that_is_not_stored_leaves_nothing(opener: Opener) -> None:
    def refuse(_: int) -> None:
        raise ValueError

    with closing(opener()) as store:
        part = store.files.part()
        part.write(b"x" * (MIB + 1))
        part.finish()
        with pytest.raises(ValueError):  # noqa: PT011 - the error of the check above
            store.store_file(part, a_file(), [0], refuse)
        assert store.get_file("file-1", ADA) is None
        assert not store.files.exists("file-1")
        part.discard()


def test_an_upload_key_is_spent_by_the_first_of_many_uses(opener: Opener) -> None:
    announced = a_file(key="k")

    def step(store: Storage) -> bool:
        try:
            upload(store, announced, b"{}\n")
        except AlreadyStoredError:
            return False
        return True

    with closing(opener()) as store:
        store.add_file(announced)
        assert store.awaited_file("file-1", "wrong") is None
        assert store.awaited_file("file-1", "k") == announced
    assert raced(opener, step).count(True) == 1
    with closing(opener()) as store:
        assert content(store, "file-1") == b"{}\n"
        assert store.awaited_file("file-1", "k") is None


def test_an_idempotency_key_starts_one_evaluation_for_many_nodes(opener: Opener) -> None:
    names = iter([f"eval-{number}" for number in range(THREADS)])

    def step(store: Storage) -> bool:
        key = CreationKey("digest", "request")
        return store.add_evaluation(an_evaluation(next(names)), "new", None, key)

    assert raced(opener, step).count(True) == 1
    with closing(opener()) as store:
        (created,) = store.list_evaluations(ADA, None, 99)
        assert store.created_with(ADA, "digest") == (created.id, "request")
        assert store.created_with(EVE, "digest") is None
        assert store.created_lately(ADA, "request", 0) is None
        assert store.add_evaluation(
            an_evaluation("eval-x"), "new", None, CreationKey(None, "request")
        )
        assert store.created_lately(ADA, "request", 0) == "eval-x"
        assert store.created_lately(ADA, "request", 2) is None


def test_quotas_hold_over_many_nodes(opener: Opener) -> None:
    names = iter([f"eval-{number}" for number in range(THREADS)])

    def at_most_three(unfinished: int, stored: int) -> None:
        if max(unfinished, stored) > 3:
            raise ValueError

    def at_most_thirty(together: int) -> None:
        if together > 30:
            raise ValueError

    def step(store: Storage) -> int:
        name, accepted = next(names), 0
        for add in (
            lambda: store.add_evaluation(an_evaluation(name), "new", None, None, at_most_three),
            lambda: store.add_file(a_file(name), at_most_thirty),
        ):
            try:
                add()
                accepted += 1
            except ValueError:
                pass
        return accepted

    assert sum(raced(opener, step)) == 6
    with closing(opener()) as store:
        assert len(store.list_evaluations(ADA, None, 99)) == len(store.list_files(ADA)) == 3


def test_one_engine_has_one_id_on_every_node(opener: Opener) -> None:
    assert len(set(raced(opener, lambda store: store.engine_id))) == 1


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_marks_are_where_the_rows_begin(kind: Any, tmp_path: Path) -> None:
    if kind == "jsonl":
        lines = [f'{{"a": "{number}"}}' + "\n" * (1 + number % 3) for number in range(25)]
        lines[0] = "\ufeff" + lines[0]
    else:
        lines = ['\ufeffa,"b\nb"\r\n', *[f'{number},"x\n""y"\r\n' for number in range(25)]]
    path = tmp_path / "data"
    path.write_text("".join(lines), encoding="utf-8", newline="")
    with path.open("rb") as stream:
        first = header_bytes(stream, kind)
        header = path.read_bytes()[:first]
        stream.seek(0)
        rows = list(read_rows(stream, kind))
        stream.seek(0)
        offsets = [first, *check(stream, kind, mark_rows=10).offsets[1:]]
        assert (len(rows), len(offsets)) == (25, 3)
        for number, offset in enumerate(offsets):
            part = tmp_path / "part"
            part.write_bytes(header + path.read_bytes()[offset:])
            with part.open("rb") as rest:
                assert list(read_rows(rest, kind)) == rows[10 * number :]


def test_bytes_of_uploads_that_ended_are_deleted_after_a_day(database_url: str) -> None:
    from evals_engine.nodes.database import connect  # noqa: PLC0415 - see conftest

    with closing(postgres_opener(database_url)()) as store:
        upload(store, a_file(), b"{}\n")
        abandoned = store.files.part()
        abandoned.write(b"x" * MIB)
        with connect(database_url) as connection:

            def chunks() -> int:
                postgres_opener(database_url)().close()  # the start of another node
                return connection.execute("SELECT FROM file_chunks").rowcount

            assert chunks() == 2
            connection.execute("UPDATE file_chunks SET stored_at = stored_at - interval '25 hours'")
            assert chunks() == 1
        assert content(store, "file-1") == b"{}\n"
        assert store.get_file("file-1", UserName("ada")) is not None
