"""Wrong values in `create_evaluation`: labels, numbers, models, columns and ids."""

from __future__ import annotations

from tests.server.mistakes.mistake import (
    CANDIDATE,
    RULE,
    Mistake,
    benchmark,
    classify,
    compare,
    score,
)

VALUES: list[Mistake] = [
    classify("did you mean 'good'?", pass_labels=["Good"]),
    classify("did you mean 'good'?", pass_labels=["god"]),
    classify(
        "`pass_labels`: 'excellent' is not one of `labels`; the labels are",
        pass_labels=["excellent"],
    ),
    classify("did you mean 'bad'?", pass_labels=["good", "Bad"]),
    classify("`pass_labels` must be an array of 1 to 1,000; got an array of 0.", pass_labels=[]),
    classify("did you mean ['Good']?", pass_labels="Good"),
    classify("`labels` must be an array of 2 to 1,000; got an array of 1.", labels=["good"]),
    classify(
        "`labels`: each must be non-empty and differ by more than case.",
        labels=["good", "Good"],
        pass_labels=["good"],
    ),
    classify("`labels`: each must be non-empty and differ by more than case.", labels=["good", ""]),
    classify("did you mean ['good', 'bad']?", labels="good, bad"),
    classify("did you mean ['good', 'bad']?", labels={"good": 1, "bad": 0}),
    classify(
        "Every label is one of `pass_labels`, so every row would pass: leave",
        pass_labels=["good", "bad"],
    ),
    classify("did you mean 5?", half_width=0.05),
    classify("`half_width` must be a number from 0.1 to 49, in percentage points;", half_width=0),
    classify("`half_width` must be a number from 0.1 to 49, in percentage points;", half_width=-5),
    classify("`half_width` must be a number from 0.1 to 49, in percentage points;", half_width=95),
    classify("did you mean 5?", half_width="5%"),
    classify(
        "`half_width` must be a number from 0.1 to 49, in percentage points;", half_width="five"
    ),
    classify("`dry_run` must be true or false; got 'maybe'.", dry_run="maybe"),
    classify("`again` must be true or false; got 'x'.", again="x"),
    classify("`confirm` is not a code that this server has issued to you. Leave it", confirm="abc"),
    classify("`confirm` must be a string; got true.", confirm=True),
    classify(
        "`judge` must be an object with model, system_template; got", judge="rule/exact-match"
    ),
    classify(
        "`judge` must be an object with model, system_template; got an array",
        judge=["rule/exact-match"],
    ),
    classify("Did you mean rule/exact-match?", judge={**RULE, "model": "rule/exact"}),
    classify("Did you mean rule/exact-match?", judge={**RULE, "model": "rule/exactmatch"}),
    classify(
        "Did you mean rule/exact-match, which calls no model?",
        judge={**RULE, "model": "exact-match"},
    ),
    classify(
        "`judge.model`: there is no rule 'rule/levenshtein'. The rules are",
        judge={**RULE, "model": "rule/levenshtein"},
    ),
    classify(
        "`judge.model` must be a string of 1 to 500 characters; got ''.",
        judge={**RULE, "model": ""},
    ),
    classify(
        "`judge.model`: local does not list 'gpt-5'. It lists no model at all:",
        judge={**RULE, "model": "gpt-5"},
    ),
    classify(
        "`judge.model`: local does not list 'answer'. It lists no model at",
        judge={**RULE, "model": "answer"},
    ),
    classify(
        "`judge.max_tokens` must be a whole number of 1 or more; got 0.",
        judge={**RULE, "max_tokens": 0},
    ),
    classify(
        "`judge.max_tokens` must be a whole number of 1 or more; got 'many'.",
        judge={**RULE, "max_tokens": "many"},
    ),
    classify(
        "`judge.temperature` must be a number from 0 to 2; got 3.", judge={**RULE, "temperature": 3}
    ),
    classify(
        "`judge.temperature` must be a number from 0 to 2; got -1.",
        judge={**RULE, "temperature": -1},
    ),
    classify(
        "`judge.num_workers` must be a whole number of 1 or more; got 0.",
        judge={**RULE, "num_workers": 0},
    ),
    classify("did you mean external?", judge={**RULE, "model_source": "openai"}),
    classify(
        "is missing: model_source external needs a credential. None is",
        judge={**RULE, "model_source": "external"},
    ),
    classify(
        "`judge.external_credential` is not a configured credential. None is",
        judge={**RULE, "model_source": "external", "external_credential": "mine"},
    ),
    classify(
        "`judge.external_credential` needs `judge.model_source` external.",
        judge={**RULE, "external_credential": "mine"},
    ),
    classify("did you mean `system_template`?", judge={**RULE, "prompt": "x"}),
    classify("did you mean `system_template`?", judge={**RULE, "rubric": "x"}),
    classify("did you mean `system_template`?", judge={**RULE, "template": "x"}),
    classify("did you mean `system_template`?", judge={**RULE, "systemTemplate": "x"}),
    classify("did you mean `system_template`?", judge={**RULE, "input_template": "x"}),
    classify("did you mean `max_tokens`?", judge={**RULE, "maxTokens": 5}),
    classify("did you mean `max_tokens`?", judge={**RULE, "max_output_tokens": 5}),
    classify(
        "`judge.api_key` is not accepted: keys and URLs must not be part of a",
        judge={**RULE, "api_key": "x"},
    ),
    classify(
        "addresses and keys are configured by the operator: name one in",
        judge={**RULE, "base_url": "http://x"},
    ),
    classify("leave it out here: `model` names a model,", judge={**RULE, "name": "x"}),
    classify(
        "`model_to_evaluate`: pass an object with model, system_template and",
        model_to_evaluate="org/answerer",
    ),
    classify(
        "`model_to_evaluate.model` is 'rule/contains': a rule can judge, but",
        model_to_evaluate={**CANDIDATE, "model": "rule/contains"},
    ),
    classify(
        "`model_to_evaluate.model` is 'answer', a column of the data set. For",
        model_to_evaluate={**CANDIDATE, "model": "answer"},
    ),
    classify(
        "`response_column` and `model_to_evaluate` exclude each other: the",
        model_to_evaluate=CANDIDATE,
        response_column="answer",
    ),
    score("`min_score` must be a number; got 'low'.", min_score="low"),
    score("`max_score`: must be above `min_score` (1).", min_score=1, max_score=0),
    score("`pass_threshold`: must lie in 0..1, got 5.", pass_threshold=5),
    score(
        "`pass_threshold` must be a number on your scale, from min_score to", pass_threshold="80%"
    ),
    score("`max_score` must be a number; got 'ten'.", max_score="ten"),
    compare(
        "are both 'answer': the answers are compared with themselves. Name another",
        input_data_file_path="@pairs",
        response_column_a="answer",
        response_column_b="answer",
    ),
    compare(
        "`disable_position_bias_correction` must be true or false; got 'both'.",
        disable_position_bias_correction="both",
    ),
    compare(
        "`model_a`: pass an object with model, system_template and",
        model_a="org/answerer",
        response_column_a=None,
    ),
    benchmark(
        "`model_id_2` is the same as `model_id`: name another model to compare",
        model_id_2="org/answerer",
    ),
    benchmark("Did you mean accuracy?", custom_metrics=["acuracy"]),
    benchmark(
        "`custom_metrics`: must be an array of names, or an object with names as keys.",
        custom_metrics=[1],
    ),
    benchmark(
        "`model_id` is 'rule/exact-match': a rule can judge, but not answer.",
        model_id="rule/exact-match",
    ),
]

COLUMNS: list[Mistake] = [
    classify("Did you mean 'answer'?", response_column="anwser"),
    classify("Did you mean 'answer'?", response_column="Answer"),
    classify(
        "`response_column`: the data set has no column 'response'. It has",
        response_column="response",
    ),
    classify("Did you mean 'answer'?", response_column="org/answerer"),
    classify("Did you mean 'answer'?", response_column="{{answer}}"),
    classify(
        "Did you mean 'expected'?", judge={**RULE, "system_template": "{{question}}{{Expected}}"}
    ),
    classify(
        "Did you mean 'expected'?", judge={**RULE, "system_template": "{{question}}{{expectd}}"}
    ),
    classify(
        "`judge.system_template` has {question}, {expected}, which is not",
        judge={**RULE, "system_template": "{question}{expected}"},
    ),
    classify(
        "`judge.system_template` uses {{row}}, which is not a column of the",
        judge={**RULE, "system_template": "{{question}}{{row.expected}}"},
    ),
    classify(
        "`judge.system_template` is not a valid Jinja2 template (line 1):",
        judge={**RULE, "system_template": "{{question}}{{ expected"},
    ),
    classify(
        "`judge.system_template` is not a valid Jinja2 template (line 1):",
        judge={**RULE, "system_template": "{{question}}{% if expected %}"},
    ),
    classify(
        "`judge.system_template` is not a valid Jinja2 template (line 1): No",
        judge={**RULE, "system_template": "{{question}}{{expected | upperr}}"},
    ),
    classify(
        "`judge.system_template` uses {{reference}}, which is not a column of",
        judge={**RULE, "system_template": "{{question}}{{reference}}"},
    ),
    classify(
        "`judge.system_template` is empty in every sampled row",
        judge={**RULE, "system_template": ""},
    ),
    compare("Did you mean 'other'?", response_column_b="othr"),
]

IDS: list[Mistake] = [
    classify("the name of a file, not an id: call upload_dataset", input_data_file_path="a.jsonl"),
    classify("'pairs.jsonl'?", input_data_file_path="pairs.jsonl"),
    classify("then give the file_id of its answer", input_data_file_path="/home/me/answers"),
    classify(
        "take the file_id of a data set from list_datasets or from the answer",
        input_data_file_path="@evaluation",
    ),
    classify(
        "Call list_datasets for a data set of local, or store the rows there",
        input_data_file_path="@benchmark",
    ),
    classify(
        "Call list_datasets for a data set of local, or store the rows there",
        input_data_file_path="@benchmark results",
    ),
    classify(
        "`input_data_file_path` is not a data set of yours: take a file_id",
        input_data_file_path="file-unknown",
    ),
    classify("'pairs.jsonl'?", input_data_file_path="@shortened"),
    classify(
        "`input_data_file_path` must be a string, not empty; got ''.", input_data_file_path=""
    ),
    classify(
        "`input_data_file_path` must be a string, not empty; got an array of 1.",
        input_data_file_path=["@pairs"],
    ),
    benchmark(
        "call upload_dataset with benchmark true and the columns question and",
        benchmark_id="@pairs",
    ),
    benchmark("This is the id of an evaluation: call list_datasets", benchmark_id="@evaluation"),
    benchmark(
        "`benchmark_id`: there is no benchmark 'sums'. Call list_datasets for", benchmark_id="sums"
    ),
    benchmark(
        "`benchmark_id`: there is no benchmark 'mmlu'. Call list_datasets for", benchmark_id="mmlu"
    ),
    benchmark("`benchmark_id` must be a string, not empty; got ''.", benchmark_id=""),
]

VALUES_OF_CREATES = [*VALUES, *COLUMNS, *IDS]
