"""Templates: what authors may write, and where the sandbox stops them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.faults import RequestError
from evals_engine.templates.sandbox import FILTERS, MAX_DEPTH, MAX_OUTPUT, TEXT_METHODS
from evals_engine.templates.template import MAX_NODES, MAX_SOURCE, Template
from tests.clocks import bounded_work


def rendered(source: str, **row: Any) -> str:
    return Template(source, "judge.system_template").render(row)


def fault(source: str, **row: Any) -> str:
    with pytest.raises(RequestError) as caught:
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


GLOBALS = ["range", "dict", "cycler", "joiner", "namespace", "lipsum"]


@pytest.mark.parametrize("name", GLOBALS)
def test_a_column_named_like_a_function_is_a_column_and_shows_the_rows_value(name: str) -> None:
    template = Template(f"{{{{ {name} }}}}", "f")
    assert template.columns == {name}
    assert template.render({name: "the row's"}) == "the row's"


def test_a_function_that_is_only_called_is_no_column() -> None:
    source = "{% set ns = namespace(n=0) %}{% for i in range(2) %}{{ dict(a=i).a }}{% endfor %}"
    assert Template(source, "f").columns == frozenset()
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


def test_an_unknown_filter_is_found_before_any_row_and_told_what_there_is() -> None:
    with pytest.raises(RequestError, match="f, line 2: No filter named 'shout'") as caught:
        Template("\n{{ x|shout }}", "f")
    assert ", ".join(sorted(FILTERS)) in str(caught.value)


def test_a_method_that_is_not_available_is_told_what_there_is() -> None:
    message = fault("{{ x.encode() }}", x="a")
    assert "not available, encode" in message
    assert ", ".join(sorted(TEXT_METHODS)) in message
    assert "not available, to_bytes" in fault("{{ x.to_bytes(9) }}", x=1)
    assert "not available, update" in fault("{{ dict.update(x, {'a': 2}) }}", x={"a": 1})


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
    with bounded_work():
        assert fault(source, big="a" * 100_000)


def many(block: str) -> str:
    """A template that repeats a block 45,000 times, which costs 90,000 steps by itself."""
    return f"{{% for i in range(45000) %}}{block}{{% endfor %}}"


LONG = 8_000_000


@pytest.mark.parametrize(
    "source",
    [
        many("{% if -1 in numbers %}{% endif %}"),
        many("{% if 'zz' in s %}{% endif %}"),
        many("{% if s == other %}{% endif %}"),
        many("{% if [s] == [other] %}{% endif %}"),
        many("{% if s is eq other %}{% endif %}"),
        many("{% set x = s.upper() %}"),
        many("{% set x = s.count('ab') %}"),
        many("{% set x = s ~ '' %}"),
        many("{% set x = s + 'a' %}"),
        many("{% set x = numbers + [1] %}"),
        many("{% set x = s[1:] %}"),
        many("{% set x = numbers[::-1] %}"),
        many("{% set x = cycler(*numbers) %}"),
        many("{% set x = mapping.keys() - ['a'] %}"),
        many("{% set a = i %}" * 900),
        "{% macro m() %}" + "{% set a = 1 %}" * 900 + "{% endmacro %}" + many("{% set x = m() %}"),
        "{% set x %}" + many("text " * 1000) + "{% endset %}{{ x|length }}",
        "{% set x %}" + many("{{ s[:900000] }}") + "{% endset %}{{ x|length }}",
        "{% for i in lists recursive %}{{ loop(lists) if loop.depth < 3 }}{% endfor %}",
        "{{ words|title }}",
        "{{ words|sort }}",
        "{{ words|list|length }}",
        "{{ words.split()|length }}",
        "{{ comments|striptags }}",
        "{{ lists|sum(start=[]) }}",
        "{{ s.rfind(needle) }}",
        "{{ s.strip(needle) }}",
        "{{ [s]|replace('a', s) }}",
        "{{ '{'.join(s).format(1) }}",
        "{{ 5|round(-10 ** 9) }}",
        "{{ 5|round(10 ** 9, 'floor') }}",
        "{{ [1]|slice(10 ** 8)|length }}",
        "{{ ([0] * 10 ** 8)|length }}",
        repeated("(ns.x, ns.x)", "1", "{}[ns.x]"),
        repeated("(ns.x, ns.x)", "1", "{ns.x: 1}"),
        repeated("(ns.x, ns.x)", "1", "{}.get(ns.x)"),
    ],
)
def test_work_on_large_values_is_paid_for_and_stopped_within_seconds(source: str) -> None:
    row: dict[str, Any] = {
        "s": "a" * LONG,
        "other": "a" * (LONG - 1) + "b",
        "needle": "a" * 100 + "b" + "a" * (LONG // 2),
        "words": " a" * (LONG // 2),
        "comments": "<!---->" * (LONG // 7),
        "numbers": list(range(500_000)),
        "lists": [[n] for n in range(50_000)],
        "mapping": {str(n): n for n in range(50_000)},
    }
    template = Template(source, "f")
    with bounded_work(), pytest.raises(RequestError):
        template.render(row)


def test_a_look_up_in_a_large_mapping_is_not_charged_for_its_size() -> None:
    large = {str(n): n for n in range(50_000)}
    loop = "{% for i in range(9000) %}{% if '7' in m and m.get('7') == m['7'] %}{% endif %}"
    assert rendered(loop + "{% endfor %}done", m=large) == "done"


def test_a_long_document_can_be_cut_searched_and_counted() -> None:
    source = "{{ doc[:3] }} {{ doc|truncate(6, true) }} {{ 'x' in doc }} {{ doc|length }}"
    assert rendered(source, doc="abc" * 3_000_000) == "abc abc... False 9000000"


def test_what_a_filter_gives_can_be_used_twice() -> None:
    source = "{% set up = tags|map('upper') %}{{ up|join }}{{ up|join }}"
    assert rendered(source, tags=["a", "b"]) == "ABAB"


def test_recursive_loops_work_on_ordinary_data() -> None:
    source = "{% for n in tree recursive %}{{ n.v }}{{ loop(n.kids) }}{% endfor %}"
    assert rendered(source, tree=[{"v": 1, "kids": [{"v": 2, "kids": []}]}]) == "12"


def test_a_value_nested_without_end_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    assert f"nested more than {MAX_DEPTH} deep" in fault("{{ x }}", x=deep)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a" * (MAX_SOURCE + 1), "has 65,537 characters, 65,536 are the most"),
        ("{{a}}" * MAX_NODES, f"parts (names, texts, operators, blocks), {MAX_NODES:,} are"),
    ],
)
def test_a_template_that_is_too_large_is_refused_at_once(source: str, reason: str) -> None:
    with bounded_work():
        assert reason in fault(source)


def test_the_largest_templates_compile_before_a_lease_could_run_out() -> None:
    loops = "".join(f"{{% for a{n} in a %}}" for n in range(15))
    body = "".join(f"{{% set b{n} = 1 %}}{{% if b{n} %}}{{% endif %}}" for n in range(500))
    with bounded_work():
        Template(loops + body + "{% endfor %}" * 15, "f")


def test_output_over_the_limit_is_refused_and_at_the_limit_is_not() -> None:
    assert len(rendered("{{ x }}", x="a" * MAX_OUTPUT)) == MAX_OUTPUT
    assert "more than 1,048,576 characters" in fault("{{ x }}", x="a" * (MAX_OUTPUT + 1))


def test_the_bounds_start_anew_with_every_row() -> None:
    template = Template("{% for i in range(40000) %}{% endfor %}done", "f")
    assert [template.render({}) for _ in range(5)] == ["done"] * 5


def test_nesting_too_deep_to_compile_is_a_fault() -> None:
    with pytest.raises(RequestError, match="nested too deeply"):
        Template("{{" + "(" * 20_000, "f")
