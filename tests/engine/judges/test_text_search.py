"""Folding and whole-word search: as exact as a plain definition, and linear for hostile texts."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.judges import text_search
from evals_engine.judges.text_search import cuts, folded, occurs

ALPHABET = "ab1 0.,-+%eE\u2212é\u0301\u0316ß\u03c3\u03c2\u0130한ก\u0e48\uff12\u0663"
TEXTS = st.text(alphabet=ALPHABET, max_size=14)


def plainly_folded(text: str) -> str:
    composed = unicodedata.normalize("NFC", text).casefold()
    return " ".join(unicodedata.normalize("NFC", composed).split())


def plainly_cuts(text: str, place: int) -> bool:
    if place in {0, len(text)}:
        return False
    if text_search.INSIDE_A_WORD.match(text, place - 1, place + 1):
        return True
    return text_search.cuts_a_number(text, place)


def plainly_occurs(wanted: str, text: str) -> bool:
    ends = ((start, start + len(wanted)) for start in range(len(text)))
    return any(
        text[start:end] == wanted and not plainly_cuts(text, start) and not plainly_cuts(text, end)
        for start, end in ends
    )


@given(TEXTS)
def test_folding_gives_what_the_plain_definition_gives(text: str) -> None:
    assert folded(text) == plainly_folded(text)


@given(TEXTS, st.data())
def test_a_place_cuts_what_the_plain_definition_says(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    assert cuts(text, place) == plainly_cuts(text, place)


@given(st.text(alphabet="a1 0.-é", min_size=1, max_size=3), TEXTS)
def test_the_search_finds_what_the_plain_definition_finds(wanted: str, text: str) -> None:
    assert occurs(wanted, text) == plainly_occurs(wanted, text)


def test_the_search_agrees_on_many_random_texts() -> None:
    draw = random.Random(7)
    for _ in range(20_000):
        text = "".join(draw.choices("ab1 0.,-+e%", k=draw.randint(0, 16)))
        wanted = "".join(draw.choices("a10.-", k=draw.randint(1, 3)))
        assert occurs(wanted, text) == plainly_occurs(wanted, text), (wanted, text)


def test_long_runs_of_marks_are_equal_when_their_texts_are() -> None:
    text = "a" + "\u0301\u0316" * 100
    assert folded(text) == folded(text.upper())
    assert folded(text) != folded(text + "\u0301")


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("1", "1" * 200_000),
        ("11", "1" * 200_000),
        ("a", "a" * 100_000),
        ("x", "a" + "\u0300\u0316" * 100_000),
    ],
)
def test_a_hostile_text_takes_steps_that_grow_with_its_length(
    wanted: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    original = text_search.cuts_a_number

    def counted(searched: str, place: int) -> bool:
        nonlocal looks
        looks += 1
        return original(searched, place)

    monkeypatch.setattr(text_search, "cuts_a_number", counted)
    assert not occurs(folded(wanted), folded(text))
    assert looks <= 10
