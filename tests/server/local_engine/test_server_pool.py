"""The worker processes of the server: files that would take all memory or time end in a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest

from evals_engine.compute.jobs import Limits
from evals_engine.compute.pool import ComputePool
from evals_mcp.datasets.preparation import PreparationOptions, PreparedFile
from evals_mcp.errors import DatasetFaultError, InvalidRequestError
from evals_mcp.local_engine import server_pool
from evals_mcp.local_engine.server_pool import ServerPool

WAIT = 120.0
USUAL = Limits()


@asynccontextmanager
async def opened(limits: Limits = USUAL) -> AsyncGenerator[ServerPool]:
    with anyio.fail_after(WAIT):
        async with ComputePool(2, limits, jobs_of_a_worker=1) as pool:
            yield ServerPool(pool, pool)


async def prepared(path: Path, limits: Limits = USUAL, **changes: Any) -> PreparedFile:
    options = replace(PreparationOptions(path.parent, max_bytes=10**9), **changes)
    async with opened(limits) as pool:
        return await pool.prepare_file(path, path.name, options, path.name, "alice")


def parquet(path: Path, **columns: list[Any]) -> Path:
    arrow: Any = import_module("pyarrow")
    files: Any = import_module("pyarrow.parquet")
    files.write_table(arrow.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b'{"a": "x"}\n{"a": "y"}\n'),
        ("a.csv", b"a\nx\ny\n"),
        ("a.json", b'[{"a": "x"}, {"a": "y"}]'),
    ],
)
async def test_a_file_is_checked_in_a_worker_process(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    file = await prepared(path)
    assert (file.name, file.rows, file.columns) == ("a.jsonl", 2, ["a"])
    assert file.preview == [{"a": "x"}, {"a": "y"}]
    assert file.path.read_bytes()


async def test_a_worker_says_little_of_a_file_with_many_columns_and_long_cells(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.json"
    row = {"long": "x" * 1_000_000} | {f"column {number}": "x" for number in range(20_000)}
    path.write_text(json.dumps([row]))
    file = await prepared(path)
    assert len(file.columns) + file.columns_not_listed == 20_001
    assert file.columns[:2] == ["long", "column 0"]
    assert len(json.dumps([file.columns, file.preview])) < 10_000


async def test_errors_of_a_file_keep_their_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[{}")
    with pytest.raises(DatasetFaultError, match="not JSON from here on"):
        await prepared(path)
    path.write_bytes(b'[{"a": 1}]')
    with pytest.raises(InvalidRequestError, match="there is no 'b'"):
        await prepared(path, columns=["b"])
    with pytest.raises(DatasetFaultError, match="cannot be read"):
        await prepared(tmp_path / "missing.json")


@pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux limits the memory of a worker")
async def test_a_file_that_needs_too_much_memory_is_refused_with_the_setting(
    tmp_path: Path,
) -> None:
    limits = Limits(memory_bytes=384 * 2**20)
    small = parquet(tmp_path / "small.parquet", a=["x", "y"])
    assert (await prepared(small, limits)).rows == 2
    # A page of one column cannot be read in parts.
    path = parquet(tmp_path / "a.parquet", a=[f"{n}" + "x" * 8_000_000 for n in range(30)])
    with pytest.raises(DatasetFaultError, match=r"384 MiB of memory \(local\.compute_memory_mb\)"):
        await prepared(path, limits)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of processor time")
async def test_a_file_that_takes_too_long_is_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_pool, "FILE_SECONDS", 1.0)
    path = parquet(tmp_path / "a.parquet", a=[[0, 1] * 500_000] * 20)
    with pytest.raises(DatasetFaultError, match=r"takes more than \d s of processor time"):
        await prepared(path)


_PLAN_OF_A_TEMPLATE = """
import sys
import anyio
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served

async def plan():
    template = "{% for step in steps %}{{step}}{% endfor %}{{expected}}"
    judge = {"model": "rule/contains", "system_template": template}
    rows = jsonl({"steps": [1], "expected": "x", "answer": "x"})
    async with served(FakeProvider(contents={"file-1": rows})) as server:
        answer = await server.call(
            "create_evaluation", type="classify", labels=["yes", "no"], pass_labels=["yes"],
            input_data_file_path="file-1", judge=judge, response_column="answer", dry_run=True,
        )
    print(answer.structured_content["plan"]["columns_used"], "jinja2" in sys.modules)

anyio.run(plan)
"""


def test_no_template_of_a_request_is_parsed_in_the_server_process() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _PLAN_OF_A_TEMPLATE],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
    )

    assert (run.stdout, run.returncode) == ("['steps', 'expected', 'answer'] False\n", 0), (
        run.stderr
    )


async def test_a_template_that_takes_too_long_to_parse_is_a_problem_with_the_limit() -> None:
    sources = [("judge.system_template", "{{question}}"), ("too.long", "x" * 65_537)]
    # No processor starts Python's parser of templates in so little time.
    async with opened(Limits(cpu_seconds=0.001)) as pool:
        read = await pool.read_names(sources, "alice")

    assert read["judge.system_template"].problem == (
        "`judge.system_template` cannot be used: reading it takes more than 0.001 s of processor "
        "time or 512 MiB of memory (local.compute_memory_mb). Write a shorter template with less "
        "nesting, or ask the administrator to raise the limit."
    )
    assert read["too.long"].problem is not None
    assert read["too.long"].problem.startswith("`too.long` is longer than 64 KiB")


async def test_the_names_of_all_templates_of_a_request_come_from_a_worker() -> None:
    sources = [
        ("judge.system_template", "{{ steps|sort|join }}{{ range(2) }}"),
        ("model_a.system_template", "{{ unclosed"),
        ("model_a.input_template", "{{" + "(" * 20_000 + "1" + ")" * 20_000 + "}}"),
    ]
    async with opened() as pool:
        read = await pool.read_names(sources, "alice")

    first = read["judge.system_template"]
    assert (first.names, first.functions) == ({"steps", "range"}, {"range"})
    assert (first.looped, first.problem) == (("steps",), None)
    problems = [read[field].problem or "" for field, _ in sources[1:]]
    assert problems[0].startswith("`model_a.system_template` is not a valid Jinja2 template (line")
    assert ": it is nested too deeply. Write a column as" in problems[1]
