"""The main job over stdio: upload, create, wait, read; the judge is a model on loopback."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.journeys.conversation import conversation

ROWS = 60


def judge(request: ChatRequest) -> Reply:
    """Judge every third answer bad, after a moment."""
    user = str(request.user)
    bad = any(f"answer {number}\n" in user for number in range(0, ROWS, 3))
    verdict = json.dumps({"feedback": "As read.", "label": "bad" if bad else "good"})
    return completion(verdict, delay=0.1)


async def test_an_assistant_uploads_creates_watches_and_reads(tmp_path: Path) -> None:
    rows = [{"question": f"q {n}", "answer": f"answer {n}"} for n in range(ROWS)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    seen: list[tuple[float, float | None]] = []

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total))

    async with (
        ModelServer(judge, models=["judge-1"]) as model,
        conversation(tmp_path, tmp_path, LOCAL__MODELS__BASE_URL=model.base_url) as talk,
    ):
        stored = await talk.answer("upload_dataset", path="data.jsonl")
        assert stored["rows"] == ROWS
        created = await talk.answer(
            "create_evaluation",
            type="classify",
            input_data_file_path=stored["file_id"],
            judge={"model": "judge-1", "system_template": "Is it good? {{ question }}"}
            | {"num_workers": "4"},
            labels=["good", "bad"],
            pass_labels=["good"],
            response_column="answer",
        )
        evaluation = {"evaluation_id": created["evaluation_id"]}
        watched = await talk.client.call_tool(
            "get_status", {**evaluation, "wait_seconds": 45}, progress_callback=progressed
        )
        assert watched.structured_content["status"] == "completed"
        assert watched.structured_content["progress"] == {"done": ROWS, "total": ROWS}
        answer = await talk.answer("get_evaluation", **evaluation)
        assert answer["summary"]["headline"].startswith(
            "66.7 % of 60 answers pass (95 % interval 54.1 to 77.3 %)"
        )
        failing = await talk.answer("read_results", **evaluation, limit=2)
        assert failing["matching"] == ROWS // 3
        assert failing["rows"][0]["columns"] == {"question": "q 0", "answer": "answer 0"}
    done = [rows_done for rows_done, _ in seen]
    assert len(done) >= 3
    assert done == sorted(set(done))
    assert seen[-1] == (ROWS, ROWS)
    assert len(model.requests) == ROWS
