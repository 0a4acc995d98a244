"""Templates: what authors may write, and where the sandbox and the limits stop them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.compute.jobs import Limits
from evals_engine.compute.pool import OwnerPool
from evals_engine.compute.tasks import TaskError
from evals_engine.faults import RequestError
from evals_engine.templates.limits import MAX_OUTPUT, MAX_SOURCE
from evals_engine.templates.rendering import open_template as set_up
from evals_engine.templates.template import Template, chosen, open_template
from tests.engine.pools import owner_pool
from tests.engine.templates.bombs import BOMBS


def rendered(source: str, **row: Any) -> str:
    """Render in this process, as a worker does; only for templates that end."""
    _, render = set_up({"source": source, "field": "judge.system_template"})
    return render(row)


def fault(source: str, **row: Any) -> str:
    with pytest.raises(TaskError) as caught:
        rendered(source, **row)
    return str(caught.value)


def columns(source: str) -> list[str]:
    facts, _ = set_up({"source": source, "field": "f"})
    return facts["columns"]


def test_nested_access_conditions_loops_and_filters_work() -> None:
    source = (
        "{{ info.question }}{% if info.tags %} [{% for tag in info.tags %}{{ loop.index }}/"
        "{{ loop.length }} {{ tag|upper }}{{ ', ' if not loop.last }}{% endfor %}]{% endif %}"
    )
    text = rendered(source, info={"question": "Why?", "tags": ["a", "b"]})
    assert text == "Why? [1/2 A, 2/2 B]"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ x ~ '-' ~ 1 }}", "ab-1"),
        ("{{ '%.2f'|format(2.5) }} {{ '%s' % x }} {{ '{:>4}'.format(x) }}", "2.50 ab   ab"),
        ("{{ x * 3 }}{{ x + x }}{{ 2 ** 10 }}{{ 7 % 4 }}", "ababababab10243"),
        ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(x) }}{{ m(1) }}", "<ab><1>"),
        ("{{ rows|map(attribute='n')|join('+') }}={{ rows|sum(attribute='n') }}", "1+2=3"),
        ("{% for k, v in rows[0].items() %}{{ k }}:{{ v }}{% endfor %}", "n:1"),
        ("{{ y is defined }}{{ y|default('none') }}", "Falsenone"),
        ("{{ x.replace('a', 'cc') }}{{ range(3)|list }}", "ccb[0, 1, 2]"),
        ("{{ '<b>' }}&", "<b>&"),
    ],
)
def test_the_usual_expressions_give_what_jinja_gives(source: str, expected: str) -> None:
    assert rendered(source, x="ab", rows=[{"n": 1}, {"n": 2}]) == expected


def test_columns_are_the_top_level_names_and_no_others() -> None:
    source = "{{ a.b }}{% for i in c %}{{ i }}{{ range(2) }}{% endfor %}"
    assert columns(source) == ["a", "c"]


GLOBALS = ["range", "dict", "cycler", "joiner", "namespace", "lipsum"]


@pytest.mark.parametrize("name", GLOBALS)
def test_a_column_named_like_a_function_is_a_column_and_shows_the_rows_value(name: str) -> None:
    source = f"{{{{ {name} }}}}"
    assert columns(source) == [name]
    assert rendered(source, **{name: "the row's"}) == "the row's"


def test_a_function_that_is_only_called_is_no_column() -> None:
    source = "{% set ns = namespace(n=0) %}{% for i in range(2) %}{{ dict(a=i).a }}{% endfor %}"
    assert columns(source) == []
    assert rendered(source) == "01"


def test_row_values_are_never_rendered_themselves() -> None:
    assert rendered("{{ x }}", x="{{ 7 * 7 }}{% for %}") == "{{ 7 * 7 }}{% for %}"


@given(st.text(max_size=200).filter(lambda text: not text.endswith("\n")))
def test_any_value_comes_out_as_it_went_in(value: str) -> None:
    assert rendered("{{ x }}", x=value) == value


def test_a_syntax_error_names_the_field_and_the_line() -> None:
    assert fault("fine\n{% if %}") == (
        "judge.system_template, line 2: Expected an expression, got 'end of statement block'"
    )


def test_a_missing_column_is_named_with_its_line() -> None:
    assert fault("one\n{{ question }}") == "judge.system_template, line 2: 'question' is undefined"
    assert "no attribute 'text'" in fault("{{ q.text }}", q={})


def test_an_unknown_filter_is_found_before_any_row() -> None:
    with pytest.raises(TaskError, match=r"f, line 2: No filter named 'shout'"):
        columns("\n{{ x|shout }}")


def test_a_failing_operation_tells_its_kind_and_no_value_of_the_row() -> None:
    message = fault("{{ 1 / x }}{{ x }}", x=0)
    assert message == "judge.system_template, line 1: fails (ZeroDivisionError)"
    assert "secret" not in fault("{{ x + 1 }}", x="secret")


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x|attr('__class__') }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ range.__init__.__globals__ }}",
        "{{ items.append(1) }}",
        "{{ d.update({}) }}",
        "{% include 'other' %}",
        "{% import x as y %}",
        "{% extends x %}",
        "{{ lipsum() }}",
    ],
)
def test_the_sandbox_lets_nothing_out_and_changes_nothing(source: str) -> None:
    assert fault(source, x="a", items=[1], d={})


async def opened_and_rendered(source: str, row: dict[str, Any], pool: OwnerPool) -> str:
    return await (await open_template(source, "judge.system_template", pool)).render(row)


async def test_a_template_that_would_exhaust_the_machine_ends_its_row_and_no_other() -> None:
    limits = Limits(cpu_seconds=0.2, wall_seconds=60.0, memory_bytes=256 * 2**20)
    row = {"big": "a" * 100_000}
    async with owner_pool(limits) as pool:
        neighbour = await open_template("{{ x }}", "other", pool)
        for number, source in enumerate(BOMBS):
            with pytest.raises(RequestError) as caught:
                await opened_and_rendered(source, row, pool)
            assert str(caught.value).startswith("judge.system_template"), source
            assert caught.value.param == "judge.system_template"
            assert await neighbour.render({"x": number}) == str(number)


async def test_only_the_columns_that_a_template_names_go_to_a_worker() -> None:
    # A value that JSON cannot represent would end the row.
    async with owner_pool() as pool:
        template = await open_template("{{ x }}", "f", pool)
        assert template.columns == {"x"}
        assert await template.render({"x": 1, "other": object()}) == "1"


COLUMNS_ALONE = [
    "",
    "no column\n",
    "{{ x }}",
    "\n a {{- x }}\n{{ y -}} \n",
    "{# a note #}{% raw %}{{ x }}{% endraw %}{{ range }} {{ y }}",
]
MORE_THAN_COLUMNS = [
    "{{ x }}{{ x | upper }}",
    "{% if x %}{{ y }}{% endif %}",
    "{{ range(2) }}{{ x }}",
]
ROWS: list[dict[str, Any]] = [
    {"x": "{{ y }}", "y": "<&>\n", "range": "r"},
    {"x": "", "y": "\0", "range": "r", "other": 1},
    {"x": 1, "y": None, "range": [1.5]},
    {"x": "a"},
    {"x": "a" * (MAX_OUTPUT + 1), "y": "b", "range": ""},
]


async def test_a_row_has_the_text_that_a_worker_renders_wherever_it_is_put_together() -> None:
    async with owner_pool() as pool:
        for source in COLUMNS_ALONE + MORE_THAN_COLUMNS:
            _, render = set_up({"source": source, "field": "f"})
            template = await open_template(source, "f", pool)
            for row in ROWS:
                named = chosen(row, template.columns)
                assert await text_of(template, row) == text_or_fault(render, named), (source, named)


def text_or_fault(render: Callable[[Any], str], row: dict[str, Any]) -> str:
    try:
        return render(row)
    except TaskError as error:
        return str(error)


async def text_of(template: Template, row: dict[str, Any]) -> str:
    try:
        return await template.render(row)
    except RequestError as error:
        return str(error)


async def test_a_row_of_texts_needs_no_worker_if_the_template_puts_columns_between_texts() -> None:
    async with owner_pool() as pool:
        template = await open_template("{{ x }}!", "f", pool)
    assert await template.render({"x": "a"}) == "a!"
    with pytest.raises(RequestError, match="stopping"):
        await template.render({"x": 1})


async def test_a_long_text_that_a_template_shows_a_thousand_times_is_never_put_together() -> None:
    limits = Limits(cpu_seconds=5.0, wall_seconds=60.0, memory_bytes=256 * 2**20)
    row = {"x": "a" * 1_000_000}
    async with owner_pool(limits) as pool:
        template = await open_template("{{ x }}" * 1_000, "f", pool)
        tracemalloc.start()
        try:
            with pytest.raises(RequestError):
                await template.render(row)
            assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
        finally:
            tracemalloc.stop()


async def test_a_row_nested_without_end_fails_alone() -> None:
    deep: list[Any] = []
    deep.append(deep)
    async with owner_pool() as pool:
        template = await open_template("{{ x }}", "f", pool)
        with pytest.raises(RequestError, match="nested too deeply"):
            await template.render({"x": deep})
        assert await template.render({"x": 2}) == "2"


def test_a_long_document_can_be_cut_searched_and_counted() -> None:
    source = "{{ doc[:3] }} {{ doc|truncate(6, true) }} {{ 'x' in doc }} {{ doc|length }}"
    assert rendered(source, doc="abc" * 3_000_000) == "abc abc... False 9000000"


def test_recursive_loops_work_on_ordinary_data() -> None:
    source = "{% for n in tree recursive %}{{ n.v }}{{ loop(n.kids) }}{% endfor %}"
    assert rendered(source, tree=[{"v": 1, "kids": [{"v": 2, "kids": []}]}]) == "12"


def test_a_template_that_is_too_long_is_refused() -> None:
    assert "has 65,537 characters, 65,536 are the most" in fault("a" * (MAX_SOURCE + 1))


def test_output_over_the_limit_is_refused_and_at_the_limit_is_not() -> None:
    assert len(rendered("{{ x }}", x="a" * MAX_OUTPUT)) == MAX_OUTPUT
    assert "more than 1,048,576 characters" in fault("{{ x }}", x="a" * (MAX_OUTPUT + 1))


def test_nesting_too_deep_to_compile_is_a_fault() -> None:
    assert "nested too deeply" in fault("{{" + "(" * 20_000)
