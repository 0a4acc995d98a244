"""`check_judge`: does a judge agree with labels that people gave?"""

from __future__ import annotations

from evals_mcp.prompts.definition import PromptArgument, PromptDefinition

DEFINITION = PromptDefinition(
    name="check_judge",
    title="Check a judge against labels",
    description="Does a judge agree with the labels that people gave, and where does it not?",
    arguments=(
        PromptArgument(
            "file",
            "Path or file id of a data set with answers and labels.",
            "data_set",
            required=True,
        ),
        PromptArgument("labels", "Column with the labels that people gave.", "column"),
        PromptArgument("judge", "Model that judges.", "judge"),
    ),
    steps="""
Find out how far a judge agrees with labels that people gave, with the tools of evals-mcp.

1. If `file` is no id of a stored data set, call upload_dataset with it as path. Which column \
holds the answers, and which the labels of people? Ask me who gave the labels, if I \
have not said it.
2. Plan one evaluation of type classify of these answers. Its `labels` are the values of the \
labels column, its pass_labels the good ones, and its judge the model with a rubric that \
explains them. The labels column must not stand in the rubric; it is kept for the results.
3. Call create_evaluation with dry_run true. Tell me the rows and the cost, and start it when I \
agree. Wait with get_status and wait_seconds 45.
4. Call get_evaluation with `by` the labels column: it shows how the judge treated the rows of \
each label. Read the rows with read_results, a label of the judge at a time, the labels column \
among `columns`, and count how often each label was taken for which other.
5. Answer: agreement in rows and per cent, beside the agreement of always saying the commonest \
label; the label that the judge misses most; the rows that differ, by number, with both labels \
and the judge's reason; and the sentence of the rubric to change. Below 100 labelled rows, say \
that the figure is rough.
""",
)
