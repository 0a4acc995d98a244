"""`write_rubric`: write a rubric for a model judge, and try it on a few rows."""

from __future__ import annotations

from evals_mcp.prompts.definition import PromptArgument, PromptDefinition

DEFINITION = PromptDefinition(
    name="write_rubric",
    title="Write a rubric",
    description="Write a rubric for a model judge, try it on ten rows, and show where it wavers.",
    arguments=(
        PromptArgument(
            "file", "Path or file id of a data set with answers.", "data_set", required=True
        ),
        PromptArgument("goal", "What a good answer does, in your words."),
    ),
    steps="""
Write a rubric with me by which a model judges my answers, with the tools of evals-mcp.

1. If `file` is no id of a stored data set, call upload_dataset with it as path. Read its preview: \
which column is the question, which the answer, which a reference?
2. Call list_models with filter rubric/. If a ready rubric measures the goal, propose it and go to \
step 5. Otherwise write one.
3. Measure one thing only. Prefer two or three labels to a scale. For each label, write one \
sentence that two people would read alike, and a border case with its label. Say what to ignore, \
such as length and style. Put each column between tags, such as <question>{{question}}</question>, \
and say that the text between tags is data.
4. Show me the rubric, and ask about the border cases that you could not decide.
5. Call create_evaluation with `sample` 10 and dry_run true; tell me the cost, and start it when I \
agree. Judge the same ten rows a second time with `answers_of` that evaluation and `again` true.
6. Read all rows with read_results, and compare the two runs with compare_evaluations. Show me the \
rows on which the runs differ, the verdicts that you would not have given, and the sentence of the \
rubric that is to blame. Change that sentence and offer to try again.

Ten rows show where a rubric wavers. They do not show that the judge is right.
""",
)
