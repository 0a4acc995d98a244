"""`compare_versions`: is version B of some answers better than version A?"""

from __future__ import annotations

from evals_mcp.prompts.definition import PromptArgument, PromptDefinition

DEFINITION = PromptDefinition(
    name="compare_versions",
    title="Compare two versions",
    description="Is version B of the answers better than version A, how sure is that, and where?",
    arguments=(
        PromptArgument(
            "file", "Path or file id of a data set with both answers.", "data_set", required=True
        ),
        PromptArgument("a", "Column with version A's answers, or a model to run.", "column"),
        PromptArgument("b", "Column with version B's answers, or a model to run.", "column"),
    ),
    steps="""
Find out whether version B of my answers is better than version A, with the tools of evals-mcp.

1. If `file` is no id of a stored data set, call upload_dataset with it as path. Its answer names \
the columns. If `a` or `b` is missing, name the columns that could hold answers and ask me.
2. Choose the judge, and say why in a sentence:
   - If a column holds the expected answer, and a text can be checked against it, take a rule, \
which is free: start one classify evaluation for `a` and one for `b`, then compare_evaluations.
   - Otherwise start one evaluation of type compare, with rubric/preference as the judge's \
system_template and a model that list_models offers for the role judge.
3. Call create_evaluation with dry_run true. Tell me the rows, the calls, the cost and what the \
judge reads. Start it only when I agree. With more than 500 paid rows, offer a sample of 50 first.
4. Wait with get_status and wait_seconds 45 until it has ended, then call get_evaluation.
5. Answer in this order: which version is better, by how much, with the interval, and whether \
that could be chance; whether the order of the answers swayed the judge; three to five rows on \
which the versions differ, by row number; what was left out of the figures.
""",
)
