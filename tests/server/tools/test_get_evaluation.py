from pathlib import Path

from dirty_equals import IsPartialDict
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider, classify_job, jsonl
from tests.server.serving import served, settings

from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.files import File


async def test_the_text_of_a_classify_evaluation() -> None:
    async with served(FakeProvider(jobs=[classify_job(judge_failures=3)])) as server:
        text = await server.text("get_evaluation", evaluation_id="eval-1")

    assert "\nRows with verdicts: file-9\n" in text
    assert text.splitlines()[:7] == snapshot(
        [
            "classify eval-1: completed, created 2026-11-20 12:00 UTC, took 2 min.",
            (
                "84.7 % of 72 answers pass (95 % interval 74.7 to 91.2 %); "
                "3 more rows failed and are not counted."
            ),
            "- 'good': 61 (84.7 %), pass  ##############################",
            "- 'bad': 11 (15.3 %)         #####",
            "Pass rate, %: 0 [                              |---o-|    ] 100",
            "Failed rows: 3 (generation 0, judge 3, invalid verdict 0)",
            "Note: With the failed rows, the pass rate lies between 81.3 % and 85.3 %.",
        ]
    )


async def test_choices_of_the_longer_answer_stand_beside_the_win_rate(tmp_path: Path) -> None:
    rows = [
        {"id": n, "v1": "a long answer", "v2": "short", "final_decision": "AAB"[n % 3]}
        for n in range(60)
    ]
    rows += [{"id": 60, "v1": "same", "v2": "size", "final_decision": "A"}]
    job = EvaluationJob(
        workflow_id="eval-1",
        type="compare",
        status="completed",
        parameters={"model_a": "v1", "model_b": "v2"},
        results={"A_wins": 41, "B_wins": 20, "Ties": 0, "result_file_id": "file-9"},
    )
    fake = FakeProvider(jobs=[job], contents={"file-9": jsonl(*rows)})
    async with served(fake, configured=settings(tmp_path)) as server:
        text = await server.text("get_evaluation", evaluation_id="eval-1")

    assert (
        "Choices of the longer answer: 66.7 % of 60 (95 % interval 54.1 to 77.3 %), of the pairs "
        "with a winner and two texts of different length; A is longer in 60 of them\n"
    ) in text


async def test_keys_are_removed_from_the_parameters() -> None:
    async with served(FakeProvider(jobs=[classify_job()])) as server:
        result = await server.call("get_evaluation", evaluation_id="eval-1")

    assert "sk-secret" not in result.model_dump_json()


async def test_parameters_have_the_names_under_which_a_create_takes_them() -> None:
    ready, run = classify_job("eval-1"), classify_job("eval-2")
    run.parameters["model_to_evaluate"] = {"model": "m", "model_source": "serverless"}
    async with served(FakeProvider(jobs=[ready, run])) as server:
        columns = await server.answer("get_evaluation", evaluation_id="eval-1")
        models = await server.answer("get_evaluation", evaluation_id="eval-2")

    assert columns["parameters"]["response_column"] == "answer"
    assert "model_to_evaluate" not in columns["parameters"]
    assert models["parameters"]["model_to_evaluate"]["model"] == "m"
    assert "response_column" not in models["parameters"]


async def test_a_long_template_is_cut() -> None:
    job = classify_job()
    job.parameters["judge"]["system_template"] = "word " * 5000
    async with served(FakeProvider(jobs=[job])) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")

    assert len(answer["parameters"]["judge"]["system_template"]) == 300


async def test_the_size_of_the_data_set_gives_a_mean_its_interval() -> None:
    job = EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "type": "score",
            "status": "completed",
            "parameters": {"input_data_file_path": "file-1", "min_score": 1, "max_score": 5},
            "results": {
                "aggregated_scores": {"mean_score": 3.5, "std_score": 1.0, "pass_percentage": 50.0},
                "failed_samples": 0,
            },
        }
    )
    fake = FakeProvider(jobs=[job], files=[File(id="file-1", LineCount=100)])
    async with served(fake) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")

    assert answer["summary"] == IsPartialDict(
        headline="The mean score of 100 answers is 3.5 on a scale of 1 to 5 "
        "(95 % interval 3.302 to 3.698)."
    )


async def test_a_running_evaluation_points_at_get_status() -> None:
    job = EvaluationJob(workflow_id="eval-1", status="running")
    async with served(FakeProvider(jobs=[job])) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")

    assert "summary" not in answer
    assert "get_status" in answer["next_step"]


async def test_an_unknown_id_is_answered_in_the_providers_words() -> None:
    async with served(FakeProvider()) as server:
        text = await server.refusal("get_evaluation", evaluation_id="eval-9")

    assert "list_evaluations" in text


async def test_a_cancelled_evaluation_says_how_to_go_on() -> None:
    async with served(FakeProvider(jobs=[classify_job()])) as server:
        text = await server.text("cancel_evaluation", evaluation_id=" eval-1 ")

    assert text == (
        "eval-1: error.\nCall get_evaluation with evaluation_id eval-1 for its results."
    )


async def test_a_result_file_that_lacks_rows_does_not_replace_the_services_totals(
    tmp_path: Path,
) -> None:
    fake = FakeProvider(
        jobs=[classify_job(passed=600, failed=400)],
        contents={"file-9": jsonl(*[{"label": "good"}] * 6)},
    )
    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")
    assert answer["summary"]["headline"].startswith("60.0 % of 1000 answers pass")
    assert "the result file has 6 of 1,000 rows" in answer["summary"]["notes"][-1]


async def test_a_pass_rate_without_pass_labels_keeps_its_count_and_interval(tmp_path: Path) -> None:
    job = classify_job()
    del job.parameters["pass_labels"]
    job.results = {
        "label_counts": {"yes": 10, "no": 0},
        "pass_percentage": 10,
        "result_file_id": "file-9",
    }
    job.progress = None
    row = {"answer": "a", "evaluation_successful": True, "label": "yes", "feedback": ""}
    fake = FakeProvider(name="together", jobs=[job], contents={"file-9": jsonl(*[row] * 10)})
    async with served(fake, configured=settings(tmp_path)) as server:
        listed = await server.answer("list_evaluations")
        answer = await server.answer("get_evaluation", evaluation_id="eval-1")

    sentence = "10.0 % of 10 answers pass (95 % interval 1.8 to 40.4 %)."
    assert listed["evaluations"][0]["headline"] == f"From totals: {sentence}"
    assert answer["summary"]["headline"].endswith(sentence)
    assert answer["summary"]["pass_rate"] == IsPartialDict(count=1, of=10)
