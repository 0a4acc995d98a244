"""Whatever is wrong with a call, the answer has the value that works or the next call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from tests.server.mistakes.creates import CREATES
from tests.server.mistakes.mistake import RULE, Mistake
from tests.server.mistakes.reads import READS
from tests.server.mistakes.uploads import FILES, UPLOADS
from tests.server.mistakes.values import VALUES_OF_CREATES
from tests.server.serving import Served, own_provider, served, settings, text_of
from tests.server.tokens import tokens

MISTAKES: list[Mistake] = [*UPLOADS, *CREATES, *VALUES_OF_CREATES, *READS]

PAIRS = [{"question": f"{n}+1", "answer": str(n + 1), "expected": str(n + 1)} for n in range(4)]
TRIPLES = [row | {"other": "0"} for row in PAIRS]

_REFUSAL_TOKENS = 120
"""Most tokens of a refusal."""


async def test_each_of_300_mistakes_is_answered_with_the_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    configured = settings(
        folder,
        local={"data_dir": tmp_path / "engine", "models": {"base_url": "http://127.0.0.1:9/v1"}},
        state={"folder": tmp_path / "state"},
        results={"cache_dir": tmp_path / "kept"},
    )
    wrong: list[str] = []
    async with (
        own_provider(configured) as provider,
        served(provider, configured=configured) as server,
    ):
        ids = await _stored(server) | {"folder": str(folder)}
        for mistake in MISTAKES:
            wrong += await _faults(mistake, server, ids)

    assert len(MISTAKES) >= 300
    assert not wrong, "\n".join(wrong)


async def _faults(mistake: Mistake, server: Served, ids: Mapping[str, str]) -> list[str]:
    """Return what the answer to a mistake lacks, and a refusal that is too long."""
    result = await server.call(mistake.tool, **_filled(mistake.arguments, ids))
    text = text_of(result)
    lacking = [f"no {part!r}" for part in mistake.answer if part not in text]
    if result.is_error and (length := tokens(text)) > _REFUSAL_TOKENS:
        lacking.append(f"{length} tokens")
    return [f"{mistake.name}\n  {', '.join(lacking)}: {text}"] if lacking else []


async def _stored(server: Served) -> dict[str, str]:
    """Store data sets, a benchmark and evaluations; return the id of each by its name."""
    ids: dict[str, str] = {}
    for name, rows, is_benchmark in (
        ("pairs", PAIRS, False),
        ("triples", TRIPLES, False),
        ("benchmark", [{"question": "1+1", "answer": "2"}], True),
    ):
        file = await server.answer(
            "upload_dataset", rows=rows, name=f"{name}.jsonl", benchmark=is_benchmark
        )
        ids[name] = file["file_id"]
    common = {"input_data_file_path": ids["pairs"], "judge": RULE, "response_column": "answer"}
    labels = {"type": "classify", "labels": ["good", "bad"], "pass_labels": ["good"]}
    scale = {"type": "score", "min_score": 0, "max_score": 1, "pass_threshold": 1}
    for name, own in (("evaluation", labels), ("second", labels), ("scored", scale)):
        created = await server.answer("create_evaluation", **common, **own, again=True)
        ids[name] = created["evaluation_id"]
        ended = await server.answer("get_status", evaluation_id=ids[name], wait_seconds=45)
        assert ended["status"] == "completed"
    ended = await server.answer("get_evaluation", evaluation_id=ids["evaluation"])
    return ids | {
        "results": ended["result_file_id"],
        "shortened": ids["pairs"][:-2],
        "shortened evaluation": ids["evaluation"][:-2],
        "benchmark results": "rows-beval-1",
    }


def _filled(value: Any, ids: Mapping[str, str]) -> Any:
    """Return the arguments with ids and paths in place of the texts that begin with @."""
    if isinstance(value, str) and value.startswith("@"):
        name, slash, rest = value[1:].partition("/")
        return ids[name] + slash + rest
    if isinstance(value, list):
        return [_filled(item, ids) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _filled(item, ids) for name, item in cast("dict[str, Any]", value).items()}
    return value
