"""The page of documentation that shows every ready rubric in full, written from the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals_schemas.rubrics.rubric import Rubric, written
from evals_schemas.rubrics.table import RUBRICS

_HEAD = """\
# Ready rubrics

`evals-mcp rubrics` prints this page from `schemas/evals_schemas/rubrics/table.py`; in a
conversation, `list_models` with `filter` `rubric/` lists the rubrics, and with the name of one
shows its text.

The name goes where the rubric's text goes: `judge.system_template` of `create_evaluation`, with a
model as `judge.model`. The server replaces the name by the text before it plans, so every service
receives the text, and the request equals one with the text written by hand. A `dry_run` shows the
text in full.

* `rubric/correctness` is the newest version, `rubric/correctness@1` always the same one. The text
  of a version never changes; a changed text is a new version.
* `rubric/correctness(reference=expected, question=prompt)` reads columns of other names.
* `labels`, `min_score`, `max_score` need not be passed, and no others are accepted, because the
  text explains these. `pass_labels` and `pass_threshold` may be chosen.
* The judged answer is `response_column` or `model_to_evaluate`; of two answers, the same for A
  and B.
* Texts of the row stand between tags and are called data. The beginning of a closing tag inside
  such a text is replaced (`<_/question`), so that a text cannot end its own tag. A judge may
  still follow an instruction in the data: no rubric prevents that.
* To change a rubric, copy its text and pass it as `judge.system_template`.

How well judges with these rubrics agree with people has not been measured. It depends on the
model that judges and on the data: read some verdicts with `read_results` before you rely on a
figure.
"""


def rubrics_page(rubrics: Sequence[Rubric] = RUBRICS) -> str:
    """Return the page in Markdown, ending in a line break."""
    rows = [
        f"| [`{each.full_name}`](#{_anchor(each)}) | {each.type} | {_columns(each)} "
        f"| {', '.join(each.verdicts)} | {each.measures} |"
        for each in rubrics
    ]
    table = [
        "| name | type | columns besides the answer | verdicts, best first | measures |",
        "|---|---|---|---|---|",
        *rows,
    ]
    sections = ["\n".join(_section(each)) for each in rubrics]
    return "\n".join([_HEAD, *table, "", "\n".join(sections)])


def _anchor(rubric: Rubric) -> str:
    """Return the anchor of a heading as Markdown renderers make it."""
    return rubric.full_name.replace("/", "").replace("@", "")


def _columns(rubric: Rubric) -> str:
    return ", ".join(f"`{column.name}`" for column in rubric.columns) or "none"


def _section(rubric: Rubric) -> Iterator[str]:
    yield f"## {rubric.full_name}\n"
    yield f"Measures {rubric.measures}. {rubric.limits}\n"
    for column in rubric.columns:
        others = ", ".join(f"`{name}`" for name in column.other_names)
        yield f"* `{column.name}`: {column.meaning}. Often called {others}."
    for kind, values in (("fixed", rubric.fixed), ("usual", rubric.usual)):
        for name, value in values.items():
            yield f"* `{name}`: `{written(value)}` ({kind})"
    yield f"\n```jinja\n{rubric.text()}\n```\n"
