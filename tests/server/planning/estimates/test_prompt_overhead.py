from pathlib import Path
from typing import Any

import pytest
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.engine.running import running_engine
from tests.server.planning.requests import LABELS
from tests.server.tokens import tokens

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_mcp.planning.estimates.prompt_overhead import CALL_TOKENS, MESSAGE_TOKENS, judge_tokens
from evals_schemas.evaluation_api.evaluations import parse_evaluation_request

JUDGE = {"model": "judge-1", "model_source": "serverless", "system_template": "{{q}}"}
MODEL = {
    "model": "small-1",
    "model_source": "serverless",
    "system_template": "",
    "input_template": "{{q}}",
}
SCORE = {"min_score": 0, "max_score": 10, "pass_threshold": 5}


def prompt_tokens(body: dict[str, Any]) -> int:
    """What a chat request costs: its texts, the schema it asks for, and the marks around them."""
    texts = sum(MESSAGE_TOKENS + tokens(message["content"]) for message in body["messages"])
    return CALL_TOKENS + texts + tokens(body.get("response_format", ""))


@pytest.mark.parametrize(
    ("kind", "parameters", "answers", "has_prompt"),
    [
        ("classify", LABELS, 0, False),
        ("classify", {**LABELS, "model_to_evaluate": "a"}, 1, False),
        ("score", {**SCORE, "model_to_evaluate": MODEL}, 1, True),
        ("compare", {"model_a": "a", "model_b": "a"}, 2, False),
        ("compare", {"model_a": "a", "model_b": MODEL}, 2, True),
    ],
)
async def test_the_words_around_a_rubric_are_those_of_the_engines_requests(
    tmp_path: Path, kind: str, parameters: dict[str, Any], answers: int, has_prompt: bool
) -> None:
    def answer(request: ChatRequest) -> Reply:
        if request.body["model"] == "small-1":
            return completion("x")
        return verdict(feedback="", label="right", score=1, choice="A")

    row = {"q": "x", "a": "x"} if "a" in parameters.values() else {"q": "x"}
    async with ModelServer(answer) as models:
        config = EngineConfig(tmp_path, serverless=ModelEndpoint(models.base_url))
        async with running_engine(config) as engine:
            file_id = await engine.upload([row])
            body = {"judge": JUDGE, "input_data_file_path": file_id, **parameters}
            await engine.finished(await engine.create(kind, **body))
        sent = next(body for body in models.bodies if body["model"] == "judge-1")

    request = parse_evaluation_request({"type": kind, "parameters": body})
    # The rubric, the answers and the prompt are one token each.
    texts = 1 + answers + has_prompt
    expected = judge_tokens(request.parameters, answers, has_prompt) + texts
    assert expected == pytest.approx(prompt_tokens(sent), abs=5)
