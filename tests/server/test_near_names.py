import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.near_names import near_names

MODELS = ["openai/gpt-oss-120b", "Qwen/Qwen3.5-32B", "Qwen/Qwen3.5-9B", "rule/exact-match"]


@pytest.mark.parametrize(
    ("given_name", "nearest"),
    [
        ("qwen3.5 9b", "Qwen/Qwen3.5-9B"),
        ("QWEN/QWEN3.5-9B", "Qwen/Qwen3.5-9B"),
        ("gpt oss", "openai/gpt-oss-120b"),
        ("gpt_oss_120", "openai/gpt-oss-120b"),
        ("exact_match", "rule/exact-match"),
        ("rule/exactmatsch", "rule/exact-match"),
    ],
)
def test_case_punctuation_and_organisation_do_not_keep_a_name_from_being_near(
    given_name: str, nearest: str
) -> None:
    assert near_names(given_name, MODELS)[0] == nearest


@pytest.mark.parametrize("name", ["", "x", "claude", "/", "…"])
def test_nothing_is_near_a_name_that_resembles_none(name: str) -> None:
    assert near_names(name, MODELS) == []


def test_only_so_many_are_named_the_nearest_first() -> None:
    assert near_names("qwen3.5", MODELS, most=1) == ["Qwen/Qwen3.5-9B"]
    assert near_names("qwen3.5", iter(MODELS)) == ["Qwen/Qwen3.5-9B", "Qwen/Qwen3.5-32B"]


@given(st.lists(st.text(), max_size=8), st.text(), st.integers(1, 3))
def test_what_is_near_is_one_of_the_names_and_a_name_is_near_itself(
    names: list[str], name: str, most: int
) -> None:
    found = near_names(name, names, most)
    assert len(found) == len(set(found)) <= most
    assert set(found) <= set(names)
    assert name in near_names(name, [name])
