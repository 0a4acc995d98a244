"""Arguments of `create_evaluation` that do not exist, belong to another type or are missing."""

from __future__ import annotations

from tests.server.mistakes.mistake import (
    CANDIDATE,
    Mistake,
    benchmark,
    call,
    classify,
    compare,
    score,
)

TYPES: list[Mistake] = [
    call("create_evaluation", "is missing: give classify (a label an answer), score (a number),"),
    classify("did you mean compare?", type="pairwise"),
    classify("did you mean compare?", type="pairwise_comparison"),
    classify("did you mean compare?", type="preference"),
    classify("did you mean compare?", type="ab_test"),
    classify("did you mean compare?", type="comparison"),
    classify("did you mean score?", type="rating"),
    classify("did you mean score?", type="likert"),
    classify("did you mean score?", type="scoring"),
    classify("did you mean score?", type="numeric"),
    classify("did you mean classify?", type="classification"),
    classify("did you mean classify?", type="binary"),
    classify("did you mean classify?", type="label"),
    classify("did you mean classify?", type="pass_fail"),
    classify("did you mean classify?", type="Classify"),
    classify("did you mean benchmark?", type="benchmarking"),
    classify("did you mean classify?", type="exact_match"),
    classify("`type` must be one of classify, score, compare, benchmark; got 'zzz'.", type="zzz"),
    classify("is missing: give classify (a label an answer), score (a number),", type=None),
    classify("`type` must be one of classify, score, compare, benchmark; got 3.", type=3),
    classify("`labels` belongs to type classify, not score: leave it out or change", type="score"),
    score("`min_score` belongs to type score, not classify: leave it out or", type="classify"),
    compare("`response_column_a` belongs to type compare, not classify: leave it", type="classify"),
    benchmark(
        "`model_id` belongs to type benchmark, not classify: leave it out or", type="classify"
    ),
]

ARGUMENTS: list[Mistake] = [
    classify("did you mean `retry_of`?", retry="eval-1"),
    classify("did you mean `retry_of`?", retry_failed=True),
    classify("did you mean `answers_of`?", reuse_answers="eval-1"),
    classify("`retry_of` must be a string", retry_of=True),
    classify("`answers_of` is the id of a data set", answers_of="@pairs"),
    classify("`stop_when`: it needs at least one of decided (true), smaller_than", stop_when={}),
    classify("decided needs target, the pass rate in percent", stop_when={"decided": True}),
    classify("What it takes: All but benchmark: stop early, by", stop_when={"early": True}),
    classify("leave `stop_when` out where rows belong together", cluster_column="topic"),
    classify(
        "leave `stop_when` out where rows belong together",
        stop_when={"decided": True, "target": 50, "cluster_column": "topic"},
    ),
    classify("did you mean `sample`?", limit=50),
    classify("did you mean `sample`?", sample_size=50),
    classify("did you mean `sample`?", n=50),
    classify("did you mean `sample`?", max_rows=50),
    classify("did you mean `input_data_file_path`?", dataset_id="@pairs"),
    classify("did you mean `input_data_file_path`?", file_id="@pairs", input_data_file_path=None),
    classify("did you mean `input_data_file_path`?", dataset="@pairs", input_data_file_path=None),
    classify("did you mean `input_data_file_path`?", data="@pairs"),
    classify("did you mean `input_data_file_path`?", path="answers.jsonl"),
    classify("did you mean `judge.system_template`?", rubric="Is it right?"),
    classify("did you mean `judge.system_template`?", prompt="Is it right?"),
    classify("did you mean `judge.system_template`?", criteria="Is it right?"),
    classify("did you mean `judge.model` or `model_to_evaluate`?", model="org/answerer"),
    classify("did you mean `judge` or `judge.model`?", judge_model="rule/contains", judge=None),
    classify("did you mean `judge` or `judge.model`?", evaluator="rule/contains"),
    classify("did you mean `pass_labels`?", threshold=0.5),
    classify("did you mean `labels`?", choices=["a", "b"]),
    classify("did you mean `labels`?", categories=["a", "b"]),
    classify("did you mean `labels`?", classes=["a", "b"]),
    classify("did you mean `pass_labels`?", passing_labels=["good"], pass_labels=None),
    classify("did you mean `pass_labels`?", pass_label=["good"], pass_labels=None),
    classify("did you mean `labels`?", Labels=["good", "bad"], labels=None),
    classify("did you mean `response_column`?", responseColumn="answer", response_column=None),
    classify("did you mean `response_column`?", answer_column="answer", response_column=None),
    classify("did you mean `response_column`?", output_column="answer", response_column=None),
    classify("did you mean `response_column`?", column="answer", response_column=None),
    classify("did you mean `judge.temperature`?", temperature=0),
    classify("did you mean `judge.max_tokens`?", max_tokens=100),
    classify("did you mean `judge.num_workers`?", num_workers=5),
    classify("leave it out: nothing is drawn at random.", seed=7),
    classify("the operator limits the cost in [budget]; `dry_run` true shows the", budget=5),
    classify("the operator limits the cost in [budget]; `dry_run` true shows the", max_cost=5),
    classify("did you mean `again` or `confirm`?", force=True),
    classify("did you mean `dry_run`?", dryrun=True),
    classify("did you mean `dry_run`?", preview=True),
    classify("did you mean `confirm`?", confirmation="abc"),
    classify("did you mean `confirm`?", confirm_code="abc"),
    classify("intervals are of 95 %; `half_width` is the width to plan for.", confidence=95),
    classify("did you mean `half_width`?", margin=5),
    classify(
        "`parameters` is not an argument of create_evaluation: put its fields",
        parameters={"labels": ["good", "bad"]},
    ),
    classify("an array of objects, each with a `name`", metrics=["accuracy"]),
    classify("leave it out; a `name` finds the evaluation again.", description="first try"),
    classify("`api_key` is not accepted: keys and URLs must not be part of a", api_key="x"),
    classify("that exist are in the input schema of create_evaluation.", both_orders=True),
    compare("did you mean `model_a`?", model_1=CANDIDATE),
    compare("did you mean `response_column_a`?", column_a="answer", response_column_a=None),
    compare("did you mean `response_column_a` or `model_a`?", baseline="answer"),
    compare("did you mean `disable_position_bias_correction`?", swap=False),
    score("did you mean `min_score` or `max_score`?", min=0, min_score=None),
    score("did you mean `min_score` or `max_score`?", range=[0, 1]),
    score("did you mean `pass_threshold`?", pass_score=1, pass_threshold=None),
    score("did you mean `pass_threshold`?", threshold=1, pass_threshold=None),
    benchmark("did you mean `model_id`?", model="org/answerer", model_id=None),
    benchmark("did you mean `benchmark_id`?", benchmark="@benchmark", benchmark_id=None),
    benchmark("`model_b`: pass an object with model, system_template and", model_b="org/answerer"),
    benchmark("did you mean `custom_metrics`?", metrics=["accuracy"]),
]

MISSING: list[Mistake] = [
    classify("is missing: give an object with model, a name from list_models or a", judge=None),
    classify("is missing: give every label that the judge may give, such as", labels=None),
    classify("is missing: give those of `labels` that count as a pass, such as", pass_labels=None),
    classify(
        "is missing: give the file-… id of a data set, from upload_dataset or",
        input_data_file_path=None,
    ),
    classify(
        "`response_column` or `model_to_evaluate` is missing: a rule compares", response_column=None
    ),
    score("is missing: give the lowest score that the judge may give, such as 1.", min_score=None),
    score("is missing: give the highest score that the judge may give, such as 5.", max_score=None),
    score(
        "is missing: give the lowest score that counts as a pass, such as 4.", pass_threshold=None
    ),
    compare(
        "`response_column_a` or `model_a` is missing: name a column of ready",
        response_column_a=None,
    ),
    compare(
        "`response_column_b` or `model_b` is missing: name a column of ready",
        response_column_b=None,
    ),
    benchmark(
        "is missing: give the id of a benchmark, from list_datasets or from", benchmark_id=None
    ),
    benchmark("is missing: give the name of the model to ask, from list_models.", model_id=None),
    classify(
        "is missing: give your rubric with columns in it, such as",
        judge={"model": "rule/exact-match"},
    ),
    classify(
        "is missing: give a name from list_models, or a rule that calls no",
        judge={"system_template": "{{expected}}"},
    ),
    classify("is missing: give a name from list_models, or a rule that calls no", judge={}),
    classify(
        "is missing: give the system prompt; it may be empty, and may have",
        model_to_evaluate={"model": "org/answerer"},
    ),
    classify(
        "did you mean `system_template`?",
        model_to_evaluate={"model": "m", "prompt": "{{question}}"},
    ),
]

CREATES = [*TYPES, *ARGUMENTS, *MISSING]
