"""`improve_rubric`: change a rubric by half of the labels, and check it on the other half."""

from __future__ import annotations

from evals_mcp.prompts.definition import PromptArgument, PromptDefinition

DEFINITION = PromptDefinition(
    name="improve_rubric",
    title="Improve a rubric by labels",
    description="Change a rubric by half of the labels of people, and check it on the other half.",
    arguments=(
        PromptArgument(
            "evaluation", "Id of an evaluation with labels.", "evaluation", required=True
        ),
    ),
    steps="""
Improve the rubric of a judge with the labels that people gave, with the tools of evals-mcp.

1. Call get_evaluation. Without at least 60 labels in its calibration, offer label_rows and stop: \
half of them must be left for the check. A judge that already agrees with people as often as two \
people agree has nothing to gain.
2. Call read_results with `show` misjudged and limit 50. Put the rows with an odd row number \
aside, unread: they are the half that checks. Of the even ones, say which kinds of answers the \
judge gets wrong, in each direction, with row numbers.
3. Propose one change of the rubric for the most frequent kind: a sentence that two people would \
read alike. No row's text, and no label, may stand in the rubric. Show me the old and the new \
sentence, and ask.
4. Call create_evaluation with `answers_of` the evaluation, the changed rubric and dry_run true. \
Tell me the cost, and start it when I agree. Wait with get_status and wait_seconds 45. The labels \
belong to the answers, so they count for the new evaluation too.
5. Call read_results with `show` misjudged for the new evaluation. Count the wrong calls on odd \
rows for both, since the change was made without them; wrong calls on even rows show only that it \
does what it was written for.
6. Call compare_evaluations with both. Answer: wrong calls on odd rows before and after, which \
judge is nearer to the labels with its interval, and the corrected rate by each. If no judge is \
shown to be nearer, say so, and name the labels that would be needed. Never change the rubric \
again by the odd rows: draw new labels first.
""",
)
