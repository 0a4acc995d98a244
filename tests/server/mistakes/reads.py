"""Mistakes in the tools that list, read, compare, cancel and delete."""

from __future__ import annotations

from tests.server.mistakes.mistake import Mistake, call

BY_ID: list[Mistake] = [
    call("get_evaluation", "did you mean `evaluation_id`?", id="@evaluation"),
    call("get_evaluation", "did you mean `evaluation_id`?", evaluationId="@evaluation"),
    call("get_evaluation", "did you mean `evaluation_id`?", eval_id="@evaluation"),
    call("get_evaluation", "did you mean `evaluation_id`?", workflow_id="@evaluation"),
    call("get_evaluation", "did you mean `evaluation_id`?", name="@evaluation"),
    call("get_evaluation", "is missing: copy it from the answer of create_evaluation, or call"),
    call(
        "get_evaluation", "`evaluation_id` must be a string, not empty; got ''.", evaluation_id=""
    ),
    call(
        "get_evaluation",
        "`evaluation_id` must be a string, not empty; got an array of 1.",
        evaluation_id=["@evaluation"],
    ),
    call(
        "get_evaluation",
        "`evaluation_id` is the id of a data set; the ids of evaluations are",
        evaluation_id="@pairs",
    ),
    call(
        "get_evaluation",
        "`evaluation_id` is the id of a benchmark; the ids of evaluations are",
        evaluation_id="@benchmark",
    ),
    call(
        "get_evaluation",
        "`evaluation_id` is the id of a data set; the ids of evaluations are",
        evaluation_id="@results",
    ),
    call(
        "get_evaluation",
        "No evaluation 'latest' exists. Call list_evaluations for the existing",
        evaluation_id="latest",
    ),
    call(
        "get_evaluation",
        "No evaluation 'eval-unknown' exists. Call list_evaluations for the",
        evaluation_id="eval-unknown",
    ),
    call(
        "get_evaluation",
        "`evaluation_id` is not an id: copy it from the answer of",
        evaluation_id="eval-…",
    ),
    call(
        "get_evaluation",
        "Call list_evaluations for the existing ids",
        evaluation_id="@shortened evaluation",
    ),
    call(
        "get_evaluation",
        "No evaluation 'beval-unknown' exists. Call list_evaluations for the",
        evaluation_id="beval-unknown",
    ),
    call(
        "get_evaluation",
        "The evaluation id 'together:eval-1' belongs to together, which is not",
        evaluation_id="together:eval-1",
    ),
    call(
        "get_evaluation",
        "`evaluation_id` is not an id: copy it from the answer of",
        evaluation_id="../eval",
    ),
    call(
        "get_evaluation",
        "`by`: no row of the result file has a column 'topci'. The columns are",
        evaluation_id="@evaluation",
        by="topci",
    ),
    call("get_evaluation", "Did you mean 'question'?", evaluation_id="@evaluation", by="Question"),
    call("get_evaluation", "did you mean `by`?", evaluation_id="@evaluation", group_by="question"),
    call(
        "get_evaluation",
        "did you mean `cluster_column`?",
        evaluation_id="@evaluation",
        cluster="question",
    ),
    call(
        "get_evaluation",
        "Did you mean 'question'?",
        evaluation_id="@evaluation",
        cluster_column="questoin",
    ),
    call("get_status", "did you mean `evaluation_id`?", id="@evaluation"),
    call(
        "get_status",
        "`evaluation_id` is the id of a data set; the ids of evaluations are",
        evaluation_id="@pairs",
    ),
    call("get_status", "did you mean `wait_seconds`?", evaluation_id="@evaluation", wait=10),
    call("get_status", "did you mean `wait_seconds`?", evaluation_id="@evaluation", timeout=10),
    call(
        "get_status",
        "`wait_seconds` must be a number from 0 to 45, in seconds; call again",
        evaluation_id="@evaluation",
        wait_seconds=600,
    ),
    call(
        "get_status",
        "`wait_seconds` must be a number from 0 to 45, in seconds; call again",
        evaluation_id="@evaluation",
        wait_seconds=-1,
    ),
    call(
        "get_status",
        "`wait_seconds` must be a number from 0 to 45, in seconds; call again",
        evaluation_id="@evaluation",
        wait_seconds="1 minute",
    ),
    call("cancel_evaluation", "did you mean `evaluation_id`?", id="@evaluation"),
    call(
        "cancel_evaluation",
        "`evaluation_id` is the id of a data set; the ids of evaluations are",
        evaluation_id="@pairs",
    ),
    call(
        "cancel_evaluation",
        "leave it out. Allowed: evaluation_id.",
        evaluation_id="@evaluation",
        reason="x",
    ),
    call(
        "cancel_evaluation",
        "It had already ended: call get_evaluation",
        evaluation_id="@evaluation",
    ),
    call("delete_data", "did you mean `id`?", file_id="@pairs"),
    call("delete_data", "did you mean `id`?", evaluation_id="@evaluation"),
    call("delete_data", "is missing: give the whole id of a data set or an evaluation, from"),
    call(
        "delete_data",
        "No data set or evaluation 'pairs.jsonl' exists. Call list_datasets or list_evaluations",
        id="pairs.jsonl",
    ),
    call(
        "delete_data",
        "No data set 'file-unknown' exists. Call list_datasets for the",
        id="file-unknown",
    ),
    call(
        "delete_data", "`confirm` must be true or false; got 'sure'.", id="@pairs", confirm="sure"
    ),
    call("delete_data", "did you mean `confirm`?", id="@pairs", force=True),
]

LISTS: list[Mistake] = [
    call("list_evaluations", "did you mean user_error?", status="cancelled"),
    call("list_evaluations", "did you mean error?", status="failed"),
    call("list_evaluations", "did you mean completed?", status="done"),
    call("list_evaluations", "did you mean completed?", status="Completed"),
    call("list_evaluations", "did you mean running?", status="in progress"),
    call(
        "list_evaluations",
        "`status` must be one of pending, queued, running, completed, error,",
        status="all",
    ),
    call("list_evaluations", "did you mean compare?", type="pairwise"),
    call("list_evaluations", "did you mean score?", type="rating"),
    call("list_evaluations", "`limit` must be a whole number from 1 to 50; got 1000.", limit=1000),
    call("list_evaluations", "`limit` must be a whole number from 1 to 50; got 0.", limit=0),
    call(
        "list_evaluations", "`limit` must be a whole number from 1 to 50; got 'ten'.", limit="ten"
    ),
    call("list_evaluations", "did you mean `cursor`?", page=2),
    call("list_evaluations", "did you mean `cursor`?", offset=10),
    call("list_evaluations", "did you mean `limit`?", page_size=10),
    call(
        "list_evaluations",
        "`cursor` is not one of this server's: copy next_cursor of the",
        cursor="2",
    ),
    call("list_evaluations", "did you mean `cursor`?", next_cursor="2"),
    call(
        "list_evaluations",
        "No evaluation matches: drop a filter",
        model="org/answerer",
    ),
    call("list_evaluations", "did you mean `status`?", state="completed"),
    call(
        "list_datasets",
        "leave it out: the newest data sets are shown, with their number.",
        limit=10,
    ),
    call("list_datasets", "`name` looks for a part of a name.", filter="pairs"),
    call("list_evaluations", "did you mean `model`?", judge="org/answerer"),
    call("list_evaluations", "did you mean `data_set`?", file_id="file-1"),
    call("list_evaluations", "did you mean `name`?", title="baseline"),
    call("list_evaluations", "filter by `name`, `model`, `data_set`,", query="baseline"),
    call("list_models", "did you mean judge?", role="evaluator"),
    call("list_models", "did you mean judge?", role="Judge"),
    call("list_models", "did you mean candidate?", role="model"),
    call("list_models", "did you mean `model_source`?", source="serverless"),
    call("list_models", "did you mean serverless?", model_source="local"),
    call("list_models", "did you mean `filter`?", search="qwen"),
    call("list_models", "did you mean `filter`?", query="qwen"),
    call("list_models", "did you mean `filter`?", name="qwen"),
    call("list_models", "leave it out; `filter` looks for a part of a name.", provider="together"),
    call(
        "list_models",
        "`max_price` must be a number of 0 or more, in US dollars per million",
        max_price="cheap",
    ),
    call(
        "list_models",
        "`max_price` must be a number of 0 or more, in US dollars per million",
        max_price=-1,
    ),
    call("list_models", "`limit` must be a whole number from 1 to 200; got 1000.", limit=1000),
]

ROWS: list[Mistake] = [
    call("read_results", "did you mean `evaluation_id`?", id="@evaluation"),
    call(
        "read_results",
        "`evaluation_id` is the id of a data set; the ids of evaluations are",
        evaluation_id="@results",
    ),
    call(
        "read_results",
        "`evaluation_id` is the id of a data set; the ids of evaluations are",
        evaluation_id="@pairs",
    ),
    call("read_results", "did you mean `evaluation_id`?", file_id="@results"),
    call("read_results", "did you mean failing?", evaluation_id="@evaluation", show="fail"),
    call("read_results", "did you mean failing?", evaluation_id="@evaluation", show="failures"),
    call("read_results", "did you mean failed?", evaluation_id="@evaluation", show="errors"),
    call("read_results", "did you mean passing?", evaluation_id="@evaluation", show="passed"),
    call("read_results", "did you mean `text`?", evaluation_id="@evaluation", filter="bad"),
    call("read_results", "did you mean `show`?", evaluation_id="@evaluation", status="failing"),
    call(
        "read_results",
        "; the labels are 'bad'.",
        evaluation_id="@evaluation",
        label="Bad",
    ),
    call(
        "read_results",
        "; the labels are 'bad'.",
        evaluation_id="@evaluation",
        label="badd",
    ),
    call("read_results", "did you mean `label`?", evaluation_id="@evaluation", labels=["bad"]),
    call("label_rows", "a label is what a person says", evaluation_id="@evaluation", label="bad"),
    call("label_rows", "The user labels on the page", evaluation_id="@evaluation", close=True),
    call("mark_row", "They mark on the page", evaluation_id="@evaluation", mark="right"),
    call(
        "read_results",
        "Leave it out and call read_results again",
        evaluation_id="@evaluation",
        decision="A",
    ),
    call(
        "read_results",
        "Leave it out and call read_results again",
        evaluation_id="@evaluation",
        min_score=0.5,
    ),
    call("read_results", "did you mean `text`?", evaluation_id="@evaluation", query="1+1"),
    call("read_results", "did you mean `text`?", evaluation_id="@evaluation", search="1+1"),
    call(
        "read_results",
        "`limit` must be a whole number from 1 to 50; got 10000.",
        evaluation_id="@evaluation",
        limit=10_000,
    ),
    call("read_results", "did you mean `cursor`?", evaluation_id="@evaluation", page=2),
    call(
        "read_results",
        "`cursor` is not one of this server's: copy next_cursor of the",
        evaluation_id="@evaluation",
        cursor="x",
    ),
    call("read_results", "did you mean `sample_seed`?", evaluation_id="@evaluation", sample=5),
    call("compare_evaluations", "did you mean `evaluation_id_a`?", a="@evaluation", b="@second"),
    call(
        "compare_evaluations",
        "did you mean `evaluation_id_a` or `evaluation_id_b`?",
        evaluation_ids=["@evaluation", "@second"],
    ),
    call(
        "compare_evaluations",
        "did you mean `evaluation_id_a` or `evaluation_id_b`?",
        evaluation_id="@evaluation",
    ),
    call(
        "compare_evaluations",
        "is missing: copy it from the answer of create_evaluation, or call",
        evaluation_id_a="@evaluation",
    ),
    call(
        "compare_evaluations",
        "`evaluation_id_a` and `evaluation_id_b` are the same evaluation: call",
        evaluation_id_a="@evaluation",
        evaluation_id_b="@evaluation",
    ),
    call(
        "compare_evaluations",
        "`evaluation_id_a` is the id of a data set; the ids of evaluations are",
        evaluation_id_a="@pairs",
        evaluation_id_b="@evaluation",
    ),
    call(
        "compare_evaluations",
        "`evaluation_id_b` is the id of a benchmark; the ids of evaluations",
        evaluation_id_a="@evaluation",
        evaluation_id_b="@benchmark",
    ),
    call(
        "compare_evaluations",
        "Did you mean 'question'?",
        evaluation_id_a="@evaluation",
        evaluation_id_b="@second",
        key="questoin",
    ),
    call(
        "compare_evaluations",
        "Did you mean 'question'?",
        evaluation_id_a="@evaluation",
        evaluation_id_b="@second",
        key="Question",
    ),
    call(
        "compare_evaluations",
        "did you mean `key`?",
        evaluation_id_a="@evaluation",
        evaluation_id_b="@second",
        key_column="question",
    ),
    call(
        "compare_evaluations",
        "Only evaluations of the same type can be compared; A is classify, B",
        evaluation_id_a="@evaluation",
        evaluation_id_b="@scored",
    ),
]

READS = [*BY_ID, *LISTS, *ROWS]
