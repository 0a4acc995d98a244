"""Templates: what authors may write, and where the sandbox stops them."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.faults import RequestFault
from evals_engine.templates import MAX_OUTPUT, Template


def rendered(source: str, **row: Any) -> str:
    return Template(source, "judge.system_template").render(row)


def fault(source: str, **row: Any) -> str:
    with pytest.raises(RequestFault) as caught:
        rendered(source, **row)
    assert caught.value.param == "judge.system_template"
    return str(caught.value)


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
    template = Template("{{ a.b }}{% for i in c %}{{ i }}{{ range(2) }}{% endfor %}", "f")
    assert template.columns == {"a", "c"}


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
    with pytest.raises(RequestFault, match="No filter named 'shout'"):
        Template("{{ x|shout }}", "f")


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


def repeated(step: str, first: str, then: str) -> str:
    """A template that applies a step to `ns.x` 99 times and then looks at the outcome."""
    turn = f"{{% set ns.x = {step} %}}"
    loop = f"{{% for i in range(99) %}}{turn}{{% endfor %}}"
    return f"{{% set ns = namespace(x={first}) %}}{loop}{{{{ {then} }}}}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10 ** 9 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 10 ** 9999999 }}",
        repeated("ns.x * ns.x", "9", "ns.x > 1"),
        "{{ 'a'|center(10 ** 9) }}",
        "{{ 'a'.zfill(10 ** 9) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (1000000000, 1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ '{:{}}'.format(1, 1000000000) }}",
        "{{ '{:{}}'.format(1, '1000000000') }}",
        "{{ big.replace('a', big) }}",
        "{{ big|replace('a', big) }}",
        "{{ big.join(big) }}",
        "{{ [1]|batch(10 ** 9, 0)|list }}",
        repeated("ns.x + ns.x", "'aa'", "ns.x|length"),
        repeated("ns.x ~ ns.x", "'aa'", "ns.x|length"),
        repeated("[ns.x, ns.x]", "1", "ns.x"),
        repeated("{'a': ns.x, 'b': ns.x}", "1", "ns.x"),
        repeated("[ns.x, ns.x]", "1", "ns.x|tojson|length"),
        repeated("[ns.x, ns.x]", "1", "'%s'|format(ns.x)|length"),
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(99) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for i in range(9999) %}{{ big }}{% endfor %}",
    ],
)
def test_a_template_that_would_exhaust_the_machine_is_stopped_soon(source: str) -> None:
    started = time.monotonic()
    assert fault(source, big="a" * 100_000)
    assert time.monotonic() - started < 10


def test_output_over_the_limit_is_refused_and_at_the_limit_is_not() -> None:
    assert len(rendered("{{ x }}", x="a" * MAX_OUTPUT)) == MAX_OUTPUT
    assert "more than 1,048,576 characters" in fault("{{ x }}", x="a" * (MAX_OUTPUT + 1))


def test_the_bounds_start_anew_with_every_row() -> None:
    template = Template("{% for i in range(40000) %}{% endfor %}done", "f")
    assert [template.render({}) for _ in range(5)] == ["done"] * 5


def test_nesting_too_deep_to_compile_is_a_fault() -> None:
    with pytest.raises(RequestFault, match="nested too deeply"):
        Template("{{" + "(" * 20_000, "f")
