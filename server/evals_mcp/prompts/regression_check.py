"""`regression_check`: did a change make the answers worse?"""

from __future__ import annotations

from evals_mcp.prompts.definition import PromptArgument, PromptDefinition

DEFINITION = PromptDefinition(
    name="regression_check",
    title="Check for a regression",
    description="Repeat an earlier evaluation on new answers, and say what became worse.",
    arguments=(
        PromptArgument("evaluation", "Id of the baseline evaluation.", "evaluation", required=True),
        PromptArgument("file", "Data set with the new answers, if there is one.", "data_set"),
    ),
    steps="""
Find out whether a change made my answers worse, with the tools of evals-mcp.

1. Call get_evaluation for the baseline. Without an id, call list_evaluations and ask me which.
2. Plan the same evaluation again, with the same judge, rubric and limits. With a new data set, \
upload it and pass its id as input_data_file_path; it must have the same rows. Without one, pass \
`again` true, because an identical request starts nothing new; that makes sense only where a model \
writes the answers.
3. Call create_evaluation with dry_run true. Tell me the rows and the cost, and start it when I \
agree. Wait with get_status and wait_seconds 45.
4. Call compare_evaluations with the baseline as evaluation_id_a and the new evaluation as \
evaluation_id_b.
5. Answer: better, worse, or not decided by these rows, with the paired difference and its \
interval; how many rows became worse and how many better; the rows that became worse, by \
number, with the judge's reason; whether rows were left out because they were not in both.
6. Close with one line for a log: `regression: yes`, `regression: no` or `regression: not \
decided`, and the interval. Say no only if the whole interval lies above the loss that I would \
accept; ask me for that loss if I have not named it.
""",
)
