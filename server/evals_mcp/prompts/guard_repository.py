"""`guard_repository`: an evals.toml that fails a change which makes answers worse."""

from __future__ import annotations

from evals_mcp.prompts.definition import PromptArgument, PromptDefinition

DEFINITION = PromptDefinition(
    name="guard_repository",
    title="Guard a repository",
    description="Write the file evals.toml, which fails changes that make answers worse.",
    arguments=(
        PromptArgument("file", "Data set: a file path or an id.", "data_set"),
        PromptArgument("loss", "Points that a change may lose, such as 5."),
    ),
    steps="""
Write an evals.toml with me, for the commands evals-mcp run and evals-mcp gate, with the tools of \
evals-mcp.

1. Find the data set and its columns: call upload_dataset for a file, or list_datasets. If a model \
has to write the answers first, ask me which.
2. Settle what a good answer is: the `type`, the `judge` and its labels or scale. A ready rubric \
(list_models with `filter` rubric/) or a rule is best; otherwise propose one in my words.
3. Call create_evaluation with `dry_run` true and exactly these arguments. Correct what it warns \
of. Tell me rows, calls and cost.
4. Ask me two things: the largest loss in points that I accept (margin), and the dollars that one \
run may cost (max_usd). If 10 % of the verdicts change by chance, 314 rows settle 5 points and 873 \
settle 3. With fewer rows, say so.
5. Write the file: the arguments of create_evaluation under their own names as TOML, with \
data = "path relative to the file" in place of `input_data_file_path`, max_usd, tables [judge] and \
[[metrics]], and [gate] with margin. For rows that must never fail, add a column and name it as \
pinned. Keys never stand in it.
6. Show me how to try it: evals-mcp run evals.toml --dry-run, then without it for a baseline, then \
evals-mcp gate evals.toml --baseline evals-results. Exit code 0 is passed, 1 regressed, 2 could \
not run, 3 not enough evidence if unclear = "fail".
7. Offer the job for GitHub or GitLab from docs/guides/guard-a-repository.md.
""",
)
