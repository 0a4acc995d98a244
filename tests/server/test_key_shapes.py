"""What is taken for a key, and what never is."""

from __future__ import annotations

import base64
import json
import random
import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import InvalidRequestError
from evals_mcp.key_shapes import holds_key, looks_random
from evals_mcp.tools.calls.arguments import parse_arguments
from evals_schemas.tools.inputs import (
    CreateEvaluationInput,
    GetEvaluationInput,
    ListEvaluationsInput,
)
from evals_schemas.tools.portable_schema import portable_schema
from tests.clocks import bounded_work

LETTERS = string.ascii_letters + string.digits


def drawn(alphabet: str, length: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


def token() -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890"})
    head, claims = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return f"{head}.{claims}.{drawn(LETTERS, 43)}"


@pytest.mark.parametrize(
    "key",
    [
        "sk-" + drawn(LETTERS, 48),
        "sk-proj-" + drawn(LETTERS + "-_", 80),
        "sk-ant-api03-" + drawn(LETTERS, 40),
        "tgp_v1_" + drawn(LETTERS, 43),
        "hf_" + drawn(LETTERS, 34),
        "AKIA" + drawn(string.ascii_uppercase + string.digits, 16),
        "gsk_" + drawn(LETTERS, 52),
        "xai-" + drawn(LETTERS, 80),
        "AIza" + drawn(LETTERS + "-_", 35),
        "Bearer " + drawn(LETTERS, 32),
        token(),
    ],
)
@pytest.mark.parametrize("around", ["{}", "use {}, please", "x={}", '{{"a": "{}"}}', "é\n{}\n"])
def test_a_key_of_a_known_kind_is_found_in_any_text(key: str, around: str) -> None:
    assert holds_key(around.format(key))


@pytest.mark.parametrize(
    "text",
    [
        "Use sk-learn or scikit-learn to sort the task-oriented risk-averse answers.",
        "sk-learn-compatible-estimators-and-more",
        "from huggingface_hub import hf_hub_download; hf_hub_url",
        "The bearer of this letter; Bearer authentication-is-required here",
        "xai-org/grok-4-fast-reasoning-2026-11",
        "Judge {{ question }} and {{answer}} with eyJ and AKIA in mind",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free",
        "accounts/fireworks/models/llama4-maverick-instruct-basic",
        "Meta-Llama-3-8B-Instruct-Q4_K_M-GGUF-v2-4bit",
        "aVeryLongCamelCaseColumnNameThatNobodyShouldEverUse1",
        "a_very_long_column_name_with_words_and_a_number_20261120",
        "together:eval-4f3a-1763640000",
        "a" * 4_000,
    ],
)
def test_names_and_sentences_are_no_keys(text: str) -> None:
    assert not holds_key(text)
    assert not looks_random(text)


@given(st.uuids(), st.sampled_from(["file-", "eval-", "benchmark-", "rows-", "local:file-", ""]))
def test_ids_are_no_keys(id_: UUID, start: str) -> None:
    assert not holds_key(f"{start}{id_}")
    assert not looks_random(f"{start}{id_}")


def test_most_long_random_texts_are_found() -> None:
    for alphabet, length in ((string.hexdigits.lower()[:16], 64), (LETTERS, 43), (LETTERS, 64)):
        found = [looks_random(drawn(alphabet, length, seed)) for seed in range(500)]
        assert sum(found) > 450


@given(st.text(LETTERS + "-_", min_size=60, max_size=60), st.binary(min_size=30, max_size=90))
def test_codes_and_cursors_are_never_taken_for_keys(code: str, place: bytes) -> None:
    cursor = base64.urlsafe_b64encode(place).decode()
    create = {"type": "classify", "confirm": code}
    taken = parse_arguments(
        "create_evaluation", CreateEvaluationInput, portable_schema(CreateEvaluationInput), create
    )
    page = parse_arguments(
        "list_evaluations",
        ListEvaluationsInput,
        portable_schema(ListEvaluationsInput),
        {"cursor": cursor},
    )
    assert (taken.confirm, page.cursor) == (code, cursor)


def test_an_id_without_hyphens_is_no_key() -> None:
    id_ = "eval-" + drawn(LETTERS, 60)
    taken = parse_arguments(
        "get_evaluation",
        GetEvaluationInput,
        portable_schema(GetEvaluationInput),
        {"evaluation_id": id_},
    )
    assert taken.evaluation_id == id_


@pytest.mark.parametrize("part", ["sk-", "eyJ-", "Bearer ", "eyJ" + "a" * 40 + "."])
def test_the_longest_text_is_looked_through_at_once(part: str) -> None:
    text = part * (1_000_000 // len(part))
    with bounded_work():
        holds_key(text)


def test_a_key_in_the_name_of_a_field_is_not_quoted() -> None:
    key = "gsk_" + drawn(LETTERS, 40)
    with pytest.raises(InvalidRequestError) as refused:
        parse_arguments(
            "create_evaluation",
            CreateEvaluationInput,
            portable_schema(CreateEvaluationInput),
            {"type": "classify", "judge": {key: 1}},
        )
    assert key[:8] not in str(refused.value)
    assert str(refused.value).startswith("The name of a field of `judge` holds")
