"""What callers call arguments and values, and what this server calls them.

Words are compared by their letters and digits in lower case: `Pass-Fail` is found as `passfail`.
"""

from __future__ import annotations

from collections.abc import Mapping


def bare(word: str) -> str:
    """Return the letters and digits of a word in lower case."""
    return "".join(filter(str.isalnum, word[:200].casefold()))


def _by_word(words: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the meanings of each word, from the words of each group of meanings."""
    table: dict[str, tuple[str, ...]] = {}
    for meanings, group in words.items():
        for word in group.split():
            table[word] = (*table.get(word, ()), *meanings.split())
    return table


def _each(words: str, meaning: str) -> dict[str, str]:
    """Return one meaning of several words."""
    return dict.fromkeys(words.split(), meaning)


ARGUMENTS: Mapping[str, tuple[str, ...]] = _by_word(
    {
        "name evaluation_id evaluation_id_a evaluation_id_b id filter": (
            "id eval evalid jobid job runid run workflowid evaluation evaluationname name"
        ),
        "name": "title displayname",
        "data": "dataset datasetpath datafile file filepath filename path csv jsonl input",
        "max_usd": "budget maxcost maxdollars maxprice maxspend cost costlimit limit usd dollars",
        "model": "judge",
        "evaluation_id_a evaluation_id_b id": "evaluationids evaluationid ids evaluations",
        "evaluation_id_a response_column_a model_a": "a first baseline evaluation1 left",
        "evaluation_id_b response_column_b model_b": "b second candidate evaluation2 right",
        "input_data_file_path rows id evaluation_id data_set": (
            "dataset datasetid fileid data datafile inputdata inputfile benchmarkid"
        ),
        "path input_data_file_path": "file filepath filename csv jsonl",
        "input_data_file_path": "path",
        "rows text": "content text records items examples samples table",
        "columns response_column response_column_a response_column_b cluster_column": (
            "column answercolumn outputcolumn responses output answers response answer modeloutput"
        ),
        "columns": "columnnames fields",
        "system_template judge.system_template": (
            "rubric prompt template instructions instruction criteria judgeprompt "
            "judgetemplate systemprompt evaluationprompt expected reference"
        ),
        "input_template model_to_evaluate.input_template": "userprompt question input",
        "judge judge.model": "judgemodel evaluator grader scorer rater rule judges judgename",
        "model judge.model model_to_evaluate model_a model_id": "model modelname candidatemodel",
        "model_to_evaluate model_a model_id": "candidate modeltotest target",
        "model_a model_id": "model1",
        "model_b model_id_2": "model2",
        "labels label": "choices categories classes options labelset",
        "pass_labels": "passinglabels passlabel positivelabels goodlabels",
        "pass_threshold pass_labels": "threshold passscore passmark cutoff passingscore",
        "min_score max_score": "min minimum low lowest range scale minimumscore",
        "max_score": "max maximum high highest maximumscore",
        "metrics custom_metrics": "metrics metric",
        "benchmark_id": "benchmark benchmarkname",
        "judge.temperature": "temperature",
        "max_tokens judge.max_tokens": "maxtokens maxoutputtokens maxcompletiontokens",
        "num_workers judge.num_workers": "numworkers concurrency workers parallelism threads",
        "disable_position_bias_correction": "bothorders swap swappositions positionbias",
        "half_width": "margin precision width marginoferror interval",
        "dry_run": "preview plan simulate test estimate",
        "again confirm": "force rerun repeat restart",
        "retry_of": "retry retryfailed retryid rerunof resume resumeof failedrows onlyfailed",
        "answers_of": "rejudge reuse reuseanswers answersfrom useanswersof judgeagain",
        "confirm": "code confirmation confirmcode token agreed",
        "sample limit": (
            "limit n samplesize maxrows numrows maxsamples numsamples samplerows subset top"
        ),
        "limit": "pagesize perpage count size maxresults",
        "cursor": "page offset nextcursor after start pagetoken",
        "by": "groupby group per slice",
        "cluster_column": "cluster clusters clusterby groups",
        "human_column": "goldcolumn goldlabels gold humanlabels humanlabel labelcolumn annotations",
        "wait_seconds": "wait timeout seconds waittime waitseconds",
        "status": "state",
        "show": "status verdict which rows",
        "text filter": "filter search query contains q keyword substring",
        "sort": "sortby order orderby",
        "sample_seed": "seed",
        "key": "key keycolumn joinon on idcolumn",
        "model_source": "source modelsource",
        "max_price": "price maxcost budget",
    }
)
"""Arguments that a word may stand for, the likeliest first; `.` leads into an object."""

_ROWS = "every row is judged; to try a few, send only those with upload_dataset and `rows`"
_COST = "the operator limits the cost in [budget]; `dry_run` true shows the cost and starts nothing"
_CLUSTERS = (
    "it belongs to get_evaluation, which reads the results by clusters. `stop_when` counts rows "
    "one by one: leave `stop_when` out where rows belong together"
)
_NO_NOTE = "leave it out; a `name` finds the evaluation again"
_FORMAT = "the format follows the ending of the file's name, such as .csv"
_NEWEST = "leave it out: the newest data sets are shown, with their number"
_CREDENTIAL = "addresses and keys are configured by the operator: name one in `external_credential`"

ADVICE: Mapping[str, Mapping[str, str]] = {
    "create_evaluation": {
        **_each(
            "limit n sample samplesize maxrows numrows maxsamples numsamples subset top",
            _ROWS,
        ),
        **_each("budget maxcost maxusd cost maxprice", _COST),
        **_each("description notes tags comment", _NO_NOTE),
        "name": "leave it out here: `model` names a model, and `name` beside it the evaluation",
        **_each("baseurl url endpoint externalbaseurl", _CREDENTIAL),
        "confidence": "intervals are of 95 %; `half_width` is the width to plan for",
        "seed": "leave it out: nothing is drawn at random",
        **_each("clustercolumn cluster clusters clusterby", _CLUSTERS),
    },
    "evals.toml": {
        "baseline": "give it to the command: evals-mcp gate FILE --baseline results.json",
        "out": "give it to the command as --out",
    },
    "upload_dataset": {
        "url": "URLs are not read: download the file and give its `path`",
        **_each("format type delimiter encoding separator", _FORMAT),
        **_each("limit n sample maxrows", "the whole file is stored; for fewer, pass `rows`"),
    },
    "list_datasets": {
        **_each("limit page cursor offset type", _NEWEST),
        **_each("filter search query contains q keyword", "`name` looks for a part of a name"),
    },
    "list_models": {"provider": "leave it out; `filter` looks for a part of a name"},
    "list_evaluations": _each(
        "filter search query contains q keyword provider",
        "filter by `name`, `model`, `data_set`, `type` or `status`",
    ),
}
"""What to do instead of a word that stands for no argument, by tool."""

LISTED_IN: Mapping[str, str] = {"evals.toml": "docs/guides/guard-a-repository.md"}
"""Where the arguments of something are listed that no client shows a schema of."""

VALUES: Mapping[str, tuple[str, ...]] = _by_word(
    {
        "compare": (
            "pairwise pairwisecomparison preference abtest ab comparison versus vs winrate "
            "h2h headtohead sidebyside arena"
        ),
        "score": "rating rate likert scoring numeric grade numericscore scale regression number",
        "classify": (
            "classification binary label labels passfail yesno category categorical "
            "multiclass boolean correctness exactmatch"
        ),
        "benchmark": "mmlu bench eval leaderboard",
        "user_error": "cancelled canceled stopped aborted",
        "error": "failed failure errored",
        "completed": "succeeded finished done success ended complete ok",
        "running": "inprogress active started",
        "queued": "waiting",
        "pending": "new created",
        "failing": "fail failure failures wrong bad incorrect negative",
        "passing": "passed pass good right correct positive success",
        "failed error": "errors error errored",
        "invalid": "unparsable unreadable malformed",
        "disagreements": "flips disagreement ties",
        "judge": "evaluator grader scorer rater",
        "candidate": "model generator answerer target",
        "external": "openai anthropic google azure api openrouter custom",
        "serverless": "local together hosted cloud default",
    }
)
"""Allowed values that a word may stand for, of any argument with a list of values."""

NO_FILTER = frozenset({"all", "any", "both", "none", "everything"})
"""Words for "do not filter", which an optional argument says by its absence."""

UNITS: Mapping[str, str] = {
    "half_width": ", in percentage points",
    "wait_seconds": ", in seconds; call again to go on waiting",
    "max_price": ", in US dollars per million tokens",
    "pass_threshold": " on your scale, from min_score to max_score",
}
"""Unit of a number, after its range."""

SCALES: Mapping[str, float] = {"half_width": 100}
"""By how much to multiply a number that was given as a share of 1."""

_ID = "copy it from the answer of create_evaluation, or call list_evaluations"

MISSING: Mapping[str, str] = {
    "type": "give classify (a label an answer), score (a number), compare (the better of two) or "
    "benchmark (a model's answers to a benchmark's questions)",
    "input_data_file_path": "give the file-… id of a data set, from upload_dataset or "
    "list_datasets",
    "data": "give the path of the data set from the folder of the file",
    "judge": "give an object with model, a name from list_models or a rule such as "
    "rule/exact-match, and system_template, your rubric",
    "labels": 'give every label that the judge may give, such as ["good", "bad"]',
    "pass_labels": 'give those of `labels` that count as a pass, such as ["good"]',
    "min_score": "give the lowest score that the judge may give, such as 1",
    "max_score": "give the highest score that the judge may give, such as 5",
    "pass_threshold": "give the lowest score that counts as a pass, such as 4",
    "model_id": "give the name of the model to ask, from list_models",
    "benchmark_id": "give the id of a benchmark, from list_datasets or from upload_dataset with "
    "benchmark true",
    "model": "give a name from list_models",
    "judge.model": "give a name from list_models, or a rule that calls no model, such as "
    "rule/exact-match",
    "judge.system_template": "give your rubric with columns in it, such as {{question}}; for a "
    "rule, the expected text, such as {{expected}}",
    "system_template": "give the system prompt; it may be empty, and may have columns in it",
    "input_template": "give the user prompt with columns in it, such as {{question}}",
    "evaluation_id": _ID,
    "evaluation_id_a": _ID,
    "evaluation_id_b": _ID,
    "id": "give the whole id of a data set or an evaluation, from list_datasets or "
    "list_evaluations",
}
"""What to give for an argument that is missing, by its path or its last name."""
