"""`find_failing_patterns`: what do the failing rows of an evaluation have in common?"""

from __future__ import annotations

from evals_mcp.prompts.definition import PromptArgument, PromptDefinition

DEFINITION = PromptDefinition(
    name="find_failing_patterns",
    title="Find patterns in failures",
    description="What do the failing rows of an evaluation have in common, and what to change?",
    arguments=(
        PromptArgument(
            "evaluation", "Id of an ended evaluation; the newest one if absent.", "evaluation"
        ),
    ),
    steps="""
Find out what the failing rows of an evaluation have in common, with the tools of evals-mcp.

1. Call get_evaluation. Without an id, call list_evaluations and take the newest that completed.
2. Read at most 40 failing rows with read_results, `limit` 20: show failing, or for type compare \
the rows that the side I care about has lost. If more failed, draw them with a sample_seed \
and say so.
3. Sort these rows into three to six groups. Name each group by its cause and not by its topic, \
and count its rows. Put a row that fits nowhere into a group "other".
4. If a column could explain a group, call get_evaluation with `by` that column, and say whether \
the figures agree.
5. Look for rows that the judge seems to have got wrong, and list their numbers apart: they say \
something about the judge, not about the answers.
6. Answer with a table: group, rows counted, their row numbers, one short quotation. Below it, \
the one change that would help most, and how to test it. Counts of a sample are no rates of the \
whole: say how many rows you read out of how many.
""",
    starts=False,
)
