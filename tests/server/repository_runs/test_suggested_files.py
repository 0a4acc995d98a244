"""Each kind of evals.toml that the prompt `guard_repository` suggests can be planned."""

from __future__ import annotations

import pytest
from anyio import to_thread

from evals_mcp.prompts.guard_repository import DEFINITION
from tests.engine.model_server import ModelServer
from tests.server.repository_runs.repository import Repository, answers

HEAD = 'data = "answers.jsonl"\nname = "answers"\nmax_usd = 2\n'
CLASSIFY = 'type = "classify"\nlabels = ["right", "wrong"]\npass_labels = ["right"]\n'
SCORE = 'type = "score"\nmin_score = 1\nmax_score = 5\npass_threshold = 4\n'
ONE = 'response_column = "answer"\n'
RULE = '[judge]\nmodel = "rule/contains"\nsystem_template = "{{expected}}"\n'
OWN_WORDS = '[judge]\nmodel = "scripted"\nsystem_template = "Is it right? {{question}}"\n'
WRITER = (
    '[model_to_evaluate]\nmodel = "writer"\nsystem_template = "Be brief."\n'
    'input_template = "{{question}}"\n'
)
GATE = "[gate]\nmargin = 5\n"
METRICS = """[[metrics]]
name = "sum"
judge = { model = "rule/contains", system_template = "{{expected}}" }
[[metrics]]
name = "words"
judge = { model = "scripted", system_template = "Is it plain? {{question}}" }
"""
FILES = {
    "a rule": CLASSIFY + ONE + RULE + GATE,
    "own words": CLASSIFY + ONE + OWN_WORDS + GATE,
    "scores": SCORE + ONE + OWN_WORDS + GATE,
    "a model that writes": CLASSIFY + OWN_WORDS + WRITER + GATE,
    "two answers": 'type = "compare"\nresponse_column_a = "answer"\nresponse_column_b = "other"\n'
    + OWN_WORDS,
    "metrics": CLASSIFY + ONE + METRICS + GATE,
    "pinned rows": CLASSIFY + ONE + RULE + GATE + 'pinned = "vital"\n',
}


def test_the_prompt_names_what_these_files_have() -> None:
    for part in ("data =", "max_usd", "[judge]", "[[metrics]]", "[gate]", "margin", "pinned"):
        assert part in DEFINITION.steps


@pytest.mark.parametrize("kind", FILES)
async def test_a_suggested_file_passes_a_dry_run(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    rows = answers([True] * 400)
    for row in rows:
        row |= {"other": "Another sum.", "vital": "true" if row["id"] < 2 else ""}
    repository.write_rows(rows)
    repository.write_file(HEAD + FILES[kind])
    async with ModelServer([], models=["scripted", "writer"]) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        code, printed = await to_thread.run_sync(
            repository.command, "run", "evals.toml", "--dry-run"
        )

    assert code == 0, printed
    assert "Plan: " in printed
    assert "Dry run: nothing was started." in printed
    assert server.requests == []
