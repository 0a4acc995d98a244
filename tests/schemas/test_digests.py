"""Digests: equal content has an equal name, other content another one."""

from __future__ import annotations

import json
import math
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_schemas.digests import (
    MAX_DEPTH,
    answer_digest,
    dataset_digest,
    judge_digest,
    request_digest,
    row_digest,
    row_key,
    rubric_digest,
    value_digest,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=8,
)
ROWS = st.dictionaries(st.text(max_size=4), VALUES, max_size=5)


def is_equal(a: Any, b: Any) -> bool:
    """Compare two JSON values independently of the digests: numbers by value, types apart."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(cast("list[Any]", a)) == len(b) and all(map(is_equal, cast("list[Any]", a), b))
    if isinstance(a, dict):
        fields = cast("dict[str, Any]", a)
        return fields.keys() == b.keys() and all(is_equal(fields[key], b[key]) for key in fields)
    return a == b


def respelled(value: Any) -> Any:
    """Return an equal value in another form: keys reversed, integers as floats where exact."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: respelled(fields[key]) for key in reversed(fields)}
    if isinstance(value, list):
        return [respelled(item) for item in cast("list[Any]", value)]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53:
        return float(value)
    return value


@given(VALUES)
def test_a_value_in_another_form_has_the_same_name(value: Any) -> None:
    assert value_digest("row", respelled(value)) == value_digest("row", value)


@given(VALUES, VALUES)
def test_two_values_share_a_name_only_if_they_are_equal(a: Any, b: Any) -> None:
    assert (value_digest("row", a) == value_digest("row", b)) == is_equal(a, b)


@given(VALUES)
def test_a_value_that_went_through_json_has_the_same_name(value: Any) -> None:
    for ensure_ascii in (True, False):
        text = json.dumps(value, ensure_ascii=ensure_ascii, indent=1)
        assert value_digest("row", json.loads(text)) == value_digest("row", value)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (100, 1e2),
        (0, -0.0),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1.0}),
        ([{"x": {"y": 1}}], [{"x": {"y": 1.0}}]),
        ("\u00e9", json.loads('"\\u00e9"')),
        ("\U0001f600", json.loads('"\\ud83d\\ude00"')),
    ],
)
def test_forms_of_one_value_share_a_name(a: Any, b: Any) -> None:
    assert value_digest("answer", a) == value_digest("answer", b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, "1"),
        (1, True),
        (0, False),
        (0, None),
        (None, "null"),
        ("", None),
        ([], {}),
        ([1, 2], [2, 1]),
        ([[1], 2], [[1, 2]]),
        (["a", "b"], ["a,b"]),
        ({"a": {"b": 1}}, {"a": {}, "b": 1}),
        ("\u00e9", "e\u0301"),
        ("\ud83d", "\\ud83d"),
        (2**53, 2**53 + 1),
        (1e300, 10**300),
        (math.inf, -math.inf),
    ],
)
def test_different_values_have_different_names(a: Any, b: Any) -> None:
    assert value_digest("answer", a) != value_digest("answer", b)


def test_kinds_never_share_a_name() -> None:
    assert row_digest({"a": 1}).startswith("row1-")
    assert value_digest("row", {"a": 1}) == row_digest({"a": 1})
    assert value_digest("answer", {"a": 1})[8:] != row_digest({"a": 1})[5:]


@given(ROWS, st.sets(st.text(max_size=4), max_size=3))
def test_a_projection_is_named_like_the_row_that_has_only_its_columns(
    row: dict[str, Any], columns: set[str]
) -> None:
    reduced = {name: value for name, value in row.items() if name in columns}
    assert row_digest(row, columns) == row_digest(reduced)
    assert row_key(row, sorted(columns)).hex() == row_digest(reduced).removeprefix("row1-")


def test_an_absent_column_counts_as_null() -> None:
    assert row_digest({"a": 1, "b": None}) == row_digest({"a": 1})
    assert row_digest({"a": 1}, ["a", "b"]) == row_digest({"a": 1})
    assert row_digest({"a": {"b": None}}) != row_digest({"a": {}})


@given(st.lists(ROWS, max_size=4), st.lists(ROWS, max_size=4))
def test_data_sets_share_a_name_only_with_equal_rows_in_the_same_order(
    a: list[dict[str, Any]], b: list[dict[str, Any]]
) -> None:
    same = [row_key(row) for row in a] == [row_key(row) for row in b]
    assert (dataset_digest(iter(a)) == dataset_digest(iter(b))) == same


def test_two_answers_are_named_in_their_order() -> None:
    assert answer_digest("x", "y") != answer_digest("y", "x")
    assert answer_digest("x") != answer_digest("x", "")
    assert answer_digest("xy") != answer_digest("x", "y")


JUDGE = {
    "model": "m",
    "model_source": "serverless",
    "system_template": "Is {{ answer }} right?",
    "temperature": 0.05,
    "max_tokens": 100,
}
CLASSIFY = {"judge": JUDGE, "labels": ["yes", "no"], "pass_labels": ["yes"]}


def test_a_rubric_is_its_template_and_its_possible_verdicts() -> None:
    name = rubric_digest("classify", CLASSIFY)
    assert rubric_digest("classify", CLASSIFY | {"pass_labels": ["no"]}) == name
    assert rubric_digest("classify", CLASSIFY | {"judge": JUDGE | {"model": "other"}}) == name
    assert rubric_digest("classify", CLASSIFY | {"labels": ["no", "yes"]}) != name
    assert rubric_digest("score", CLASSIFY) != name
    changed = JUDGE | {"system_template": "Is {{ answer }} wrong?"}
    assert rubric_digest("classify", CLASSIFY | {"judge": changed}) != name


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"model_source": "external"},
        {"external_base_url": "https://models.example/v1"},
        {"temperature": 0},
        {"max_tokens": 101},
    ],
)
def test_any_change_of_a_judges_settings_is_another_judge(change: dict[str, Any]) -> None:
    assert judge_digest(JUDGE | change, "together") != judge_digest(JUDGE, "together")


def test_a_judge_elsewhere_or_of_another_reported_version_is_another_judge() -> None:
    name = judge_digest(JUDGE, "together")
    assert judge_digest(JUDGE, "local") != name
    assert judge_digest(JUDGE, "together", "m-2026-11") != name
    same = JUDGE | {"system_template": "other", "num_workers": 4, "external_api_token": "secret"}
    assert judge_digest(same, "together") == name


def test_a_request_is_what_it_measures_and_not_how_fast() -> None:
    name = request_digest("account", "classify", CLASSIFY)
    faster = CLASSIFY | {"judge": JUDGE | {"num_workers": 64, "external_base_url": None}}
    assert request_digest("account", "classify", faster) == name
    assert request_digest("other", "classify", CLASSIFY) != name
    assert request_digest("account", "score", CLASSIFY) != name


@given(VALUES, VALUES)
def test_any_other_change_of_a_request_is_another_request(a: Any, b: Any) -> None:
    first = request_digest("account", "classify", CLASSIFY | {"extra": [a]})
    second = request_digest("account", "classify", CLASSIFY | {"extra": [b]})
    assert (first == second) == is_equal(a, b)


def test_a_token_counts_and_is_not_in_the_name() -> None:
    names = {
        request_digest("a", "classify", {"judge": JUDGE | {"external_api_token": token}})
        for token in ("one", "two", "one")
    }
    assert len(names) == 2


def nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 400])
def test_deeply_nested_values_have_names_too(depth: int) -> None:
    values = [{"a": 1}, {"a": 2}, ['{"a":1}'], '{"a":1}', {"": '{"a":1}'}, []]
    names = [value_digest("row", nested(value, depth)) for value in values]
    assert len(set(names)) == len(values)
    assert value_digest("row", nested({"a": 1}, depth)) == names[0]


@pytest.mark.parametrize("value", [{1: "a"}, {"a": b"bytes"}, {"a": {1, 2}}])
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        value_digest("row", value)


def test_names_stay_the_same_from_version_to_version() -> None:
    """The hashes are those that `b2sum -l 128` prints for the canonical form."""
    assert row_digest({"question": "2 + 2?", "n": 1.0}) == "row1-a13cb6948874ca3306d61d4f5f97abe8"
    assert answer_digest("four") == "answer1-0518b6b96ba940c93efe35bb86d10346"
