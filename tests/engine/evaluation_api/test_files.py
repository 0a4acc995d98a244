"""Files over REST: the three ways in, the ways out, and what is turned away."""

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import httpx2
import pytest

from evals_engine.store.database import StorageError
from evals_engine.store.store import Store
from tests.engine.running import RULE_JUDGE, EngineClient, running_engine

LINES = b'{"expected": "a", "answer": "a"}\n{"expected": "b", "answer": "c"}\n'


async def test_a_direct_upload_comes_back_whole_and_by_range(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file = await engine.upload_bytes(LINES, "data.jsonl")
        assert file["LineCount"] == 2
        assert file["bytes"] == len(LINES)
        content = f"/files/{file['id']}/content"
        whole = await engine.http.get(content)
        assert whole.content == LINES
        assert whole.headers["content-length"] == str(len(LINES))
        part = await engine.http.get(content, headers={"Range": "bytes=2-9"})
        assert (part.status_code, part.content) == (206, LINES[2:10])


@pytest.mark.parametrize("form", ["multipart", "urlencoded"])
async def test_an_announced_upload_is_put_where_the_redirect_says_and_once(
    tmp_path: Path, form: str
) -> None:
    fields = {"purpose": "eval", "file_name": "data.jsonl", "file_type": "jsonl"}
    async with running_engine(tmp_path) as engine:
        if form == "multipart":
            parts = {name: (None, value) for name, value in fields.items()}
            announced = await engine.http.post("/files", files=parts)
        else:
            announced = await engine.http.post("/files", data=fields)
        assert announced.status_code == 302
        file_id = announced.headers["x-together-file-id"]
        assert (await engine.http.get(f"/files/{file_id}")).status_code == 404
        target = announced.headers["location"]
        assert (await engine.http.put(target + "x", content=LINES)).status_code == 404
        assert (await engine.http.put(target, content=LINES)).status_code == 200
        assert (await engine.http.put(target, content=LINES)).status_code == 404
        done = await engine.http.post(f"/files/{file_id}/preprocess")
        assert done.json()["LineCount"] == 2


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "data.jsonl", "no rows"),
        (b'{"a": 1}\n{"b": 1}\n', "data.jsonl", "line 2: columns differ"),
        (b'{"a": "\xff"}\n', "data.jsonl", "line 1: not UTF-8"),
        (b"1,2\n3,4\n", "data.csv", "does not look like a column name"),
    ],
)
async def test_a_file_that_is_no_data_set_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, data: bytes, name: str, reason: str
) -> None:
    async with running_engine(tmp_path) as engine:
        body = await engine.upload_bytes(data, name)
        assert reason in body["error"]["message"]
        assert (await engine.http.get("/files")).json()["data"] == []
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with running_engine(tmp_path, max_upload_bytes=20) as engine:
        body = await engine.upload_bytes(LINES, "data.jsonl")
        assert "larger than 20 bytes" in body["error"]["message"]
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_full_disk_is_said_so_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evals_engine.store.local_files.os.fsync", full)
    async with running_engine(tmp_path) as engine:
        body = await engine.upload_bytes(LINES, "data.jsonl")
        assert body["error"]["code"] == "disk_full"
        assert list((tmp_path / "files").iterdir()) == []


FORM = {"Content-Type": "multipart/form-data; boundary=X"}
FILE_PART = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'


class Body:
    """A body without a length: a beginning, and then a kilobyte at a time."""

    def __init__(self, start: bytes = b"") -> None:
        self.start = start
        self.sent = 0

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        yield self.start
        while self.sent < 10_000:
            self.sent += 1
            yield b"x" * 1000


async def announced(engine: EngineClient) -> tuple[str, str]:
    """An announced file's id, and where its bytes go."""
    answer = await engine.http.post("/files", data={"file_name": "data.jsonl"})
    return answer.headers["x-together-file-id"], answer.headers["location"]


@pytest.mark.parametrize("field", ["file", "other", "other_file"])
async def test_an_endless_form_is_cut_off_soon_after_the_limit(tmp_path: Path, field: str) -> None:
    named = FILE_PART.replace(b'name="file"', f'name="{field}"'.encode())
    body = Body(named.replace(b'; filename="a.jsonl"', b"") if field == "other" else named)
    async with running_engine(tmp_path, max_upload_bytes=100_000) as engine:
        answer = await engine.http.post("/files/upload", content=body, headers=FORM)
        assert answer.status_code == 413
        assert body.sent < 200
        assert list((tmp_path / "files").iterdir()) == []


async def test_an_endless_put_and_an_endless_announcement_are_cut_off_too(tmp_path: Path) -> None:
    async with running_engine(tmp_path, max_upload_bytes=100_000) as engine:
        _, target = await announced(engine)
        put, form = Body(), Body(b"file_name=")
        assert (await engine.http.put(target, content=put)).status_code == 413
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await engine.http.post("/files", content=form, headers=kind)).status_code == 413
        assert max(put.sent, form.sent) < 200
        assert list((tmp_path / "files").iterdir()) == []


@pytest.mark.parametrize("way", ["upload", "put", "announce"])
async def test_a_body_that_announces_too_much_is_refused_unread(tmp_path: Path, way: str) -> None:
    body = Body(FILE_PART)
    async with running_engine(tmp_path, max_upload_bytes=1000) as engine:
        _, target = await announced(engine)
        method, url = {
            "upload": ("POST", "/files/upload"),
            "put": ("PUT", target),
            "announce": ("POST", "/files"),
        }[way]
        headers = FORM | {"Content-Length": "10000000"}
        answer = await engine.http.request(method, url, content=body, headers=headers)
        assert answer.status_code == 413
        assert body.sent <= 1


async def test_an_upload_needs_no_room_outside_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    async with running_engine(tmp_path) as engine:
        file = await engine.upload_bytes(LINES * 50_000, "data.jsonl")
        assert file["LineCount"] == 100_000


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (FILE_PART + LINES, FORM),
        (FILE_PART + LINES + b"\r\n" + FILE_PART + LINES + b"\r\n--X--\r\n", FORM),
        (b'--X\r\nContent-Disposition: form-data; name="file"\r\n\r\n{}\r\n--X--\r\n', FORM),
        (b"not a form", FORM),
        (LINES, {"Content-Type": "application/json"}),
        (LINES, {"Content-Type": "multipart/form-data"}),
        (LINES, {"Content-Type": "multipart/form-data; boundary=" + "x" * 5000}),
    ],
)
async def test_a_form_that_is_broken_or_has_not_one_file_is_refused(
    tmp_path: Path, content: bytes, headers: dict[str, str]
) -> None:
    async with running_engine(tmp_path) as engine:
        answer = await engine.http.post("/files/upload", content=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_retried_put_neither_ends_the_first_nor_replaces_what_has_arrived(
    tmp_path: Path,
) -> None:
    begun, going_on = anyio.Event(), anyio.Event()
    answers: list[httpx2.Response] = []

    async def slowly() -> AsyncGenerator[bytes]:
        yield LINES[:33]
        begun.set()
        await going_on.wait()
        yield LINES[33:]

    async with running_engine(tmp_path) as engine:
        file_id, target = await announced(engine)

        async def first_try() -> None:
            answers.append(await engine.http.put(target, content=slowly()))

        async def second_try() -> None:
            await begun.wait()
            answers.append(await engine.http.put(target, content=b'{"retried": "1"}\n'))
            going_on.set()

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(first_try)
                tasks.start_soon(second_try)
        assert [answer.status_code for answer in answers] == [200, 409]
        content = await engine.http.get(f"/files/{file_id}/content")
        assert content.content == b'{"retried": "1"}\n'
        assert [path.name for path in (tmp_path / "files").iterdir()] == [file_id]


async def test_a_put_whose_key_is_spent_meanwhile_is_refused_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spent(*_: object) -> bool:
        return False

    monkeypatch.setattr(Store, "complete_file", spent)
    async with running_engine(tmp_path) as engine:
        _, target = await announced(engine)
        answer = await engine.http.put(target, content=LINES)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "already_uploaded")
        assert list((tmp_path / "files").iterdir()) == []


async def test_bytes_that_cannot_be_recorded_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("The database or disk is full.")

    monkeypatch.setattr(Store, "add_file", full)
    async with running_engine(tmp_path) as engine:
        answer = await engine.http.post("/files/upload", files={"file": ("x.jsonl", LINES)})
        assert answer.status_code == 507
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_csv_file_is_read_as_csv(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file = await engine.upload_bytes(b"expected,answer\na,a\nb,c\n", "data.csv")
        assert (file["FileType"], file["LineCount"]) == ("csv", 2)
        job = await engine.finished(
            await engine.create(
                "classify",
                judge=RULE_JUDGE,
                input_data_file_path=file["id"],
                model_to_evaluate="answer",
                labels=["yes", "no"],
                pass_labels=["yes"],
            )
        )
        assert job["results"]["label_counts"] == {"yes": 1, "no": 1}


async def test_a_deleted_file_is_gone_and_its_bytes_too(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = (await engine.upload_bytes(LINES, "data.jsonl"))["id"]
        gone = await engine.http.delete(f"/files/{file_id}")
        assert gone.json() == {"id": file_id, "object": "file", "deleted": True}
        assert (await engine.http.get(f"/files/{file_id}/content")).status_code == 404
        assert list((tmp_path / "files").iterdir()) == []


async def test_another_purpose_than_eval_is_refused(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        answer = await engine.http.post(
            "/files/upload", files={"file": ("x.jsonl", LINES)}, data={"purpose": "fine-tune"}
        )
        assert answer.status_code == 400
        assert "eval" in answer.json()["error"]["message"]
